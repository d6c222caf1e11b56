/**
 * One timer that tries something again after a failure: later after each further failure, from the start after a
 * success. It does not hold the process.
 */
import { type Backoff, backoffMs } from './retry.ts'

export interface RetryTimerOptions {
  readonly backoff: Backoff
  /** Called when the wait is over. It must not throw. */
  readonly retry: () => void
  /** The host's thread passes `hostTimers().after`. */
  readonly after?: (ms: number, callback: () => void) => { cancel(): void }
  readonly random?: () => number
}

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
