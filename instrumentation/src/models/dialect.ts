/** What one model API says differently from the others; `createModelApi` adds what all have in common. */
import { viewOf } from '@turnlog/conventions/content/text'
import { asObject, type JsonObject, parseJson } from '@turnlog/conventions/plain'
import { type AnswerReader, BoundedWatcher } from './answer-watcher.ts'
import { type ExchangeReaders, lastUserTextOf, mapExchange } from './map-exchange.ts'
import type { Asked, KeptBefore, Message, ModelApi, OpenToolCall, ToolResult } from './model-api.ts'
import { shortenedJson } from './shortened-json.ts'
import { findCallsById, findCallsByName } from './tool-results.ts'

export interface Dialect
  extends Pick<ModelApi, 'name' | 'operation' | 'provider' | 'matches'>,
    ExchangeReaders {
  /** Whether this is the body of a model call. Needed if an address can match `by body`. */
  isRequest?(request: JsonObject): boolean
  /** The member that names the tool call which a result answers; `undefined`: results have no ids. */
  readonly resultId?: string
  /** The results of tools in a request. Needed if its tool calls have the member `resultId`, too. */
  resultsIn?(request: JsonObject): readonly ToolResult[]
  /**
   * The results that the request brings after the model's last message; other content may be beside them. Needed if
   * results can come without ids: a request repeats the older results, and those answer no open call.
   */
  newResults?(request: JsonObject): readonly ToolResult[]
  /** The results of tools with which the request ends; none if it ends with anything else. */
  lastResults(request: JsonObject): readonly ToolResult[]
  conversation(request: JsonObject): Conversation | undefined
  /** The earlier answer or the conversation that the request names, where the server keeps them. The body is parsed if it has one of `marks`. */
  readonly kept?: {
    readonly marks: readonly string[]
    before(request: JsonObject, url: URL): KeptBefore
  }
  /** How a request forces the model to call one certain tool: the key, and what begins with it. */
  readonly forcedTool?: { readonly key: string; readonly pattern: RegExp }
  /** Reads one answer on the host's thread. */
  openReader(): AnswerReader
}

/** What a request repeats of the conversation, in the words of the API. */
export interface Conversation {
  readonly instructions: unknown
  readonly messages: readonly unknown[]
  /** The request names what came before instead of repeating it. */
  readonly isPartial?: boolean
}

/** A request is parsed on the host's thread up to this size; of a longer one what is left without its long strings. */
const parsedBytesMax = 2 * 1024 ** 2
/** The same, where only the results in it can end open tool calls, or only its text can show its turn. A megabyte takes some 5 ms. */
const resultsBytesMax = 8 * 1024 ** 2
/** What the user has said before, as far as it is compared. */
export const saidMax = 8
export const saidLengthMax = 200
/** How far the choice of a tool is read. */
const choiceLength = 256

export function createModelApi(dialect: Dialect): ModelApi {
  const { name, operation, resultId } = dialect
  return {
    name,
    operation,
    provider: (url) => dialect.provider(url),
    matches: (method, url) => dialect.matches(method.toUpperCase(), url),
    isRequest(body) {
      const request = parseLongRequest(body)
      return request !== undefined && dialect.isRequest?.(request) !== false
    },
    watch: (answer) => new BoundedWatcher(answer, dialect.openReader()),
    findAnswered(body, open) {
      const calls = [...open]
      const byId =
        resultId === undefined
          ? []
          : onlyAnswered(dialect, body, findCallsById(body, resultId, calls))
      if (dialect.newResults === undefined || byId.length === calls.length) return byId
      const request = parseLongRequest(body, resultsBytesMax)
      const results = request === undefined ? [] : dialect.newResults(request)
      return [...byId, ...findCallsByName(results, calls, byId)]
    },
    lastResults(body) {
      const request = parseLongRequest(body)
      const results = request === undefined ? [] : dialect.lastResults(request)
      return results.length > 0 ? results : undefined
    },
    history(body) {
      const request = parseRequest(body)
      const conversation = request && dialect.conversation(request)
      return (
        conversation && {
          instructions: comparable(conversation.instructions),
          messages: conversation.messages.map(comparable),
          isPartial: conversation.isPartial === true,
        }
      )
    },
    asked: (body) => askedIn(dialect, parseLongRequest(body, resultsBytesMax)),
    goesOnFrom(url, body) {
      if (dialect.kept === undefined) return {}
      const bytes = viewOf(body)
      const isMarked = dialect.kept.marks.some((mark) => bytes.includes(mark))
      const request = isMarked ? parseLongRequest(body, resultsBytesMax) : undefined
      return dialect.kept.before(request ?? {}, url)
    },
    forcesTool: (piece) => forcesTool(dialect, piece),
    map: (exchange) => mapExchange(dialect, exchange, dialect),
  }
}

function parseRequest(body: Uint8Array, bytesMax = parsedBytesMax): JsonObject | undefined {
  if (body.byteLength > bytesMax) return undefined
  return asObject(parseJson(viewOf(body).toString('utf8')))
}

/** As `parseRequest`. The long strings of a longer request, such as images, are cut. */
function parseLongRequest(body: Uint8Array, bytesMax = parsedBytesMax): JsonObject | undefined {
  if (body.byteLength <= bytesMax) return parseRequest(body, bytesMax)
  return asObject(parseJson(shortenedJson(viewOf(body), bytesMax) ?? ''))
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

function askedIn(dialect: Dialect, request: JsonObject | undefined): Asked | undefined {
  if (request === undefined) return undefined
  const { messages = [], systemInstructions, toolDefinitions } = dialect.readRequest(request, null)
  const asking = messages.filter(isOfUser)
  const texts = asking.flatMap((message) => lastUserTextOf([message]) ?? [])
  // A message that has only an image or a document has no text.
  const text = texts.at(-1) ?? (asking.length > 0 ? '' : undefined)
  if (text === undefined) return undefined
  return {
    text,
    said: texts.slice(-1 - saidMax, -1).map((each) => each.slice(0, saidLengthMax)),
    isLast: messages.at(-1) === (texts.length > 0 ? asking.findLast(hasText) : asking.at(-1)),
    instructions: comparable(systemInstructions),
    messageCount: messages.length,
    offersTools: (toolDefinitions ?? []).length > 0,
  }
}

/** Not only the results of tools. */
function isOfUser({ role, parts }: Message): boolean {
  return role === 'user' && parts.some((part) => asObject(part)?.type !== 'tool_call_response')
}

function hasText(message: Message): boolean {
  return lastUserTextOf([message]) !== undefined
}

/** Leaves out the calls that the request repeats without a result. */
function onlyAnswered<Call extends OpenToolCall>(
  dialect: Dialect,
  body: Uint8Array,
  calls: Call[],
): Call[] {
  if (calls.length === 0 || dialect.resultsIn === undefined) return calls
  const request = parseLongRequest(body)
  if (request === undefined) return calls
  const answered = new Set(dialect.resultsIn(request).map(({ callId }) => callId))
  return calls.filter(({ id }) => answered.has(id))
}

function forcesTool({ forcedTool }: Dialect, requestPiece: string | Uint8Array): boolean {
  if (forcedTool === undefined) return false
  const { key, pattern } = forcedTool
  const piece = typeof requestPiece === 'string' ? requestPiece : viewOf(requestPiece)
  for (let at = piece.indexOf(key); at !== -1; at = piece.indexOf(key, at + 1)) {
    if (pattern.test(String(piece.slice(at, at + choiceLength)))) return true
  }
  return false
}
