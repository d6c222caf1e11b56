/** OpenAI's Responses API: `POST /v1/responses`. */

import {
  type Dialect,
  newId,
  pieces,
  type RequestFacts,
  type ServerSentEvent,
  toEvent,
  tokens,
} from './dialect.ts'
import { openAi } from './openai.ts'
import {
  findMismatch,
  invalid,
  isRecord,
  joinMessages,
  type Message,
  type Mismatch,
  type ParsedRequest,
  parseJson,
  textOf,
} from './request.ts'
import type { ScriptedAnswer } from './script.ts'

export const openAiResponses: Dialect = {
  ...openAi,
  matches: (pathname) => pathname === '/v1/responses',
  parse: parseRequest,
  write(answer, facts) {
    const response = toResponse(answer, facts)
    return { json: response, events: toEvents(response) }
  },
}

function parseRequest(body: unknown): ParsedRequest {
  if (!isRecord(body)) return invalid('We could not parse the JSON body of your request.')
  const { model, input, tools = [], stream = false } = body
  if (typeof model !== 'string' || model === '') {
    return invalid("Missing required parameter: 'model'.")
  }
  if (typeof stream !== 'boolean') return invalid("Invalid type for 'stream': expected a boolean.")
  const items = typeof input === 'string' ? [{ role: 'user', content: input }] : input
  if (!Array.isArray(items)) return invalid("Missing required parameter: 'input'.")

  const toolNames = parseToolNames(tools)
  if (typeof toolNames === 'string') return invalid(toolNames)
  const parsed: Message[] = []
  for (const [at, item] of items.entries()) {
    const message = parseItem(item, `input[${at}]`)
    if (typeof message === 'string') return invalid(message)
    if (message !== undefined) parsed.push(message)
  }
  const messages = joinMessages(parsed)
  const mismatch = findMismatch(messages)
  if (mismatch !== undefined) return invalid(explainMismatch(mismatch))
  return { status: 'ok', request: { model, messages, toolNames, stream } }
}

function parseToolNames(tools: unknown): readonly string[] | string {
  if (!Array.isArray(tools)) return "Invalid type for 'tools': expected an array of objects."
  const names: string[] = []
  for (const [at, tool] of tools.entries()) {
    if (!isRecord(tool) || typeof tool.name !== 'string') {
      return `Missing required parameter: 'tools[${at}].name'.`
    }
    names.push(tool.name)
  }
  return names
}

/** `undefined`: the item is an instruction. */
function parseItem(item: unknown, where: string): Message | string | undefined {
  if (!isRecord(item)) return `Invalid type for '${where}': expected an object.`
  const { type = 'message', role, content, call_id: id, name } = item
  switch (type) {
    case 'message': {
      if (role === 'system' || role === 'developer') return undefined
      if (role !== 'user' && role !== 'assistant') {
        return `Invalid value: '${String(role)}'. Supported values are: 'assistant', 'system', 'developer', and 'user'. (${where}.role)`
      }
      return { role, content: [{ type: 'text', text: textOf(content) }] }
    }
    case 'function_call': {
      if (typeof id !== 'string') return `Missing required parameter: '${where}.call_id'.`
      if (typeof name !== 'string') return `Missing required parameter: '${where}.name'.`
      const input = parseJson(String(item.arguments))
      const use = { type: 'tool_use' as const, id, name, input: isRecord(input) ? input : {} }
      return { role: 'assistant', content: [use] }
    }
    case 'function_call_output': {
      if (typeof id !== 'string') return `Missing required parameter: '${where}.call_id'.`
      const result = { type: 'tool_result' as const, toolUseId: id, text: textOf(item.output) }
      return { role: 'user', content: [{ ...result, isError: false }] }
    }
    default:
      return { role: 'assistant', content: [{ type: 'other' }] }
  }
}

function explainMismatch(mismatch: Mismatch): string {
  return mismatch.kind === 'unasked'
    ? `No tool call found for function call output with call_id ${mismatch.id}.`
    : `No tool output found for function call ${mismatch.ids.join(', ')}.`
}

type OutputItem =
  | { type: 'message'; id: string; status: string; role: string; content: readonly [OutputText] }
  | {
      type: 'function_call'
      id: string
      status: string
      call_id: string
      name: string
      arguments: string
    }

interface OutputText {
  readonly type: 'output_text'
  readonly text: string
  readonly annotations: readonly unknown[]
  readonly logprobs: readonly unknown[]
}

function outputText(text: string): OutputText {
  return { type: 'output_text', text, annotations: [], logprobs: [] }
}

function toResponse({ text, toolUses }: ScriptedAnswer, { model, body, bodyChars }: RequestFacts) {
  const status = 'completed'
  const output: OutputItem[] = toolUses.map(({ name, input }) => ({
    id: newId('fc_'),
    type: 'function_call',
    status,
    call_id: newId('call_'),
    name,
    arguments: JSON.stringify(input),
  }))
  if (text !== '') {
    const content = [outputText(text)] as const
    output.unshift({ id: newId('msg_'), type: 'message', status, role: 'assistant', content })
  }
  const asked = isRecord(body) ? body : {}
  const inputTokens = tokens(bodyChars)
  const outputTokens = tokens(JSON.stringify(output).length)
  return {
    id: newId('resp_'),
    object: 'response',
    created_at: Math.floor(Date.now() / 1000),
    status,
    error: null,
    incomplete_details: null,
    instructions: asked.instructions ?? null,
    max_output_tokens: asked.max_output_tokens ?? null,
    model,
    output,
    parallel_tool_calls: true,
    previous_response_id: null,
    store: asked.store ?? true,
    tool_choice: 'auto',
    tools: asked.tools ?? [],
    usage: {
      input_tokens: inputTokens,
      input_tokens_details: { cached_tokens: 0 },
      output_tokens: outputTokens,
      output_tokens_details: { reasoning_tokens: 0 },
      total_tokens: inputTokens + outputTokens,
    },
    metadata: {},
  }
}

function* toEvents(response: ReturnType<typeof toResponse>): Generator<ServerSentEvent> {
  let sequence_number = -1
  const event = (type: string, fields: object): ServerSentEvent => {
    sequence_number += 1
    const isPiece = type.endsWith('.delta')
    return toEvent({ type, sequence_number, ...fields }, { name: type, isPiece })
  }
  const begun = { ...response, status: 'in_progress', output: [], usage: null }
  yield event('response.created', { response: begun })
  yield event('response.in_progress', { response: begun })
  for (const [output_index, item] of response.output.entries()) {
    const place = { item_id: item.id, output_index }
    const status = 'in_progress'
    if (item.type === 'message') {
      const [part] = item.content
      const inItem = { ...place, content_index: 0 }
      const added = { ...item, status, content: [] }
      yield event('response.output_item.added', { output_index, item: added })
      yield event('response.content_part.added', { ...inItem, part: outputText('') })
      for (const delta of pieces(part.text)) {
        yield event('response.output_text.delta', { ...inItem, delta, logprobs: [] })
      }
      yield event('response.output_text.done', { ...inItem, text: part.text, logprobs: [] })
      yield event('response.content_part.done', { ...inItem, part })
    } else {
      const added = { ...item, status, arguments: '' }
      yield event('response.output_item.added', { output_index, item: added })
      for (const delta of pieces(item.arguments)) {
        yield event('response.function_call_arguments.delta', { ...place, delta })
      }
      const { name, arguments: written } = item
      yield event('response.function_call_arguments.done', { ...place, name, arguments: written })
    }
    yield event('response.output_item.done', { output_index, item })
  }
  yield event('response.completed', { response })
}
