/**
 * Anthropic's Messages API, of `api.anthropic.com`, its proxies and compatible servers, and of Amazon, Google and Azure, which
 * have other addresses for it.
 */
import {
  asArray,
  asNumber,
  asObject,
  asString,
  type JsonObject,
  parseJson,
} from '@turnlog/conventions/plain'
import type { AnswerEvent } from '../answer-events.ts'
import type { AnswerReader } from '../answer-watcher.ts'
import { createModelApi } from '../dialect.ts'
import type { ModelRequest } from '../map-exchange.ts'
import type { ToolCallRequest } from '../model-api.ts'
import { anthropicMatch, anthropicProvider, requestAt } from './address.ts'
import { errorOf, readJsonAnswer, readStreamedAnswer, toolCallsOf, toToolCall } from './answer.ts'
import { toMessage, toolResultsOf, toParts, toToolDefinition } from './parts.ts'

export const anthropicMessages = createModelApi({
  name: 'anthropic',
  operation: 'chat',
  provider: anthropicProvider,
  /** Not `count_tokens`, not `batches`. */
  matches: (method, url) => (method === 'POST' ? anthropicMatch(url) : 'no'),
  isRequest,
  resultId: 'tool_use_id',
  lastResults(request) {
    const last = asObject(asArray(request.messages)?.at(-1))
    const blocks = asArray(last?.content) ?? []
    const results = toolResultsOf([last])
    return results.length === blocks.length ? results : []
  },
  conversation({ system, messages }) {
    const list = asArray(messages)
    return list && { instructions: system, messages: list }
  },
  // This is a key: in a text the quotes would be escaped.
  forcedTool: {
    key: '"tool_choice"',
    pattern: /^"tool_choice"\s*:\s*\{[^{}]*"type"\s*:\s*"tool"/,
  },
  openReader: () => new AnthropicAnswerReader(),
  readRequest,
  readEvents: readStreamedAnswer,
  readJson: readJsonAnswer,
})

/** A model, a limit, and messages that only Anthropic's API has so. */
function isRequest({ model, anthropic_version, max_tokens, messages }: JsonObject): boolean {
  const isNamed = typeof model === 'string' || typeof anthropic_version === 'string'
  const list = asArray(messages) ?? []
  return isNamed && typeof max_tokens === 'number' && list.length > 0 && list.every(isMessage)
}

function isMessage(message: unknown): boolean {
  const { role, content, tool_calls } = asObject(message) ?? {}
  if ((role !== 'user' && role !== 'assistant') || tool_calls !== undefined) return false
  const blocks = asArray(content)
  if (blocks === undefined) return typeof content === 'string'
  return blocks.every((block) => typeof asObject(block)?.type === 'string')
}

function readRequest(request: JsonObject, url: URL | null): ModelRequest {
  const { system } = request
  const at = requestAt(url)
  const messages = asArray(request.messages)
  const stopSequences = asArray(request.stop_sequences)?.filter((each) => typeof each === 'string')
  return {
    attributes: {
      'gen_ai.request.model': at.model ?? asString(request.model),
      'gen_ai.request.max_tokens': asNumber(request.max_tokens),
      'gen_ai.request.temperature': asNumber(request.temperature),
      'gen_ai.request.top_p': asNumber(request.top_p),
      'gen_ai.request.top_k': asNumber(request.top_k),
      'gen_ai.request.stop_sequences': stopSequences?.length ? stopSequences : undefined,
      'gen_ai.request.stream': typeof request.stream === 'boolean' ? request.stream : at.stream,
    },
    systemInstructions: system === undefined || system === null ? undefined : toParts(system),
    messages: messages?.map(toMessage),
    toolDefinitions: asArray(request.tools)?.map(toToolDefinition),
    toolResults: toolResultsOf(messages ?? []),
  }
}

/** In a text the quotes would be escaped, so this is a key or a value: few answers have to be parsed for it. */
const errorMark = '"error"'

class AnthropicAnswerReader implements AnswerReader {
  /** The `tool_use` blocks that are not complete, by their index. */
  readonly #open = new Map<number, { readonly block: JsonObject; json: string }>()
  hasError = false

  get openLength(): number {
    let length = 0
    for (const { json } of this.#open.values()) length += json.length
    return length
  }

  takeEvent({ name, data, isError }: AnswerEvent): ToolCallRequest[] {
    if (isError === true || name === 'error' || hasErrorIn(data)) this.hasError = true
    if (this.#open.size === 0 && !data.includes('tool_use')) return []
    const event = asObject(parseJson(data))
    const index = asNumber(event?.index) ?? 0
    const block = asObject(event?.content_block)
    const open = this.#open.get(index)
    if (event?.type === 'content_block_start' && block?.type === 'tool_use') {
      this.#open.set(index, { block, json: '' })
    } else if (event?.type === 'content_block_delta' && open !== undefined) {
      open.json += asString(asObject(event.delta)?.partial_json) ?? ''
    } else if (event?.type === 'content_block_stop' && open !== undefined) {
      this.#open.delete(index)
      return toToolCall(open.block, open.json === '' ? undefined : open.json)
    }
    return []
  }

  takeJson(text: string): readonly ToolCallRequest[] {
    if (!text.includes('tool_use') && !text.includes(errorMark)) return []
    const answer = asObject(parseJson(text))
    this.hasError = errorOf(answer) !== undefined
    return answer === undefined ? [] : toolCallsOf(answer, text)
  }
}

function hasErrorIn(data: string): boolean {
  return data.includes(errorMark) && errorOf(parseJson(data)) !== undefined
}
