/** OpenAI's Responses API, as `api.openai.com`, Azure, proxies and compatible servers speak it. */
import { memberOf } from '@turnlog/conventions/otlp/json-scan'
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
import { type Conversation, createModelApi } from '../dialect.ts'
import type { ModelRequest } from '../map-exchange.ts'
import type { ToolCallRequest } from '../model-api.ts'
import { providerOf } from '../providers.ts'
import { errorOf, readJsonAnswer, readStreamedAnswer, toolCallsIn } from './answer.ts'
import { toMessages, toParts } from './parts.ts'
import { toolCallsOf, toolResultsOf } from './tools.ts'

export const openAiResponses = createModelApi({
  name: 'openai-responses',
  operation: 'chat',
  provider: (url) => providerOf(url) ?? 'openai',
  matches,
  isRequest,
  resultId: 'call_id',
  // A call that the request repeats has a `call_id`, too.
  resultsIn: ({ input }) => toolResultsOf(asArray(input) ?? []),
  lastResults({ input }) {
    const items = asArray(input) ?? []
    const isResult = (item: unknown) => toolResultsOf([item]).length > 0
    return toolResultsOf(items.slice(items.findLastIndex((item) => !isResult(item)) + 1))
  },
  conversation,
  kept: {
    marks: ['"previous_response_id"', '"conversation"'],
    before: ({ previous_response_id, conversation: kept }) =>
      defined({
        answer: asString(previous_response_id),
        conversation: asString(asObject(kept)?.id ?? kept),
      }),
  },
  // This is a key: in a text the quotes would be escaped.
  forcedTool: {
    key: '"tool_choice"',
    pattern: /^"tool_choice"\s*:\s*\{[^{}]*"type"\s*:\s*"(?:function|custom)"/,
  },
  openReader: () => new ResponseReader(),
  readRequest,
  readEvents: readStreamedAnswer,
  readJson: readJsonAnswer,
})

/** `POST …/responses`; not what is below it: `input_tokens`, `compact`, or a response that is cancelled. */
function matches(method: string, { pathname }: URL) {
  if (method !== 'POST' || !/(?:^|\/)responses\/?$/.test(pathname)) return 'no'
  return /\/(?:v1|openai(?:\/.+)?)\/responses\/?$/.test(pathname) ? 'yes' : 'by body'
}

/** A survey may have answers at such an address, so it must be clear what the model, or its prompt, and the input are. */
function isRequest({ model, prompt, previous_response_id, conversation, input }: JsonObject) {
  const hasPrompt = typeof asObject(prompt)?.id === 'string'
  const isAsked =
    hasPrompt ||
    typeof model === 'string' ||
    typeof previous_response_id === 'string' ||
    typeof (asObject(conversation)?.id ?? conversation) === 'string'
  if (!isAsked) return false
  if (input === undefined || input === null) return hasPrompt
  return typeof input === 'string' || asArray(input)?.every(isItem) === true
}

function isItem(item: unknown): boolean {
  if (!isObject(item)) return false
  const { type, role, id } = item
  const isReference = typeof id === 'string' && Object.keys(item).length === 1
  return typeof (type ?? role) === 'string' || isReference
}

function conversation(request: JsonObject): Conversation | undefined {
  const { input, instructions, previous_response_id, conversation } = request
  const messages = typeof input === 'string' ? [{ role: 'user', content: input }] : asArray(input)
  if (messages === undefined) return undefined
  const isContinued = (previous_response_id ?? conversation ?? undefined) !== undefined
  return { instructions, messages: messages.map(withParsedArguments), isPartial: isContinued }
}

/** As they can be compared with those of a call: they are JSON inside a string. */
function withParsedArguments(item: unknown): unknown {
  if (!isObject(item) || item.type !== 'function_call') return item
  return { ...item, arguments: parseJson(String(item.arguments)) ?? item.arguments }
}

function readRequest(request: JsonObject): ModelRequest {
  const { input, instructions } = request
  const items = asArray(input)
  const messages = typeof input === 'string' ? input : items
  return {
    attributes: {
      'gen_ai.request.model': asString(request.model),
      'gen_ai.request.max_tokens': asNumber(request.max_output_tokens),
      'gen_ai.request.temperature': asNumber(request.temperature),
      'gen_ai.request.top_p': asNumber(request.top_p),
      'gen_ai.request.stream': typeof request.stream === 'boolean' ? request.stream : undefined,
    },
    systemInstructions:
      instructions === undefined || instructions === null ? undefined : toParts(instructions),
    messages: messages === undefined ? undefined : toMessages(messages),
    toolDefinitions: asArray(request.tools)?.map((tool) =>
      isObject(tool) ? tool : { type: 'unknown', value: tool },
    ),
    toolResults: toolResultsOf(items ?? []),
  }
}

/** In a text the quotes would be escaped, so these are values: few events have to be parsed for them. */
const itemDone = '"response.output_item.done"'
const callMark = '_call"'
const lastEvent = /"response\.(?:completed|incomplete)"/
const endEvent = /"response\.(?:completed|incomplete|failed|cancelled)"/
const failedMark = '"failed"'
const failedEvent = '"response.failed"'
/** Every response has the member `error`; in most it is `null`. */
const errorMark = '"error"'
const errorValue = /"type"\s*:\s*"error"|"error"\s*:\s*["{]/

const createdEvent = '"response.created"'
const pendingStatus: readonly unknown[] = ['queued', 'in_progress']

class ResponseReader implements AnswerReader {
  hasError = false
  id: string | undefined
  isPending: boolean = false
  /** A call comes whole, in one event. */
  readonly openLength = 0
  #callCount = 0

  takeEvent({ name, data }: AnswerEvent): ToolCallRequest[] {
    if (name.endsWith('.delta')) return []
    if (name === 'error' || mayFail(data)) this.#readError(name, data)
    if (this.id === undefined && data.includes(createdEvent)) this.#readHead(data)
    else if (this.isPending && endEvent.test(data)) this.isPending = false
    const calls = this.#callsOf(data)
    this.#callCount += calls.length
    return calls
  }

  takeJson(text: string): readonly ToolCallRequest[] {
    const isPlain = !text.includes(callMark) && !mayFail(text)
    if (isPlain) {
      this.id = stringIn(text, 'id')
      this.isPending = pendingStatus.includes(stringIn(text, 'status'))
      return []
    }
    const response = asObject(parseJson(text))
    if (response === undefined) return []
    this.id = asString(response.id)
    this.isPending = pendingStatus.includes(response.status)
    this.hasError = errorOf(response) !== undefined
    return toolCallsIn(response, text)
  }

  /** A stream in the background goes on if the app hangs up. */
  #readHead(data: string): void {
    const response = memberOf(data, 'response') ?? ''
    this.id = stringIn(response, 'id')
    this.isPending = memberOf(response, 'background') === 'true'
  }

  #callsOf(data: string): ToolCallRequest[] {
    if (!data.includes(callMark)) return []
    if (data.includes(itemDone)) {
      const event = asObject(parseJson(data))
      const item = event?.type === 'response.output_item.done' ? asObject(event.item) : undefined
      return item === undefined ? [] : toolCallsOf(item, memberOf(data, 'item'))
    }
    // Some servers send the items only with the last event.
    if (this.#callCount > 0 || !lastEvent.test(data)) return []
    const response = asObject(asObject(parseJson(data))?.response)
    return response === undefined ? [] : toolCallsIn(response, memberOf(data, 'response') ?? '')
  }

  #readError(name: string, data: string): void {
    const event = asObject(parseJson(data))
    const body = asObject(event?.response) ?? event
    if (name === 'error' || (body !== undefined && errorOf(body) !== undefined))
      this.hasError = true
  }
}

function stringIn(json: string, name: string): string | undefined {
  return asString(parseJson(memberOf(json, name) ?? ''))
}

function mayFail(data: string): boolean {
  return (
    data.includes(failedEvent) ||
    data.includes(failedMark) ||
    (data.includes(errorMark) && errorValue.test(data))
  )
}
