/** Asks the receiver's ledger one question, and parses the answer. Never throws; a failure is a value with its reason. */
import { isObject, parseObject } from '@turnlog/conventions/plain'
import { isRange, joinRanges, type SequenceRange } from '../sequence-ranges.ts'
import { interpretRefusal } from './answer.ts'
import { createHttpExchange } from './http-transport.ts'

/** Enough for a hundred recorders with a few thousand ranges. */
const answerBytesMax = 2 * 1024 ** 2
/** The receiver only reads an index. */
const askTimeoutMs = 30_000

export interface CompletenessQuestion {
  /** Each with the first sequence that is asked for. */
  readonly recorders: readonly { readonly recorder: string; readonly from: number }[]
  /** UTC day, slash, hash. */
  readonly contents: readonly string[]
}

export interface RecorderLedger {
  /** Landed, or refused for good. */
  readonly settled: readonly SequenceRange[]
  /** Declared dropped. */
  readonly dropped: readonly SequenceRange[]
  /** The answer is complete up to this sequence; ask again for later ones. */
  readonly through: number
}

export interface CompletenessAnswer {
  readonly recorders: ReadonlyMap<string, RecorderLedger>
  readonly missingContents: ReadonlySet<string>
}

export type CompletenessResult =
  | ({ readonly status: 'answered' } & CompletenessAnswer)
  /** No answer, "later", or the answer of something that is not a receiver. */
  | { readonly status: 'retry'; readonly reason: string; readonly afterMs?: number }
  /** The receiver refuses the token. */
  | { readonly status: 'unauthorized'; readonly reason: string }
  /** It does not know the question: an older receiver, or something else. */
  | { readonly status: 'unsupported'; readonly reason: string }

export interface CompletenessTransportOptions {
  /** The receiver's base URL. */
  readonly baseUrl: string
  /** Read for each question. */
  readonly token: () => string | undefined
  readonly timeoutMs?: number
}

export type CompletenessTransport = ReturnType<typeof createCompletenessTransport>

export function createCompletenessTransport(options: CompletenessTransportOptions) {
  const { baseUrl, token, timeoutMs = askTimeoutMs } = options
  const { exchange, close } = createHttpExchange({ timeoutMs, answerBytesMax })

  async function ask(
    question: CompletenessQuestion,
    signal?: AbortSignal,
  ): Promise<CompletenessResult> {
    const url = `${baseUrl}/api/v1/completeness?${queryOf(question)}`
    const answer = await exchange({ method: 'GET', url, headers: {}, token: token(), signal })
    if ('failure' in answer) return { status: 'retry', reason: answer.failure }
    const { httpStatus, body } = answer
    if (httpStatus >= 200 && httpStatus < 300) {
      const completeness = parseCompleteness(body)
      if (completeness !== undefined) return { status: 'answered', ...completeness }
      return { status: 'retry', reason: `HTTP ${httpStatus} without an answer about completeness` }
    }
    const refusal = interpretRefusal(answer, Date.now())
    if (refusal.status === 'retry' || refusal.status === 'unauthorized') return refusal
    return { status: 'unsupported', reason: refusal.reason }
  }

  return { ask, close }
}

export function queryOf({ recorders, contents }: CompletenessQuestion): string {
  return [
    ...recorders.map((each) => `recorder=${encodeURIComponent(each.recorder)}&from=${each.from}`),
    // A slash needs no escape in a query; escaped it would cost two more bytes for each content.
    ...contents.map((content) => `content=${content}`),
  ].join('&')
}

/** Undefined for any other body, such as a login page. Unknown members are ignored. */
export function parseCompleteness(body: string | undefined): CompletenessAnswer | undefined {
  const answer = parseObject(body ?? '')
  if (answer === undefined) return undefined
  const { recorders, missing_contents: missing } = answer
  if (!Array.isArray(recorders) || !isTexts(missing)) return undefined
  const ledgers = recorders.map(parseRecorder)
  if (!ledgers.every((ledger) => ledger !== undefined)) return undefined
  return { recorders: new Map(ledgers), missingContents: new Set(missing) }
}

function parseRecorder(value: unknown): [string, RecorderLedger] | undefined {
  if (!isObject(value)) return undefined
  const { recorder, landed, rejected, dropped, through } = value
  if (typeof recorder !== 'string') return undefined
  if (!isRanges(landed) || !isRanges(rejected) || !isRanges(dropped)) return undefined
  if (through !== undefined && !Number.isSafeInteger(through)) return undefined
  const ledger = {
    settled: joinRanges([...landed, ...rejected]),
    dropped: joinRanges(dropped),
    through: typeof through === 'number' ? through : Number.POSITIVE_INFINITY,
  }
  return [recorder, ledger]
}

function isRanges(value: unknown): value is SequenceRange[] {
  return Array.isArray(value) && value.every(isRange)
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'string')
}
