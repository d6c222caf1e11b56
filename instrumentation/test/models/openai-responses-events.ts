/** Streams of OpenAI's Responses API: events, and their bytes on the wire. */
import { type StreamEvent, wireBytes } from './anthropic-stream.ts'

export { type StreamEvent, wireBytes }

export function response(parts: object = {}) {
  return {
    id: 'resp_01',
    object: 'response',
    created_at: 1_764_000_000,
    status: 'in_progress',
    error: null,
    incomplete_details: null,
    instructions: 'You edit files.',
    model: 'gpt-5-2025-08-07',
    output: [] as readonly object[],
    tools: [],
    usage: null,
    ...parts,
  }
}

export const usage = {
  input_tokens: 1000,
  input_tokens_details: { cached_tokens: 900, cache_write_tokens: 75 },
  output_tokens: 89,
  output_tokens_details: { reasoning_tokens: 64 },
  total_tokens: 1089,
}

export const message = (content: readonly object[], id = 'msg_1') => ({
  id,
  type: 'message',
  status: 'completed',
  role: 'assistant',
  content,
})
export const text = (value: string) => ({
  type: 'output_text',
  text: value,
  annotations: [],
})
export const functionCall = (call_id: string, name: string, args: string) => ({
  id: `fc_${call_id}`,
  type: 'function_call',
  status: 'completed',
  call_id,
  name,
  arguments: args,
})

/** The begin of a stream. */
export function begin(): StreamEvent[] {
  return [
    { type: 'response.created', response: response() },
    { type: 'response.in_progress', response: response() },
  ]
}

/** One item: added, its events, done. */
export function item(
  output_index: number,
  done: object,
  added: object = done,
  ...events: readonly StreamEvent[]
): StreamEvent[] {
  const item_id = 'id' in done ? done.id : undefined
  return [
    { type: 'response.output_item.added', output_index, item: added },
    ...events.map((event) => ({ ...event, output_index, item_id })),
    { type: 'response.output_item.done', output_index, item: done },
  ]
}

export function textItem(output_index: number, ...pieces: readonly string[]): StreamEvent[] {
  const done = message([text(pieces.join(''))], `msg_${output_index}`)
  const at = { content_index: 0 }
  return item(
    output_index,
    done,
    { ...done, status: 'in_progress', content: [] },
    { type: 'response.content_part.added', ...at, part: text('') },
    ...pieces.map((delta) => ({ type: 'response.output_text.delta', ...at, delta })),
    { type: 'response.output_text.done', ...at, text: pieces.join('') },
    { type: 'response.content_part.done', ...at, part: text(pieces.join('')) },
  )
}

export function callItem(
  output_index: number,
  call_id: string,
  name: string,
  ...pieces: readonly string[]
): StreamEvent[] {
  const done = functionCall(call_id, name, pieces.join(''))
  return item(
    output_index,
    done,
    { ...done, status: 'in_progress', arguments: '' },
    ...pieces.map((delta) => ({ type: 'response.function_call_arguments.delta', delta })),
    { type: 'response.function_call_arguments.done', arguments: pieces.join('') },
  )
}

export function end(output: readonly object[], parts: object = {}): StreamEvent[] {
  const last = response({ status: 'completed', output, usage, ...parts })
  return [{ type: 'response.completed', response: last }]
}

const reasoning = {
  id: 'rs_0',
  type: 'reasoning',
  summary: [{ type: 'summary_text', text: 'The user wants a greeting.' }],
  encrypted_content: 'c2VjcmV0',
}
const outputs = [
  reasoning,
  message([text('Grüße, 緑 🎈!')], 'msg_1'),
  functionCall('call_01', 'read_file', '{"path": "hello.txt"}'),
  functionCall('call_02', 'list_files', '{}'),
]

/** Reasoning, text, and two calls. */
export const answerWithTools: readonly StreamEvent[] = [
  ...begin(),
  ...item(
    0,
    reasoning,
    { id: 'rs_0', type: 'reasoning', summary: [] },
    {
      type: 'response.reasoning_summary_part.added',
      summary_index: 0,
      part: { type: 'summary_text', text: '' },
    },
    { type: 'response.reasoning_summary_text.delta', summary_index: 0, delta: 'The user wants' },
    { type: 'response.reasoning_summary_text.delta', summary_index: 0, delta: ' a greeting.' },
    {
      type: 'response.reasoning_summary_text.done',
      summary_index: 0,
      text: 'The user wants a greeting.',
    },
  ),
  ...textItem(1, 'Grüße, ', '緑 🎈', '!'),
  ...callItem(2, 'call_01', 'read_file', '{"path": "hel', 'lo.txt"}'),
  ...callItem(3, 'call_02', 'list_files', '{}'),
  ...end(outputs),
]
