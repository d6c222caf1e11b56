/**
 * Interprets the answer to a request. Pure.
 *
 * - accepted: 2xx *and* an OTLP answer; a login page's 200 is no delivery. Records that a partial success rejects are never
 *   sent again. `isCommitted` when the receiver itself says so; a Collector's answer only means that it will try.
 * - retry: the same request may succeed later.
 * - unauthorized: the token is refused; a person must act.
 * - misconfigured: the address is wrong; a person must act. The body was not judged, so nothing is given up. So it is with a 4xx
 *   that is no OTLP answer: a server for TLS that is spoken to without, or a proxy, has answered.
 * - rejected: this body will never be accepted. OTLP's answer has a message; that a body is too large, a proxy may say as well.
 */

import { ledgerCommitted } from '@turnlog/conventions'
import { isObject, parseObject } from '@turnlog/conventions/plain'
import { parseRetryAfter } from './retry.ts'

export type SendResult =
  | {
      readonly status: 'accepted'
      readonly isCommitted: boolean
      readonly rejected: number
      readonly message?: string
    }
  | { readonly status: 'retry'; readonly reason: string; readonly afterMs?: number }
  | { readonly status: 'unauthorized'; readonly reason: string }
  | { readonly status: 'misconfigured'; readonly reason: string }
  | { readonly status: 'rejected'; readonly reason: string; readonly httpStatus: number }

export interface HttpAnswer {
  readonly httpStatus: number
  readonly retryAfter?: string | undefined
  /** The value of the ledger header. */
  readonly ledger?: string | undefined
  /** The whole body; undefined if it was too long to be an answer. */
  readonly body: string | undefined
}

/** As much of a server's message as a person reads. */
const reasonLengthMax = 300

export function interpretAnswer(answer: HttpAnswer, nowMs: number): SendResult {
  const { httpStatus, ledger, body } = answer
  if (httpStatus < 200 || httpStatus >= 300) return interpretRefusal(answer, nowMs)
  const partialSuccess = parseOtlpAnswer(body)
  if (partialSuccess === undefined) {
    return { status: 'retry', reason: `HTTP ${httpStatus} without an OTLP answer` }
  }
  return { status: 'accepted', isCommitted: ledger === ledgerCommitted, ...partialSuccess }
}

/** Interprets any answer but 2xx, whatever the request was. */
export function interpretRefusal(
  answer: HttpAnswer,
  nowMs: number,
): Exclude<SendResult, { status: 'accepted' }> {
  const { httpStatus } = answer
  const reason = reasonOf(answer)
  if (httpStatus === 401 || httpStatus === 403) return { status: 'unauthorized', reason }
  if (httpStatus === 408 || httpStatus === 425 || httpStatus === 429 || httpStatus >= 500) {
    const afterMs = parseRetryAfter(answer.retryAfter, nowMs)
    return { status: 'retry', reason, ...(afterMs !== undefined && { afterMs }) }
  }
  // 407 is a proxy's 401; 421 and 3xx say "not here"; 1xx never ends an answer.
  const isElsewhere = httpStatus < 400 || [404, 405, 407, 410, 421].includes(httpStatus)
  const isJudged = httpStatus === 413 || parseObject(answer.body ?? '') !== undefined
  if (isElsewhere || !isJudged) return { status: 'misconfigured', reason }
  return { status: 'rejected', reason, httpStatus }
}

/**
 * `{}` or `{"partialSuccess": …}`, in either of protobuf's spellings, numbers also as strings. Other members are ignored,
 * but an object that has only other members is not an OTLP answer.
 */
function parseOtlpAnswer(
  body: string | undefined,
): { rejected: number; message?: string } | undefined {
  const answer = parseObject(body ?? '')
  if (answer === undefined) return undefined
  const partial = answer.partialSuccess ?? answer.partial_success
  const isOurs =
    Object.keys(answer).length === 0 || 'partialSuccess' in answer || 'partial_success' in answer
  if (!isOurs) return undefined
  if (!isObject(partial)) return { rejected: 0 }
  const members = new Map(Object.entries(partial))
  const counts = ['rejectedSpans', 'rejectedLogRecords', 'rejected_spans', 'rejected_log_records']
  const rejected = counts.map((name) => toCount(members.get(name))).reduce((a, b) => Math.max(a, b))
  const message: unknown = members.get('errorMessage') ?? members.get('error_message')
  if (typeof message !== 'string' || message === '') return { rejected }
  return { rejected, message: message.slice(0, reasonLengthMax) }
}

function toCount(value: unknown): number {
  const count = typeof value === 'string' ? Number(value) : value
  return typeof count === 'number' && Number.isSafeInteger(count) && count > 0 ? count : 0
}

/** The status, and the server's message if there is one: OTLP's `{"message": …}`, or a short text. */
function reasonOf({ httpStatus, body }: HttpAnswer): string {
  const message = parseObject(body ?? '')?.message
  const isShortText = (body ?? '').length <= reasonLengthMax && !/^\s*[<{[]/.test(body ?? '')
  const text = typeof message === 'string' ? message : isShortText ? body : undefined
  const words = text?.replace(/\s+/g, ' ').trim().slice(0, reasonLengthMax)
  return words ? `HTTP ${httpStatus}: ${words}` : `HTTP ${httpStatus}`
}
