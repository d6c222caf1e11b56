/** The scripted model's server: what each model API defines for itself (`Dialect`), and what all of them use. */

import { randomUUID } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import type { ParsedRequest } from './request.ts'
import type { ScriptedAnswer } from './script.ts'

export interface Dialect {
  /** Whether a `POST` to this path is a call of the API. */
  matches(pathname: string): boolean
  /** The response header that has the id of the request. */
  readonly requestIdHeader?: string
  /** The refusal of a request whose headers are not complete; `undefined` if they are. */
  checkHeaders(headers: IncomingHttpHeaders): Refusal | undefined
  /** Checks a body against the rules of the API. The message names the first broken rule, in the API's words. */
  parse(body: unknown, pathname: string): ParsedRequest
  write(answer: ScriptedAnswer, facts: RequestFacts): WrittenAnswer
  writeRefusal(refusal: Refusal, requestId: string): object
}

/** The reasons for a refusal; each has one HTTP status in all APIs. */
export const statusOf = {
  invalid: 400,
  unauthenticated: 401,
  not_found: 404,
  too_large: 413,
} as const

export interface Refusal {
  readonly kind: keyof typeof statusOf
  readonly message: string
}

export interface RequestFacts {
  readonly model: string
  readonly body: unknown
  readonly bodyChars: number
}

/** One answer in both forms of an API. */
export interface WrittenAnswer {
  readonly json: object
  /** The events of the stream, in the order of the API. */
  readonly events: Iterable<ServerSentEvent>
}

export interface ServerSentEvent {
  readonly text: string
  /** A piece of the answer: the stream pauses after it. */
  readonly isPiece: boolean
}

export function toEvent(
  data: unknown,
  { name, isPiece = false }: { readonly name?: string; readonly isPiece?: boolean } = {},
): ServerSentEvent {
  const head = name === undefined ? '' : `event: ${name}\n`
  const text = typeof data === 'string' ? data : JSON.stringify(data)
  return { text: `${head}data: ${text}\n\n`, isPiece }
}

/** The limit of pieces per block, so that a long block does not take too long. */
const piecesMax = 400
/** About three words, so that people see the text arrive. */
const pieceCharsMin = 16

/** Cuts between words if possible, and never inside a surrogate pair. */
export function* pieces(text: string): Generator<string> {
  const size = Math.max(pieceCharsMin, Math.ceil(text.length / piecesMax))
  for (let from = 0; from < text.length; ) {
    let to = Math.min(from + size, text.length)
    const space = text.indexOf(' ', to)
    if (space !== -1 && space - to < 8) to = space
    if (/[\uD800-\uDBFF]/.test(text.charAt(to - 1))) to += 1
    yield text.slice(from, to)
    from = to
  }
}

/** Random, like the APIs' ids: two equal conversations must not share the id of a tool use. */
export function newId(prefix: string): string {
  return `${prefix}${randomUUID().replaceAll('-', '')}`
}

/** A real token has about four characters of English text. */
const charsPerToken = 4

export function tokens(chars: number): number {
  return Math.max(1, Math.ceil(chars / charsPerToken))
}

/** Most APIs take the key as a bearer token. */
export function hasBearerToken({ authorization }: IncomingHttpHeaders): boolean {
  return /^bearer \S/i.test(authorization ?? '')
}
