/** Anthropic's Messages API: `POST /v1/messages`. */

import {
  type Dialect,
  newId,
  pieces,
  type RequestFacts,
  type ServerSentEvent,
  toEvent,
  tokens,
} from './dialect.ts'
import {
  type Block,
  findMismatch,
  invalid,
  isRecord,
  type Message,
  type Mismatch,
  type ParsedRequest,
  textOf,
} from './request.ts'
import type { ScriptedAnswer } from './script.ts'

const errorTypes = {
  invalid: 'invalid_request_error',
  unauthenticated: 'authentication_error',
  not_found: 'not_found_error',
  too_large: 'request_too_large',
} as const

export const anthropic: Dialect = {
  matches: (pathname) => pathname === '/v1/messages',
  requestIdHeader: 'request-id',
  checkHeaders(headers) {
    if (!headers['x-api-key'] && !headers.authorization) {
      return { kind: 'unauthenticated', message: 'x-api-key header is required' }
    }
    if (!headers['anthropic-version']) {
      return { kind: 'invalid', message: 'anthropic-version: header is required' }
    }
    return undefined
  },
  parse: parseRequest,
  write(answer, facts) {
    const message = toWireMessage(answer, facts)
    return { json: message, events: toEvents(message) }
  },
  writeRefusal: ({ kind, message }, requestId) => ({
    type: 'error',
    error: { type: errorTypes[kind], message },
    request_id: requestId,
  }),
}

function parseRequest(body: unknown): ParsedRequest {
  if (!isRecord(body)) return invalid('The request body must be a JSON object.')
  if (typeof body.model !== 'string' || body.model === '') return invalid('model: Field required')
  if (!Number.isInteger(body.max_tokens)) return invalid('max_tokens: Field required')
  if (Number(body.max_tokens) < 1) return invalid('max_tokens: must be greater than or equal to 1')
  if (!Array.isArray(body.messages)) return invalid('messages: Field required')
  if (body.messages.length === 0) return invalid('messages: at least one message is required')
  if (body.stream !== undefined && typeof body.stream !== 'boolean') {
    return invalid('stream: Input should be a valid boolean')
  }

  const toolNames = parseToolNames(body.tools)
  if (typeof toolNames === 'string') return invalid(toolNames)

  const messages: Message[] = []
  for (const [at, value] of body.messages.entries()) {
    const message = parseMessage(value, `messages.${at}`)
    if (typeof message === 'string') return invalid(message)
    messages.push(message)
  }
  if (messages[0]?.role !== 'user') return invalid('messages: first message must use the user role')
  const mismatch = findMismatch(messages)
  if (mismatch !== undefined) return invalid(explainMismatch(mismatch, messages.length))

  return {
    status: 'ok',
    request: { model: body.model, messages, toolNames, stream: body.stream === true },
  }
}

function parseToolNames(tools: unknown): readonly string[] | string {
  if (tools === undefined) return []
  if (!Array.isArray(tools)) return 'tools: Input should be a valid list'
  const names: string[] = []
  for (const [at, tool] of tools.entries()) {
    if (!isRecord(tool) || typeof tool.name !== 'string') return `tools.${at}.name: Field required`
    names.push(tool.name)
  }
  return names
}

function parseMessage(value: unknown, where: string): Message | string {
  if (!isRecord(value)) return `${where}: Input should be a valid dictionary`
  const { role, content } = value
  if (role !== 'user' && role !== 'assistant') {
    return `${where}.role: Input should be 'user' or 'assistant'`
  }
  if (typeof content === 'string') {
    if (content === '') return `${where}: user messages must have non-empty content`
    return { role, content: [{ type: 'text', text: content }] }
  }
  if (!Array.isArray(content)) return `${where}.content: Field required`
  const blocks: Block[] = []
  for (const [at, item] of content.entries()) {
    const block = parseBlock(item, `${where}.content.${at}`)
    if (typeof block === 'string') return block
    blocks.push(block)
  }
  return { role, content: blocks }
}

function parseBlock(value: unknown, where: string): Block | string {
  if (!isRecord(value) || typeof value.type !== 'string') return `${where}.type: Field required`
  switch (value.type) {
    case 'text':
      if (typeof value.text !== 'string') return `${where}.text.text: Field required`
      if (value.text === '') return `${where}: text content blocks must be non-empty`
      return { type: 'text', text: value.text }
    case 'tool_use': {
      const { id, name, input } = value
      if (typeof id !== 'string') return `${where}.tool_use.id: Field required`
      if (typeof name !== 'string') return `${where}.tool_use.name: Field required`
      if (!isRecord(input)) return `${where}.tool_use.input: Input should be a valid dictionary`
      return { type: 'tool_use', id, name, input }
    }
    case 'tool_result': {
      const { tool_use_id: toolUseId, content, is_error: isError } = value
      if (typeof toolUseId !== 'string') return `${where}.tool_result.tool_use_id: Field required`
      return { type: 'tool_result', toolUseId, text: textOf(content), isError: isError === true }
    }
    default:
      return { type: 'other' }
  }
}

function explainMismatch(mismatch: Mismatch, messageCount: number): string {
  const { at } = mismatch
  if (mismatch.kind === 'unasked') {
    return `messages.${at}: unexpected \`tool_use_id\` found in \`tool_result\` blocks: ${mismatch.id}. Each \`tool_result\` block must have a corresponding \`tool_use\` block in the previous message.`
  }
  if (at === messageCount - 1) {
    return `messages.${at}: the last message asks for tools that nothing answers.`
  }
  return `messages.${at}: \`tool_use\` ids were found without \`tool_result\` blocks immediately after: ${mismatch.ids.join(', ')}. Each \`tool_use\` block must have a corresponding \`tool_result\` block in the next message.`
}

type WireBlock =
  | { readonly type: 'text'; readonly text: string }
  | {
      readonly type: 'tool_use'
      readonly id: string
      readonly name: string
      readonly input: object
    }

function toWireMessage(answer: ScriptedAnswer, { model, bodyChars }: RequestFacts) {
  const content: WireBlock[] = answer.text === '' ? [] : [{ type: 'text', text: answer.text }]
  for (const { name, input } of answer.toolUses) {
    content.push({ type: 'tool_use', id: newId('toolu_'), name, input })
  }
  return {
    id: newId('msg_'),
    type: 'message',
    role: 'assistant',
    model,
    content,
    stop_reason: answer.toolUses.length > 0 ? 'tool_use' : 'end_turn',
    stop_sequence: null,
    usage: {
      input_tokens: tokens(bodyChars),
      cache_creation_input_tokens: 0,
      cache_read_input_tokens: 0,
      output_tokens: tokens(JSON.stringify(content).length),
      service_tier: 'standard',
    },
  }
}

function* toEvents(message: ReturnType<typeof toWireMessage>): Generator<ServerSentEvent> {
  const { content, stop_reason, usage } = message
  yield namedEvent({
    type: 'message_start',
    message: { ...message, content: [], stop_reason: null, usage: { ...usage, output_tokens: 1 } },
  })
  for (const [index, block] of content.entries()) {
    const isText = block.type === 'text'
    const content_block = isText ? { ...block, text: '' } : { ...block, input: {} }
    yield namedEvent({ type: 'content_block_start', index, content_block })
    if (index === 0) yield namedEvent({ type: 'ping' })
    for (const piece of pieces(isText ? block.text : JSON.stringify(block.input))) {
      const delta = isText
        ? { type: 'text_delta', text: piece }
        : { type: 'input_json_delta', partial_json: piece }
      yield namedEvent({ type: 'content_block_delta', index, delta })
    }
    yield namedEvent({ type: 'content_block_stop', index })
  }
  yield namedEvent({
    type: 'message_delta',
    delta: { stop_reason, stop_sequence: null },
    usage: { output_tokens: usage.output_tokens },
  })
  yield namedEvent({ type: 'message_stop' })
}

function namedEvent(data: {
  readonly type: string
  readonly [field: string]: unknown
}): ServerSentEvent {
  return toEvent(data, { name: data.type, isPiece: data.type === 'content_block_delta' })
}
