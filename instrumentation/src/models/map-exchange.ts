/**
 * The part of `ModelApi.map` that all APIs share: an exchange, read by an API's two readers, becomes the attributes,
 * messages and numbers of the GenAI conventions. Pure.
 *
 * Either body may be cut off anywhere, encoded, or not JSON: a kill, an abort or a bad network leaves such bytes. Never
 * throws. A body that cannot be read becomes one text.
 */

import { lastSaid } from '@turnlog/conventions/content/last-said'
import { viewOf } from '@turnlog/conventions/content/text'
import { asObject, defined, type JsonObject, parseJson, toJson } from '@turnlog/conventions/plain'
import { type AnswerEvent, framingOf, looksLikeEvents, readFrames } from './answer-events.ts'
import { decodeBody } from './decode-body.ts'
import type {
  ApiError,
  Message,
  ModelApi,
  ModelAttributes,
  ModelCallRecord,
  Part,
  TokenUsage,
  ToolCallRequest,
  ToolResult,
  WireExchange,
} from './model-api.ts'

export interface ModelRequest {
  /** The attributes `gen_ai.request.*`. */
  readonly attributes: ModelAttributes
  readonly systemInstructions?: readonly Part[] | undefined
  readonly messages?: readonly Message[] | undefined
  readonly toolDefinitions?: readonly JsonObject[] | undefined
  readonly toolResults: readonly ToolResult[]
}

/** An answer, whole or as far as it came. */
export interface ModelAnswer {
  readonly id?: string | undefined
  readonly model?: string | undefined
  readonly stopReason?: string | undefined
  readonly parts: readonly Part[]
  readonly toolCalls: readonly ToolCallRequest[]
  readonly usage: TokenUsage
  /** The answer itself says that it is complete. */
  readonly isWhole: boolean
  /** It has no form that is known: its part is the text that came. */
  readonly isRaw?: boolean
  readonly error?: ApiError | undefined
  /** Further members of the output message, under the API's names. */
  readonly members?: JsonObject | undefined
  /** The other answers, of an API that gives several to one request. */
  readonly others?: readonly Pick<ModelAnswer, 'parts' | 'stopReason' | 'members'>[] | undefined
}

export interface ExchangeReaders {
  /** `url`: some APIs name the model in it. */
  readRequest(request: JsonObject, url: URL | null): ModelRequest
  readEvents(events: readonly AnswerEvent[]): ModelAnswer
  /** `undefined`: not an answer of this API. `header`: some APIs name an error in one. */
  readJson(text: string, header: ReadHeader): ModelAnswer | undefined
}

/** A header of the answer, by its name in lower case. */
export type ReadHeader = (name: string) => string | undefined

export function mapExchange(
  { provider, operation }: Pick<ModelApi, 'provider' | 'operation'>,
  exchange: WireExchange,
  readers: ExchangeReaders,
): ModelCallRecord {
  const requestText = viewOf(exchange.requestBody).toString('utf8')
  const url = URL.parse(exchange.url)
  const request = readers.readRequest(asObject(parseJson(requestText)) ?? {}, url)
  const response = readResponse(exchange, readers)
  const { answer } = response
  const usage = answer?.usage ?? {}
  const failure = failureOf(exchange, response)
  const isAborted = failure?.isAborted === true
  const error = isAborted ? undefined : failure
  const outputs = outputsOf(answer, failure)
  const finishReasons = outputs.flatMap(({ reason }) => reason ?? [])
  if (outputs.length === 0 && error !== undefined) finishReasons.push('error')
  const inputMessages = toJson(request.messages)
  const isRequestRaw = inputMessages === undefined && requestText !== ''

  return {
    attributes: defined({
      'gen_ai.operation.name': operation,
      'gen_ai.provider.name': url === null ? undefined : provider(url),
      ...request.attributes,
      ...serverAttributes(url),
      'http.response.status_code': exchange.status,
      'gen_ai.response.id': answer?.id,
      'gen_ai.response.model': answer?.model,
      'gen_ai.response.finish_reasons': finishReasons.length === 0 ? undefined : finishReasons,
      'gen_ai.usage.input_tokens': usage.inputTokens,
      'gen_ai.usage.output_tokens': usage.outputTokens,
      'gen_ai.usage.cache_read.input_tokens': usage.cacheReadInputTokens,
      'gen_ai.usage.cache_write.input_tokens': usage.cacheWriteInputTokens,
      'gen_ai.usage.reasoning.output_tokens': usage.reasoningOutputTokens,
      'error.type': error?.type,
      'turnlog.aborted': isAborted || undefined,
      'turnlog.model_call.not_understood': notUnderstood(exchange, response, {
        isRequestRaw,
        hasFailed: failure !== undefined,
      }),
    } satisfies ModelAttributes),
    ...defined({
      systemInstructions: toJson(request.systemInstructions),
      inputMessages,
      outputMessages:
        (outputs.length > 0 ? toJson(outputs.map(messageOf)) : undefined) ??
        unreadMessages(response, error !== undefined),
      toolDefinitions: toJson(request.toolDefinitions),
      requestText: isRequestRaw ? requestText : undefined,
      errorType: error?.type,
      errorMessage: error?.message,
      lastUserText: lastUserTextOf(request.messages ?? []),
    }),
    usage,
    finishReasons,
    answerText: textOf(answer?.parts ?? []),
    toolCalls: answer?.toolCalls ?? [],
    toolResults: request.toolResults,
  }
}

/** Names the request, the answer, or both, if they came whole and are recorded as plain text. `undefined`: neither. */
function notUnderstood(
  { isComplete }: WireExchange,
  { answer, isOdd }: Response,
  { isRequestRaw, hasFailed }: { readonly isRequestRaw: boolean; readonly hasFailed: boolean },
): string[] | undefined {
  const isAnswerRaw = !hasFailed && (isOdd || answer?.isRaw === true)
  const found = [
    ...(isRequestRaw && isComplete ? ['request'] : []),
    ...(isAnswerRaw ? ['answer'] : []),
  ]
  return found.length > 0 ? found : undefined
}

/** The text of an answer, and what the API's reader made of it. */
interface Response {
  readonly answer?: ModelAnswer | undefined
  readonly text: string
  /** It is whole JSON, sent as an answer, and no answer of the API. */
  readonly isOdd: boolean
}

function readResponse(
  { responseHeaders, responseBody, status = 0, isComplete }: WireExchange,
  { readEvents, readJson }: ExchangeReaders,
): Response {
  const header: ReadHeader = (name) =>
    responseHeaders?.find(([each]) => each.toLowerCase() === name)?.[1]
  const decoded = decodeBody(responseBody, header('content-encoding'))
  // Undecodable bytes may be plain: a proxy decoded them and left the header.
  const bytes = decoded ?? viewOf(responseBody)
  const text = withoutCutCharacter(bytes).toString('utf8')
  if (text.trim() === '') return { text: '', isOdd: false }
  const framing =
    framingOf(header('content-type')) ?? (looksLikeEvents(bytes) ? 'events' : undefined)
  if (framing !== undefined) {
    return { text, answer: readEvents(readFrames(framing, bytes)), isOdd: false }
  }
  const read = readJson(text, header)
  const answer = isEmpty(read) ? undefined : read
  const isOdd = answer === undefined && isComplete && status < 300 && parseJson(text) !== undefined
  return { text, answer, isOdd }
}

/** The reader has found nothing in it that an answer has. */
function isEmpty(read: ModelAnswer | undefined): boolean {
  if (read === undefined || read.isWhole || read.error !== undefined) return false
  const { stopReason, parts, toolCalls, usage } = read
  const isSilent = stopReason === undefined && parts.length === 0 && toolCalls.length === 0
  return isSilent && Object.keys(usage).length === 0
}

/** Without the first bytes of a character whose last bytes did not come. */
function withoutCutCharacter(bytes: Buffer): Buffer {
  for (let back = 1; back <= Math.min(3, bytes.length); back += 1) {
    const byte = bytes[bytes.length - back] ?? 0
    if (byte < 0x80) return bytes
    if (byte >= 0xc0) {
      const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2
      return back < length ? bytes.subarray(0, bytes.length - back) : bytes
    }
  }
  return bytes
}

interface Failure {
  readonly type: string
  readonly message?: string
  /** The app has stopped it, which is no error. */
  readonly isAborted?: boolean
}

function failureOf(
  { status, error, isComplete, isUnseen, isAborted }: WireExchange,
  { answer, text, isOdd }: Response,
): Failure | undefined {
  if (isUnseen === true || (isOdd && error === undefined)) return undefined
  const reported = answer?.error
  const isRefused = status !== undefined && status >= 400
  const hasStopped = answer?.stopReason !== undefined
  if (reported === undefined && !isRefused) {
    // The answer was complete: a client that hangs up after it has cut nothing.
    if (hasStopped && answer.isWhole) return undefined
    if (error === undefined && (hasStopped || (isComplete && answer?.isWhole === true))) {
      return undefined
    }
  }
  if (isAborted === true && reported === undefined && !isRefused) {
    return { type: 'aborted', isAborted }
  }
  // An API may say what went wrong without a name for it.
  const cut = reported !== undefined && error === undefined ? '_OTHER' : errorName(error)
  const type = reported?.type ?? (isRefused ? String(status) : cut)
  const message =
    reported?.message ??
    error ??
    (isRefused && answer === undefined && text !== '' ? text : undefined)
  return message === undefined ? { type } : { type, message }
}

/** `error.type` has few values: a name or a code, not a sentence. */
function errorName(error: string | undefined): string {
  if (error === undefined) return 'incomplete_response'
  return /^[\w.:-]{1,100}$/.test(error) ? error : '_OTHER'
}

/** The finish reason of a message must be given. */
const noReason = 'unknown'

interface Output extends Pick<ModelAnswer, 'parts' | 'members'> {
  /** The API's. Without one it is `error` if the call has failed, and `undefined` if the app has stopped it or the answer was not understood. */
  readonly reason: string | undefined
}

function outputsOf(answer: ModelAnswer | undefined, failure: Failure | undefined): Output[] {
  if (answer === undefined) return []
  const isAborted = failure?.isAborted === true
  const isOpen = isAborted || answer.isRaw === true
  const otherwise = failure === undefined || isAborted ? undefined : 'error'
  return [answer, ...(answer.others ?? [])].flatMap(({ parts, stopReason, members }) => {
    const reason = stopReason ?? otherwise
    if (reason === undefined && !isOpen) return []
    if (parts.length === 0 && failure !== undefined) return []
    return [{ parts, members, reason }]
  })
}

function messageOf({ parts, members, reason = noReason }: Output) {
  return { ...members, role: 'assistant', parts, finish_reason: reason }
}

/** A body that is not an answer, or is nested too deep to be written again: its text, in one part. */
function unreadMessages({ answer, text }: Response, hasFailed: boolean): string | undefined {
  if (text === '' || answer?.parts.length === 0) return undefined
  const parts = [{ type: 'text', content: text }]
  const finish_reason = hasFailed ? 'error' : noReason
  return toJson([{ role: 'assistant', parts, finish_reason }])
}

function serverAttributes(url: URL | null) {
  if (url === null) return {}
  const { hostname, port, protocol } = url
  return {
    'server.address': hostname.replace(/^\[|\]$/g, ''),
    'server.port': port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port),
  }
}

/** What the user wrote last; results of tools have no text. */
export function lastUserTextOf(messages: readonly Message[]): string | undefined {
  const ofUser = messages.filter(({ role }) => role === 'user').map(withoutContext)
  const said = lastSaid(ofUser, 'user')
  return said?.kind === 'text' && said.text !== '' ? said.text : undefined
}

/** Agents put what they know about the session into the user's message: each such part is one element, as in XML. */
function withoutContext(message: Message): Message {
  const parts = message.parts.filter((part) => !isElement(part))
  return parts.some((part) => asObject(part)?.type === 'text') ? { ...message, parts } : message
}

/** A message of an odd request may have anything as a part. */
function isElement(part: unknown): boolean {
  const { type, content } = asObject(part) ?? {}
  if (type !== 'text' || typeof content !== 'string' || !content.startsWith('<')) return false
  const [, name] = /^<([\w-]+)[\s>]/.exec(content) ?? []
  return name !== undefined && content.trimEnd().endsWith(`</${name}>`)
}

/** The text parts, joined. */
function textOf(parts: readonly Part[]): string {
  return parts
    .map(({ type, content }) => (type === 'text' && typeof content === 'string' ? content : ''))
    .join('')
}
