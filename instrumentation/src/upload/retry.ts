/** How long to wait before the next attempt, and a timer that waits. Clock and random numbers are arguments. */

export interface Backoff {
  /** After the first failure; each further failure doubles it. */
  readonly firstMs: number
  readonly maxMs: number
}

/** No answer, or "later": back within a second after a short break, then every half minute. */
export const offlineBackoff: Backoff = { firstMs: 1_000, maxMs: 30_000 }
/** The token or the address is wrong; only a person can help, so ask rarely. */
export const pausedBackoff: Backoff = { firstMs: 5_000, maxMs: 60_000 }
/** The longest `Retry-After` that is obeyed. */
export const retryAfterMsMax = 15 * 60_000

/** A quarter more or less: it grows with the delay, so that a fleet does not return at one moment. */
const jitterShare = 0.25

export function backoffMs(
  { firstMs, maxMs }: Backoff,
  { failures, random }: { readonly failures: number; readonly random: () => number },
): number {
  const delay = Math.min(maxMs, firstMs * 2 ** Math.min(Math.max(failures - 1, 0), 30))
  return Math.round(delay * (1 + jitterShare * (2 * random() - 1)))
}

/** Never less than the server asked for; the jitter is added. */
export function retryAfterWithJitterMs(afterMs: number, random: () => number): number {
  return Math.round(Math.min(afterMs, retryAfterMsMax) * (1 + jitterShare * random()))
}

/** Seconds or an HTTP date; undefined for anything else. */
export function parseRetryAfter(value: string | undefined, nowMs: number): number | undefined {
  const text = value?.trim() ?? ''
  if (/^\d+(?:\.\d+)?$/.test(text)) return Math.round(Number(text) * 1_000)
  // `Date.parse` accepts much that is not an HTTP date.
  if (!/^[A-Za-z]{3,9},? .*\d{2}:\d{2}:\d{2}/.test(text)) return undefined
  const date = Date.parse(text)
  return Number.isNaN(date) ? undefined : Math.max(0, date - nowMs)
}

export interface RetryTimerOptions {
  readonly backoff: Backoff
  /** Called when the wait is over. It must not throw. */
  readonly retry: () => void
  /** The host's thread passes `hostTimers().after`. */
  readonly after?: (ms: number, callback: () => void) => { cancel(): void }
  readonly random?: () => number
}

/**
 * One timer that tries something again after a failure: later after each further failure, from the start after a
 * success. It does not hold the process.
 */
export class RetryTimer {
  readonly #options: RetryTimerOptions
  #failures = 0
  #timer: { cancel(): void } | undefined

  constructor(options: RetryTimerOptions) {
    this.#options = options
  }

  get isWaiting(): boolean {
    return this.#timer !== undefined
  }

  /** Starts the timer; one that is running already goes on. */
  failed(): void {
    if (this.#timer !== undefined) return
    const { backoff, retry, after = unreferencedTimer, random = Math.random } = this.#options
    this.#failures += 1
    this.#timer = after(backoffMs(backoff, { failures: this.#failures, random }), () => {
      this.#timer = undefined
      retry()
    })
  }

  /** Stops the timer. The next failure waits as long as the first. */
  succeeded(): void {
    this.#failures = 0
    this.#timer?.cancel()
    this.#timer = undefined
  }
}

function unreferencedTimer(ms: number, callback: () => void): { cancel(): void } {
  const timer = setTimeout(callback, ms)
  timer.unref()
  return { cancel: () => clearTimeout(timer) }
}
