/** One question to the receiver's ledger → what it says, or why it says nothing. Never throws. */
import { interpretRefusal } from './answer.ts'
import { type CompletenessAnswer, parseCompleteness } from './completeness-answer.ts'
import { createHttpExchange } from './http-exchange.ts'

/** A hundred recorders with a few thousand ranges. */
const answerBytesMax = 2 * 1024 ** 2
/** A look at an index. */
const askTimeoutMs = 30_000

export interface CompletenessQuestion {
  /** Each with the first sequence of interest. */
  readonly recorders: readonly { readonly recorder: string; readonly from: number }[]
  /** Day, slash, hash. */
  readonly contents: readonly string[]
}

export type CompletenessResult =
  | ({ readonly status: 'answered' } & CompletenessAnswer)
  /** Nobody answers, or not now, or somebody else does. */
  | { readonly status: 'retry'; readonly reason: string; readonly afterMs?: number }
  /** The token is not taken there. */
  | { readonly status: 'unauthorized'; readonly reason: string }
  /** It does not answer such questions: older than this, or not a receiver. */
  | { readonly status: 'unsupported'; readonly reason: string }

export interface CompletenessTransportOptions {
  /** The receiver's base URL. */
  readonly baseUrl: string
  /** Read for each question. */
  readonly token: () => string | undefined
  readonly userAgent?: string
  readonly now?: () => number
  readonly timeoutMs?: number
}

export type CompletenessTransport = ReturnType<typeof createCompletenessTransport>

export function createCompletenessTransport({
  baseUrl,
  token,
  userAgent = 'turnlog',
  now = Date.now,
  timeoutMs = askTimeoutMs,
}: CompletenessTransportOptions) {
  const { exchange, close } = createHttpExchange({ userAgent, timeoutMs, answerBytesMax })

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
      const reason = `HTTP ${httpStatus} without an answer about completeness`
      return completeness === undefined
        ? { status: 'retry', reason }
        : { status: 'answered', ...completeness }
    }
    const refusal = interpretRefusal(answer, now())
    if (refusal.status === 'retry' || refusal.status === 'unauthorized') return refusal
    return { status: 'unsupported', reason: refusal.reason }
  }

  return { ask, close }
}

export function queryOf({ recorders, contents }: CompletenessQuestion): string {
  return [
    ...recorders.map((each) => `recorder=${encodeURIComponent(each.recorder)}&from=${each.from}`),
    // A slash needs no escape in a query, and three bytes a content are many.
    ...contents.map((content) => `content=${content}`),
  ].join('&')
}
