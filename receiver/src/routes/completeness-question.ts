/**
 * The query of `GET /api/v1/completeness`, parsed. Pure.
 *
 *     ?recorder=…&from=…      the ranges of these recorders, each from sequence `from` on; `from` once per recorder, or never
 *     ?content=2026-07-31/…   which of these contents are missing; with `recorder` or alone
 *     ?session=…&limit=&after=    the recorders of one session
 *     ?limit=&after=              sessions, newest first
 */

import { Buffer } from 'node:buffer'
import { isObject } from '@turnlog/conventions/plain'
import { identifierBytesMax } from '../otlp/rows/attribute-values.ts'

export type Question =
  | {
      readonly kind: 'ledger'
      readonly recorders: readonly { readonly recorder: string; readonly from: number }[]
      readonly contents: readonly { readonly day: string; readonly sha256: string }[]
    }
  | {
      readonly kind: 'session'
      readonly session: string
      readonly limit: number
      readonly after: string | undefined
    }
  | {
      readonly kind: 'sessions'
      readonly limit: number
      readonly after: { readonly firstTime: string; readonly session: string } | undefined
    }

/** Together they fit into the 16 KiB that Node accepts as the head of a request. */
export const recordersMax = 100
export const contentsMax = 100
export const limitMax = 100
const limitDefault = 50

const known = ['recorder', 'from', 'content', 'session', 'limit', 'after'] as const
type Name = (typeof known)[number]

/** `reason` is a sentence for the client. */
export type QuestionResult = Question | { readonly kind: 'refused'; readonly reason: string }

export function parseQuestion(query: unknown): QuestionResult {
  const values = valuesOf(query)
  const unknown = [...values.keys()].find((name) => !known.some((each) => each === name))
  if (unknown !== undefined) {
    return refused(`There is no parameter '${shortened(unknown)}'; there are: ${known.join(', ')}.`)
  }
  const get = (name: Name): readonly string[] => values.get(name) ?? []
  const isOfLedger = get('recorder').length > 0 || get('content').length > 0
  for (const name of isOfLedger ? (['session', 'limit', 'after'] as const) : (['from'] as const)) {
    if (get(name).length > 0) {
      return refused(`'${name}' cannot be used ${isOfLedger ? 'with' : 'without'} 'recorder'.`)
    }
  }
  return isOfLedger ? parseLedger(get) : parseList(get)
}

type Get = (name: Name) => readonly string[]

function parseLedger(get: Get): QuestionResult {
  const recorders = get('recorder')
  const froms = get('from')
  if (recorders.length > recordersMax) {
    return refused(`At most ${recordersMax} recorders can be asked for at once.`)
  }
  if (get('content').length > contentsMax) {
    return refused(`At most ${contentsMax} contents can be asked for at once.`)
  }
  if (!recorders.every(isIdentifier)) return refused(`'recorder' ${identifierRule}`)
  if (froms.length > 0 && froms.length !== recorders.length) {
    return refused(`'from' must be given once for each 'recorder', or never.`)
  }
  if (!froms.every(isSequence)) return refused(`'from' must be a sequence: 1 or more.`)
  const firstOf = new Map<string, number>()
  for (const [index, recorder] of recorders.entries()) {
    const from = Number(froms[index] ?? 1)
    firstOf.set(recorder, Math.min(from, firstOf.get(recorder) ?? from))
  }
  const contents = [...new Set(get('content'))].map(parseContent)
  if (!contents.every((content) => content !== undefined)) {
    return refused(`'content' is of the form 2026-07-31/ and 64 lowercase hex digits.`)
  }
  return {
    kind: 'ledger',
    recorders: [...firstOf].map(([recorder, from]) => ({ recorder, from })),
    contents,
  }
}

function parseList(get: Get): QuestionResult {
  for (const name of ['session', 'limit', 'after'] as const) {
    if (get(name).length > 1) return refused(`'${name}' can be given only once.`)
  }
  const [limitText = String(limitDefault)] = get('limit')
  const limit = Number(limitText)
  if (!/^\d{1,9}$/.test(limitText) || limit < 1 || limit > limitMax) {
    return refused(`'limit' is a number from 1 to ${limitMax}.`)
  }
  const [session] = get('session')
  const [after] = get('after')
  if (session !== undefined) {
    if (!isIdentifier(session)) return refused(`'session' ${identifierRule}`)
    if (after !== undefined && !isIdentifier(after)) return refused(afterRule)
    return { kind: 'session', session, limit, after }
  }
  if (after === undefined) return { kind: 'sessions', limit, after }
  const cursor = parseCursor(after)
  return cursor === undefined ? refused(afterRule) : { kind: 'sessions', limit, after: cursor }
}

/** `next` of a page, for `after`: the time of the session's first record, and the session. */
export function writeCursor(last: { firstTime: string; session: string }): string {
  return `${last.firstTime}/${last.session}`
}

function parseCursor(text: string): { firstTime: string; session: string } | undefined {
  const slash = text.indexOf('/')
  const firstTime = text.slice(0, Math.max(slash, 0))
  const session = text.slice(slash + 1)
  const isTime = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}Z$/.test(firstTime)
  if (!isTime || Number.isNaN(Date.parse(firstTime)) || !isIdentifier(session)) return undefined
  return { firstTime, session }
}

function parseContent(text: string): { day: string; sha256: string } | undefined {
  const [, day = '', sha256 = ''] = /^(\d{4}-\d{2}-\d{2})\/([0-9a-f]{64})$/.exec(text) ?? []
  const time = Date.parse(day)
  // `Date` accepts the 31st of June and means the first of July.
  if (Number.isNaN(time) || !new Date(time).toISOString().startsWith(day)) return undefined
  return { day, sha256 }
}

const identifierRule = `is 1 to ${identifierBytesMax} bytes of text without NUL.`
const afterRule = `'after' must be the 'next' of the page before.`

function isIdentifier(text: string): boolean {
  return text !== '' && !text.includes('\0') && Buffer.byteLength(text) <= identifierBytesMax
}

function isSequence(text: string): boolean {
  return /^\d{1,16}$/.test(text) && Number(text) >= 1 && Number.isSafeInteger(Number(text))
}

/** Each parameter's values; the framework gives a string, or an array of several. */
function valuesOf(query: unknown): Map<string, readonly string[]> {
  const values = new Map<string, readonly string[]>()
  if (!isObject(query)) return values
  for (const [name, value] of Object.entries(query)) {
    const all: readonly unknown[] = Array.isArray(value) ? value : [value]
    values.set(
      name,
      all.filter((each) => typeof each === 'string'),
    )
  }
  return values
}

function shortened(text: string): string {
  return text.length > 40 ? `${text.slice(0, 40)}…` : text
}

function refused(reason: string): QuestionResult {
  return { kind: 'refused', reason }
}
