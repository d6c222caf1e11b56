/** Cohere's chat API, version 2. */
import {
  asArray,
  asNumber,
  asObject,
  asString,
  isObject,
  type JsonObject,
  parseJson,
} from '@turnlog/conventions/plain'
import type { AnswerEvent } from '../answer-events.ts'
import type { AnswerReader } from '../answer-watcher.ts'
import { areModelMessages, hasOnly, lastResults, toToolDefinition } from '../chat-messages.ts'
import { createModelApi } from '../dialect.ts'
import type { ModelRequest } from '../map-exchange.ts'
import type { Message, ToolCallRequest } from '../model-api.ts'
import { addCall, errorOf, indexOf, readJsonAnswer, readStreamedAnswer } from './answer.ts'
import { toMessage, toolResultsOf, toToolCalls } from './parts.ts'

export const cohere = createModelApi({
  name: 'cohere',
  operation: 'chat',
  provider: () => 'cohere',
  matches(method, { hostname, pathname }) {
    if (method !== 'POST' || !/(?:^|\/)v2\/chat\/?$/.test(pathname)) return 'no'
    return /(?:^|\.)cohere\.(?:com|ai)$/.test(hostname) ? 'yes' : 'by body'
  },
  isRequest,
  resultId: 'tool_call_id',
  lastResults: ({ messages }) => lastResults(asArray(messages) ?? [], toolResultsOf),
  conversation({ messages }) {
    const list = asArray(messages)
    return list && { instructions: undefined, messages: list }
  },
  openReader: () => new CohereAnswerReader(),
  readRequest,
  readEvents: readStreamedAnswer,
  readJson: readJsonAnswer,
})

const requestMembers = new Set(
  `model messages stream tools strict_tools documents citation_options response_format safety_mode max_tokens
  stop_sequences temperature seed frequency_penalty presence_penalty k p logprobs tool_choice thinking priority
  raw_prompting return_prompt`.split(/\s+/),
)

/** Other applications may have an endpoint with this path: a request has no member that is unknown. */
function isRequest(request: JsonObject): boolean {
  const { model, messages } = request
  return typeof model === 'string' && areModelMessages(messages) && hasOnly(request, requestMembers)
}

function readRequest(request: JsonObject): ModelRequest {
  const { stream } = request
  const messages = asArray(request.messages)
  const stops = asArray(request.stop_sequences)?.filter((each) => typeof each === 'string')
  return {
    attributes: {
      'gen_ai.request.model': asString(request.model),
      'gen_ai.request.max_tokens': asNumber(request.max_tokens),
      'gen_ai.request.temperature': asNumber(request.temperature),
      'gen_ai.request.top_p': asNumber(request.p),
      'gen_ai.request.top_k': asNumber(request.k),
      'gen_ai.request.stop_sequences': stops?.length ? stops : undefined,
      'gen_ai.request.stream': typeof stream === 'boolean' ? stream : undefined,
    },
    messages: messages && [...documentMessages(request.documents), ...messages.map(toMessage)],
    toolDefinitions: asArray(request.tools)?.map(toToolDefinition),
    toolResults: toolResultsOf(messages ?? []),
  }
}

/** The documents that the answer may cite stand before the conversation. */
function documentMessages(documents: unknown): Message[] {
  const list = asArray(documents) ?? []
  if (list.length === 0) return []
  const parts = list.map((each) => ({ type: 'document', document: each }))
  return [{ role: 'system', parts }]
}

/** In a text the quotes would be escaped, so these are keys and values: few events have to be parsed. */
const marks = ['"tool-call-', '"error"', '"ERROR"']

class CohereAnswerReader implements AnswerReader {
  /** The tool calls that are not complete, by their index. */
  readonly #open = new Map<number, JsonObject>()
  /** Of the events of the tool calls that are not complete. */
  openLength = 0
  hasError = false

  takeEvent({ data }: AnswerEvent): ToolCallRequest[] {
    if (!marks.some((mark) => data.includes(mark))) return []
    const event = asObject(parseJson(data)) ?? {}
    const delta = asObject(event.delta)
    const index = indexOf(event, this.#open)
    switch (event.type) {
      case 'tool-call-start':
      case 'tool-call-delta':
        this.openLength += data.length
        addCall(this.#open, event, asObject(asObject(delta?.message)?.tool_calls) ?? {})
        return []
      case 'tool-call-end': {
        const call = this.#open.get(index)
        this.#open.delete(index)
        if (this.#open.size === 0) this.openLength = 0
        return toToolCalls(call)
      }
      default:
        if (errorOf(event.type === undefined ? event : (delta ?? {})) !== undefined) {
          this.hasError = true
        }
        return []
    }
  }

  takeJson(text: string): readonly ToolCallRequest[] {
    const answer = parseJson(text)
    if (!isObject(answer)) return []
    this.hasError = errorOf(answer) !== undefined
    return (asArray(asObject(answer.message)?.tool_calls) ?? []).flatMap(toToolCalls)
  }
}
