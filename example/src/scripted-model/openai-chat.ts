/** OpenAI's Chat Completions API: `POST /v1/chat/completions`. */

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
  type Block,
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

export const openAiChat: Dialect = {
  ...openAi,
  matches: (pathname) => pathname === '/v1/chat/completions',
  parse: parseRequest,
  write(answer, facts) {
    const completion = toCompletion(answer, facts)
    const options = isRecord(facts.body) ? facts.body.stream_options : undefined
    const withUsage = isRecord(options) && options.include_usage === true
    return { json: completion, events: toEvents(completion, withUsage) }
  },
}

function parseRequest(body: unknown): ParsedRequest {
  if (!isRecord(body)) return invalid('We could not parse the JSON body of your request.')
  const { model, messages, tools = [], stream = false } = body
  if (typeof model !== 'string' || model === '')
    return invalid('you must provide a model parameter')
  if (!Array.isArray(messages)) return invalid("Missing required parameter: 'messages'.")
  if (messages.length === 0) return invalid("Invalid 'messages': empty array.")
  if (typeof stream !== 'boolean') return invalid("Invalid type for 'stream': expected a boolean.")

  const toolNames = parseToolNames(tools)
  if (typeof toolNames === 'string') return invalid(toolNames)
  const parsed: Message[] = []
  for (const [at, value] of messages.entries()) {
    if (isRecord(value) && (value.role === 'system' || value.role === 'developer')) continue
    const message = parseMessage(value, `messages[${at}]`)
    if (typeof message === 'string') return invalid(message)
    parsed.push(message)
  }
  const joined = joinMessages(parsed)
  const mismatch = findMismatch(joined)
  if (mismatch !== undefined) return invalid(explainMismatch(mismatch))
  return { status: 'ok', request: { model, messages: joined, toolNames, stream } }
}

function parseToolNames(tools: unknown): readonly string[] | string {
  if (!Array.isArray(tools)) return "Invalid type for 'tools': expected an array of objects."
  const names: string[] = []
  for (const [at, tool] of tools.entries()) {
    const definition: unknown = isRecord(tool) ? tool.function : undefined
    if (!isRecord(definition) || typeof definition.name !== 'string') {
      return `Missing required parameter: 'tools[${at}].function.name'.`
    }
    names.push(definition.name)
  }
  return names
}

function parseMessage(value: unknown, where: string): Message | string {
  if (!isRecord(value)) return `Invalid type for '${where}': expected an object.`
  const { role, content, tool_calls = [], tool_call_id: toolUseId } = value
  switch (role) {
    case 'user': {
      if (typeof content !== 'string' && !Array.isArray(content)) {
        return `Invalid value for '${where}.content': expected a string or an array.`
      }
      return { role, content: textBlocks(textOf(content)) }
    }
    case 'assistant': {
      const uses = parseToolCalls(tool_calls, `${where}.tool_calls`)
      return typeof uses === 'string'
        ? uses
        : { role, content: [...textBlocks(textOf(content)), ...uses] }
    }
    case 'tool': {
      if (typeof toolUseId !== 'string') {
        return `Missing required parameter: '${where}.tool_call_id'.`
      }
      const result = { type: 'tool_result' as const, toolUseId, text: textOf(content) }
      return { role: 'user', content: [{ ...result, isError: false }] }
    }
    default:
      return `Invalid value: '${String(role)}'. Supported values are: 'system', 'assistant', 'user', 'tool', and 'developer'. (${where}.role)`
  }
}

function parseToolCalls(calls: unknown, where: string): readonly Block[] | string {
  if (!Array.isArray(calls)) return `Invalid type for '${where}': expected an array of objects.`
  const uses: Block[] = []
  for (const [at, call] of calls.entries()) {
    const asked: unknown = isRecord(call) ? call.function : undefined
    if (!isRecord(call) || typeof call.id !== 'string') {
      return `Missing required parameter: '${where}[${at}].id'.`
    }
    if (!isRecord(asked) || typeof asked.name !== 'string') {
      return `Missing required parameter: '${where}[${at}].function.name'.`
    }
    const input = parseJson(String(asked.arguments))
    uses.push({
      type: 'tool_use',
      id: call.id,
      name: asked.name,
      input: isRecord(input) ? input : {},
    })
  }
  return uses
}

function textBlocks(text: string): readonly Block[] {
  return text === '' ? [] : [{ type: 'text', text }]
}

function explainMismatch(mismatch: Mismatch): string {
  return mismatch.kind === 'unasked'
    ? `messages with role 'tool' must be a response to a preceding message with 'tool_calls': ${mismatch.id}`
    : `An assistant message with 'tool_calls' must be followed by tool messages that respond to each 'tool_call_id': ${mismatch.ids.join(', ')}`
}

function toCompletion({ text, toolUses }: ScriptedAnswer, { model, bodyChars }: RequestFacts) {
  const calls = toolUses.map(({ name, input }) => ({
    id: newId('call_'),
    type: 'function',
    function: { name, arguments: JSON.stringify(input) },
  }))
  const promptTokens = tokens(bodyChars)
  const completionTokens = tokens(text.length + JSON.stringify(calls).length)
  return {
    id: newId('chatcmpl-'),
    object: 'chat.completion',
    created: Math.floor(Date.now() / 1000),
    model,
    choices: [
      {
        index: 0,
        message: {
          role: 'assistant',
          content: text === '' ? null : text,
          refusal: null,
          ...(calls.length > 0 && { tool_calls: calls }),
        },
        logprobs: null,
        finish_reason: calls.length > 0 ? 'tool_calls' : 'stop',
      },
    ],
    usage: {
      prompt_tokens: promptTokens,
      completion_tokens: completionTokens,
      total_tokens: promptTokens + completionTokens,
      prompt_tokens_details: { cached_tokens: 0 },
      completion_tokens_details: { reasoning_tokens: 0 },
    },
    service_tier: 'default',
  }
}

function* toEvents(
  completion: ReturnType<typeof toCompletion>,
  withUsage: boolean,
): Generator<ServerSentEvent> {
  const { choices, usage, ...head } = completion
  const whole = { ...head, object: 'chat.completion.chunk', ...(withUsage && { usage: null }) }
  const chunk = (delta: object, { isPiece = false, finish_reason = null as string | null } = {}) =>
    toEvent(
      { ...whole, choices: [{ index: 0, delta, logprobs: null, finish_reason }] },
      { isPiece },
    )
  for (const { message, finish_reason } of choices) {
    const { role, content, tool_calls: calls = [] } = message
    yield chunk({ role, content: content === null ? null : '' })
    for (const piece of pieces(content ?? '')) yield chunk({ content: piece }, { isPiece: true })
    for (const [index, call] of calls.entries()) {
      yield chunk({
        tool_calls: [{ index, ...call, function: { ...call.function, arguments: '' } }],
      })
      for (const piece of pieces(call.function.arguments)) {
        yield chunk({ tool_calls: [{ index, function: { arguments: piece } }] }, { isPiece: true })
      }
    }
    yield chunk({}, { finish_reason })
  }
  if (withUsage) yield toEvent({ ...whole, choices: [], usage })
  yield toEvent('[DONE]')
}
