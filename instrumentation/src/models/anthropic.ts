/** Anthropic's Messages API, as `api.anthropic.com`, its proxies and compatible servers speak it. */
import { viewOf } from '@turnlog/conventions/content/text'
import {
  asArray,
  asNumber,
  asObject,
  asString,
  type JsonObject,
  parseJson,
} from '@turnlog/conventions/plain'
import { type AnswerReader, BoundedWatcher } from './answer-watcher.ts'
import {
  errorOf,
  readJsonAnswer,
  readStreamedAnswer,
  toolCallsOf,
  toToolCall,
} from './anthropic-answer.ts'
import { toMessage, toolResultsOf, toParts, toToolDefinition } from './anthropic-parts.ts'
import { type ModelRequest, mapExchange } from './map-exchange.ts'
import type { ModelApi, RequestHistory, ToolCallRequest, ToolResult } from './model-api.ts'
import type { ServerSentEvent } from './sse.ts'
import { findCallsById } from './tool-results.ts'

export const anthropicMessages: ModelApi = {
  provider: 'anthropic',
  operation: 'chat',
  /** `POST …/v1/messages`, behind any prefix; not `count_tokens`, not `batches`. */
  matches: (method, pathname) =>
    method.toUpperCase() === 'POST' && /(?:^|\/)v1\/messages\/?$/.test(pathname),
  watch: (answer) => new BoundedWatcher(answer, new AnthropicAnswerReader()),
  findAnswered: (requestBody, open) => findCallsById(requestBody, 'tool_use_id', open),
  lastResults,
  history,
  forcesTool,
  map: (exchange) =>
    mapExchange(anthropicMessages, exchange, {
      readRequest,
      readStream: readStreamedAnswer,
      readJson: readJsonAnswer,
    }),
}

/** A request is parsed on the host's thread up to this size. */
const parsedBytesMax = 2 * 1024 ** 2

function parseRequest(requestBody: Uint8Array): JsonObject | undefined {
  if (requestBody.byteLength > parsedBytesMax) return undefined
  return asObject(parseJson(viewOf(requestBody).toString('utf8')))
}

function history(requestBody: Uint8Array): RequestHistory | undefined {
  const request = parseRequest(requestBody)
  const messages = asArray(request?.messages)
  if (messages === undefined) return undefined
  return { instructions: comparable(request?.system), messages: messages.map(comparable) }
}

/** A text is written as a list of blocks, and the marks of the cache, which move on with each request, are left out. */
function comparable(value: unknown): string {
  return JSON.stringify(value ?? null, (key, member: unknown) => {
    if (key === 'cache_control') return undefined
    return key === 'content' && typeof member === 'string'
      ? [{ type: 'text', text: member }]
      : member
  })
}

function lastResults(requestBody: Uint8Array): readonly ToolResult[] | undefined {
  const request = parseRequest(requestBody)
  const last = asObject(asArray(request?.messages)?.at(-1))
  const blocks = asArray(last?.content) ?? []
  const results = toolResultsOf([last])
  return results.length > 0 && results.length === blocks.length ? results : undefined
}

function forcesTool(requestPiece: string | Uint8Array): boolean {
  const piece = typeof requestPiece === 'string' ? requestPiece : viewOf(requestPiece)
  for (let at = piece.indexOf(choiceKey); at !== -1; at = piece.indexOf(choiceKey, at + 1)) {
    if (forcedChoice.test(String(piece.slice(at, at + 256)))) return true
  }
  return false
}

/** This is a key: in a text the quotes would be escaped. */
const choiceKey = '"tool_choice"'
const forcedChoice = /^"tool_choice"\s*:\s*\{[^{}]*"type"\s*:\s*"tool"/

function readRequest(request: JsonObject): ModelRequest {
  const { system } = request
  const messages = asArray(request.messages)
  const stopSequences = asArray(request.stop_sequences)?.filter((each) => typeof each === 'string')
  return {
    attributes: {
      'gen_ai.request.model': asString(request.model),
      'gen_ai.request.max_tokens': asNumber(request.max_tokens),
      'gen_ai.request.temperature': asNumber(request.temperature),
      'gen_ai.request.top_p': asNumber(request.top_p),
      'gen_ai.request.top_k': asNumber(request.top_k),
      'gen_ai.request.stop_sequences': stopSequences?.length ? stopSequences : undefined,
      'gen_ai.request.stream': typeof request.stream === 'boolean' ? request.stream : undefined,
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

  takeEvent({ name, data }: ServerSentEvent): ToolCallRequest[] {
    if (name === 'error' || isError(data)) this.hasError = true
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

function isError(data: string): boolean {
  return data.includes(errorMark) && errorOf(parseJson(data)) !== undefined
}
