/** OpenAI's Responses. */
import { scenario } from '../scenario.ts'
import { json, namedEvents, type ToolUse, thirdsOf, type Wire } from './wire.ts'

const { input, output } = scenario.usage
const usage = {
  input_tokens: input,
  input_tokens_details: { cached_tokens: 0 },
  output_tokens: output,
  output_tokens_details: { reasoning_tokens: 0 },
  total_tokens: input + output,
}

export const openAiResponses: Wire = ({ path, body, reply }) => {
  if (!path.endsWith('/responses')) return undefined
  const { calls, number, text } = reply
  const started = {
    id: `resp_${number}`,
    object: 'response',
    created_at: 1,
    status: 'in_progress',
    error: null,
    incomplete_details: null,
    instructions: body.instructions ?? null,
    metadata: {},
    model: scenario.model,
    output: [],
    parallel_tool_calls: true,
    previous_response_id: body.previous_response_id ?? null,
    reasoning: { effort: null, summary: null },
    temperature: 1,
    text: { format: { type: 'text' } },
    tool_choice: 'auto',
    tools: body.tools ?? [],
    top_p: 1,
    truncation: 'disabled',
    usage: null,
  }
  const output = calls.length === 0 ? [textItem(text)] : calls.map(callItem)
  const completed = { ...started, status: 'completed', output, usage }
  if (body.stream !== true) return json(completed)
  const events = [
    { type: 'response.created', response: started },
    { type: 'response.in_progress', response: started },
    ...(calls.length === 0 ? textEvents(text) : calls.flatMap(callEvents)),
    { type: 'response.completed', response: completed },
  ]
  return namedEvents(events.map((event, index) => ({ ...event, sequence_number: index })))
}

function textPart(text: string) {
  return { type: 'output_text', text, annotations: [], logprobs: [] }
}

function textItem(text: string) {
  return {
    id: 'msg_1',
    type: 'message',
    status: 'completed',
    role: 'assistant',
    content: [textPart(text)],
  }
}

function callItem({ id, name, input }: ToolUse, index: number) {
  return {
    id: `fc_${index + 1}`,
    type: 'function_call',
    status: 'completed',
    call_id: id,
    name,
    arguments: JSON.stringify(input),
  }
}

function textEvents(text: string) {
  const item = textItem(text)
  const at = { output_index: 0, item_id: item.id, content_index: 0 }
  return [
    {
      type: 'response.output_item.added',
      output_index: 0,
      item: { ...item, status: 'in_progress', content: [] },
    },
    { type: 'response.content_part.added', ...at, part: textPart('') },
    ...thirdsOf(text).map((delta) => ({
      type: 'response.output_text.delta',
      ...at,
      delta,
      logprobs: [],
    })),
    { type: 'response.output_text.done', ...at, text, logprobs: [] },
    { type: 'response.content_part.done', ...at, part: textPart(text) },
    { type: 'response.output_item.done', output_index: 0, item },
  ]
}

function callEvents(call: ToolUse, index: number) {
  const item = callItem(call, index)
  const at = { output_index: index, item_id: item.id }
  return [
    {
      type: 'response.output_item.added',
      output_index: index,
      item: { ...item, status: 'in_progress', arguments: '' },
    },
    ...thirdsOf(item.arguments).map((delta) => ({
      type: 'response.function_call_arguments.delta',
      ...at,
      delta,
    })),
    { type: 'response.function_call_arguments.done', ...at, arguments: item.arguments },
    { type: 'response.output_item.done', output_index: index, item },
  ]
}
