/**
 * The loop under uploader and confirmer: one step after another, and the waits between them.
 *
 * | a step returns | state     | then                                                                      |
 * | -------------- | --------- | ------------------------------------------------------------------------- |
 * | `again`        | `working` | the next step at once                                                     |
 * | `waitMs`       | `working` | waits that long, or until `wake()`                                        |
 * | `idle`         | `idle`    | waits for `wake()`                                                        |
 * | a failure      | its kind  | waits; longer after each failure of that kind in a row, at least as long  |
 * |                |           | as the server asks for; `wake()` does not shorten this wait               |
 *
 * A step that throws is an `offline` failure: the disk of the spool refused something.
 *
 * `close` ends all waits. Steps that succeed continue until its time is over; the loop ends when there is nothing to do,
 * or at the first failure. The state is then `closed`. No timer here holds the process.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { errorCode } from '@turnlog/conventions/plain'
import { quietly } from '../health.ts'
import { type Backoff, backoffMs, retryAfterWithJitterMs } from './retry.ts'

/** `offline` may heal by waiting; the others need a person, so they are probed rarely. */
const noFailures = { offline: 0, unauthorized: 0, misconfigured: 0, unsupported: 0 }
export type FailureKind = keyof typeof noFailures

export interface Failure {
  readonly kind: FailureKind
  readonly reason: string
  /** How long the server asks to wait. */
  readonly afterMs?: number | undefined
}

export type Next = 'again' | 'idle' | { readonly waitMs: number } | Failure

/** Numbers of segments, but for `recordsRejected`. */
const noCounts = {
  sent: 0,
  quarantined: 0,
  recordsRejected: 0,
  confirmed: 0,
  sentAgain: 0,
  lost: 0,
  unconfirmed: 0,
}
export type DeliveryCount = keyof typeof noCounts

export interface DeliveryHealth {
  readonly state: 'idle' | 'working' | FailureKind | 'closed'
  /** Why the last step failed; undefined after one that succeeded. */
  readonly reason: string | undefined
  readonly counts: Readonly<Record<DeliveryCount, number>>
  readonly failures: Readonly<Record<FailureKind, number>>
}

/** The last step failed, and the next one comes after a wait. */
export function isWaitingAfterFailure({ state }: DeliveryHealth): boolean {
  return state in noFailures
}

export interface LoopOptions {
  /** `isWoken`: `wake()` ended the wait before it. `signal` ends what is under way. */
  readonly step: (context: {
    readonly signal: AbortSignal
    readonly isWoken: boolean
  }) => Promise<Next>
  readonly offline: Backoff
  /** After failures that need a person. */
  readonly paused: Backoff
  /** Waited after `wake()`, so that one step serves all that arrives together. */
  readonly afterWake?: Backoff
  readonly random?: (() => number) | undefined
  /** Ends everything at once. */
  readonly signal?: AbortSignal | undefined
  /** Called after each step. */
  readonly onHealth?: ((health: DeliveryHealth) => void) | undefined
}

/** The longest that a timer takes, 24 days. */
const longestMs = 2 ** 31 - 1

export class Loop {
  readonly #options: LoopOptions
  /** Ends every wait. */
  readonly #closing = new AbortController()
  /** Ends the step that is under way, too. */
  readonly #aborting = new AbortController()
  readonly #running: Promise<void>
  /** Aborted by `wake()`, also before the wait: what there is to do may be newer than the last step. */
  #woken = new AbortController()
  #row: { readonly kind: FailureKind; readonly failures: number } | undefined
  #health: DeliveryHealth = {
    state: 'idle',
    reason: undefined,
    counts: noCounts,
    failures: noFailures,
  }

  constructor(options: LoopOptions) {
    this.#options = options
    if (options.signal?.aborted) this.#abort()
    options.signal?.addEventListener('abort', this.#abort, { once: true })
    // The first step comes after the caller has the loop in hand.
    this.#running = Promise.resolve().then(() => this.#run())
  }

  get health(): DeliveryHealth {
    return this.#health
  }

  count(name: DeliveryCount, by = 1): void {
    const { counts } = this.#health
    this.#health = { ...this.#health, counts: { ...counts, [name]: counts[name] + by } }
  }

  /** There is something to do. */
  wake(): void {
    this.#woken.abort()
  }

  /** Lets what is waiting be done, for at most `withinMs`, and ends. May be called again. */
  async close({ withinMs }: { readonly withinMs: number }): Promise<DeliveryHealth> {
    this.#closing.abort()
    if (withinMs <= 0) this.#abort()
    const deadline = sleep(withinMs, undefined, { signal: this.#aborting.signal, ref: false })
    void deadline.then(this.#abort, () => {})
    await this.#running
    this.#abort()
    this.#options.signal?.removeEventListener('abort', this.#abort)
    return this.#health
  }

  readonly #abort = (): void => {
    this.#aborting.abort()
    this.#closing.abort()
  }

  async #run(): Promise<void> {
    let isWoken = false
    while (!this.#aborting.signal.aborted) {
      const isLast = this.#closing.signal.aborted
      this.#health = { ...this.#health, state: 'working' }
      const next = await this.#step(isWoken)
      isWoken = false
      if (typeof next === 'object' && 'kind' in next) {
        await this.#fail(next)
        if (this.#closing.signal.aborted) break
        continue
      }
      this.#row = undefined
      this.#report({ state: next === 'idle' ? 'idle' : 'working', reason: undefined })
      if (next === 'again') continue
      if (isLast) break
      isWoken = await this.#waitForWake(next === 'idle' ? undefined : next.waitMs)
    }
    this.#report({ state: 'closed' })
  }

  async #step(isWoken: boolean): Promise<Next> {
    try {
      return await this.#options.step({ signal: this.#aborting.signal, isWoken })
    } catch (error) {
      return { kind: 'offline', reason: `spool: ${errorCode(error) ?? 'unknown error'}` }
    }
  }

  async #fail({ kind, reason, afterMs }: Failure): Promise<void> {
    // An aborted request is no failure of the server.
    if (this.#aborting.signal.aborted) return
    const failures = this.#row?.kind === kind ? this.#row.failures + 1 : 1
    this.#row = { kind, failures }
    const { failures: all } = this.#health
    this.#report({ state: kind, reason, failures: { ...all, [kind]: all[kind] + 1 } })
    const { offline, paused, random = Math.random } = this.#options
    const backoff = kind === 'offline' ? offline : paused
    const waitMs =
      afterMs === undefined
        ? backoffMs(backoff, { failures, random })
        : Math.max(backoff.firstMs, retryAfterWithJitterMs(afterMs, random))
    await rest(waitMs, this.#closing.signal)
  }

  /** True after `wake()`; false when the time is over or the loop closes. */
  async #waitForWake(ms = longestMs): Promise<boolean> {
    const { afterWake, random = Math.random } = this.#options
    await rest(ms, AbortSignal.any([this.#closing.signal, this.#woken.signal]))
    if (!this.#woken.signal.aborted) return false
    this.#woken = new AbortController()
    if (afterWake !== undefined) {
      await rest(backoffMs(afterWake, { failures: 1, random }), this.#closing.signal)
    }
    return true
  }

  #report(change: Partial<DeliveryHealth>): void {
    this.#health = { ...this.#health, ...change }
    quietly('report the state of the delivery', () => this.#options.onHealth?.(this.#health))
  }
}

async function rest(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal, ref: false }).catch(() => {})
}
