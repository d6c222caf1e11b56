/** Ollama's own API: `chat`, and `generate`, whose prompt is a single text. */
import {
  asArray,
  asNumber,
  asObject,
  asString,
  defined,
  isObject,
  type JsonObject,
  parseJson,
} from '@turnlog/conventions/plain'
import type { AnswerEvent } from '../answer-events.ts'
import type { AnswerReader } from '../answer-watcher.ts'
import {
  areModelMessages,
  hasOnly,
  lastResults,
  newResults,
  toToolDefinition,
} from '../chat-messages.ts'
import { createModelApi } from '../dialect.ts'
import type { ModelRequest } from '../map-exchange.ts'
import type { Message, ToolCallRequest } from '../model-api.ts'
import { errorOf, piecesOf, readJsonAnswer, readStreamedAnswer, toolCallsOf } from './answer.ts'
import { imageParts, toMessage, toolResultsOf } from './parts.ts'

export const ollama = createModelApi({
  name: 'ollama',
  operation: 'chat',
  provider: () => 'ollama',
  /** Applications have endpoints with these paths, too: only at Ollama's own port and hosts every request is a call. */
  matches(method, { hostname, pathname, port }) {
    if (method !== 'POST' || !/(?:^|\/)api\/(?:chat|generate)\/?$/.test(pathname)) return 'no'
    const isOwn = port === '11434' || /(?:^|[.-])ollama(?:[.-]|$)/.test(hostname)
    return isOwn ? 'yes' : 'by body'
  },
  isRequest,
  // Versions since 2025 give ids; clients often leave them out.
  resultId: 'tool_call_id',
  newResults: ({ messages }) => newResults(asArray(messages) ?? [], toolResultsOf),
  lastResults: ({ messages }) => lastResults(asArray(messages) ?? [], toolResultsOf),
  conversation(request) {
    const messages = asArray(request.messages)
    if (messages !== undefined) return { instructions: undefined, messages }
    const { prompt, system } = request
    return typeof prompt === 'string' ? { instructions: system, messages: [prompt] } : undefined
  },
  openReader: () => new OllamaAnswerReader(),
  readRequest,
  readEvents: readStreamedAnswer,
  readJson: readJsonAnswer,
})

/** Of a request to either endpoint. */
const requestMembers = new Set(
  `model messages prompt stream format keep_alive tools think logprobs top_logprobs options suffix system template
  context raw images width height steps truncate shift`.split(/\s+/),
)
/** A page that posts to a server of its own sets none of these. */
const certainMembers = ['options', 'keep_alive', 'think', 'format', 'raw', 'template', 'context']

/** It has a member that only clients of Ollama set, or says whether it is streamed; and it has no unknown member. */
function isRequest(request: JsonObject): boolean {
  const { model, messages, prompt, stream } = request
  if (typeof model !== 'string' || model === '') return false
  if (messages === undefined ? typeof prompt !== 'string' : !areModelMessages(messages))
    return false
  if (!hasOnly(request, requestMembers)) return false
  return typeof stream === 'boolean' || certainMembers.some((name) => name in request)
}

function readRequest(request: JsonObject): ModelRequest {
  const { model, system, stream } = request
  const messages = asArray(request.messages)
  const options = asObject(request.options) ?? {}
  const stops = asArray(options.stop) ?? [options.stop]
  const stopSequences = stops.filter((each) => typeof each === 'string')
  return {
    attributes: {
      'gen_ai.request.model': asString(model),
      'gen_ai.request.max_tokens': asNumber(options.num_predict),
      'gen_ai.request.temperature': asNumber(options.temperature),
      'gen_ai.request.top_p': asNumber(options.top_p),
      'gen_ai.request.top_k': asNumber(options.top_k),
      'gen_ai.request.stop_sequences': stopSequences.length > 0 ? stopSequences : undefined,
      // Without it, Ollama streams.
      'gen_ai.request.stream': model === undefined ? undefined : stream !== false,
    },
    systemInstructions:
      typeof system === 'string' ? [{ type: 'text', content: system }] : undefined,
    messages: messages?.map(toMessage) ?? promptMessages(request),
    toolDefinitions: asArray(request.tools)?.map(toToolDefinition),
    toolResults: toolResultsOf(messages ?? []),
  }
}

function promptMessages({ prompt, images, suffix, context }: JsonObject): Message[] | undefined {
  if (typeof prompt !== 'string') return undefined
  const parts = [{ type: 'text', content: prompt }, ...imageParts(images)]
  return [{ role: 'user', parts, ...defined({ suffix, context }) }]
}

/** In a text the quotes would be escaped, so these are keys: few pieces have to be parsed. */
const keys = ['"tool_calls"', '"error"']

class OllamaAnswerReader implements AnswerReader {
  readonly openLength = 0
  hasError = false

  takeEvent({ data }: AnswerEvent): ToolCallRequest[] {
    if (!keys.some((key) => data.includes(key))) return []
    const answer = parseJson(data)
    if (!isObject(answer)) return []
    if (errorOf(answer) !== undefined) this.hasError = true
    return toolCallsOf(answer, data)
  }

  takeJson(text: string): readonly ToolCallRequest[] {
    return piecesOf(text).flatMap((data) => this.takeEvent({ name: '', data }))
  }
}
