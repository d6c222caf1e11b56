/**
 * Asks the receiver's ledger about segments that a Collector has taken, and carries out what confirm-policy.ts decides.
 * The waits are those of loop.ts.
 *
 * - `idle`: no segment waits for confirmation.
 * - `working`: the first question comes a few seconds after the last segment was taken, the next ones ever more rarely
 *   while nothing is confirmed.
 * - `offline`: nobody answers, the answer is "later", or it is not a receiver's. Nothing is decided.
 * - `unauthorized`, `unsupported`: only a person can help. Asks rarely; nothing is decided.
 *
 * Law: segments taken = confirmed + sent again + lost + given up at a limit + still waiting.
 */
import { quietly } from '../health.ts'
import type { UnconfirmedSegments } from '../spool/unconfirmed-segments.ts'
import { askLedger } from './ask-ledger.ts'
import type { CompletenessTransport } from './completeness.ts'
import { ConfirmPolicy, type Verdict } from './confirm-policy.ts'
import { type DeliveryHealth, Loop, type LoopOptions, type Next } from './loop.ts'
import { type Backoff, backoffMs } from './retry.ts'

export type ConfirmSource = Pick<
  UnconfirmedSegments,
  'all' | 'confirm' | 'sendAgain' | 'lose' | 'setAside' | 'limit'
>

export interface ConfirmerOptions extends Pick<LoopOptions, 'random' | 'onHealth'> {
  readonly source: ConfirmSource
  readonly transport: Pick<CompletenessTransport, 'ask'>
  readonly resendAfterMs: number
  /** A segment is in the queue again. */
  readonly onSentAgain: () => void
  /** Milliseconds, monotonic: the same clock as the source's. */
  readonly clock?: () => number
}

/** A Collector passes a request on within a second or two; asking later confirms more at once. */
const firstLookMs = 5_000
const lookMsMax = 60_000
const offline: Backoff = { firstMs: 5_000, maxMs: 5 * 60_000 }
const paused: Backoff = { firstMs: 30_000, maxMs: 15 * 60_000 }
/** A segment that grew too old while the process was off gets this long to be confirmed after all. */
const graceMs = 60 * 60_000

export class Confirmer {
  readonly #options: ConfirmerOptions
  readonly #policy: ConfirmPolicy
  readonly #looks: Backoff
  readonly #loop: Loop
  readonly #clock: () => number
  #answeredAt = Number.NEGATIVE_INFINITY
  /** Looks in a row that confirmed nothing. */
  #quietLooks = 0

  constructor(options: ConfirmerOptions) {
    const { resendAfterMs, random, onHealth } = options
    this.#options = options
    this.#clock = options.clock ?? performance.now.bind(performance)
    this.#policy = new ConfirmPolicy({ resendAfterMs })
    this.#looks = {
      firstMs: Math.min(firstLookMs, resendAfterMs),
      maxMs: Math.min(lookMsMax, Math.max(resendAfterMs, 1)),
    }
    const waits = { offline, paused, afterWake: this.#looks }
    this.#loop = new Loop({ step: (context) => this.#look(context), ...waits, random, onHealth })
  }

  get health(): DeliveryHealth {
    return this.#loop.health
  }

  /** A segment was taken. */
  wake(): void {
    // The limits hold also while nobody answers, which may be for long.
    quietly('limit the unconfirmed segments', () => this.#limit())
    this.#loop.wake()
  }

  /** Ends at once; the segments stay for the next process. May be called again. */
  close(): Promise<DeliveryHealth> {
    return this.#loop.close({ withinMs: 0 })
  }

  async #look({ signal, isWoken }: Parameters<LoopOptions['step']>[0]): Promise<Next> {
    const { source, transport, random = Math.random } = this.#options
    if (isWoken) this.#quietLooks = 0
    this.#limit()
    const segments = source.all()
    if (segments.length === 0) return 'idle'
    const { answers, refusal } = await askLedger(transport.ask, segments, signal)
    if (signal.aborted) return 'idle'
    const askedAt = this.#clock()
    if (refusal === undefined) this.#answeredAt = askedAt
    this.#carryOut(this.#policy.judge(segments, answers, askedAt))
    if (refusal !== undefined) {
      return { ...refusal, kind: refusal.status === 'retry' ? 'offline' : refusal.status }
    }
    return { waitMs: backoffMs(this.#looks, { failures: this.#quietLooks + 1, random }) }
  }

  /** Gives up segments beyond the limits. */
  #limit(): void {
    const count = this.#options.source.limit((segment, why) => {
      // After weeks switched off, ask before giving up.
      const isAsked =
        this.#answeredAt > segment.knownAt || this.#clock() - segment.knownAt > graceMs
      return why !== 'kept_days_max' || isAsked
    })
    this.#loop.count('unconfirmed', count)
  }

  #carryOut(verdicts: readonly Verdict[]): void {
    const before = this.health.counts
    for (const verdict of verdicts) {
      // What the disk refuses is judged again in the next look.
      quietly('carry out a verdict of the ledger', () => this.#act(verdict))
    }
    const { sentAgain, confirmed } = this.health.counts
    if (sentAgain > before.sentAgain) this.#options.onSentAgain()
    this.#quietLooks = confirmed > before.confirmed ? 0 : this.#quietLooks + 1
  }

  #act(verdict: Verdict): void {
    const { source } = this.#options
    const { segment } = verdict
    switch (verdict.action) {
      case 'confirm':
        source.confirm(segment)
        this.#loop.count('confirmed')
        break
      case 'set_aside':
        source.setAside(segment, 'the ledger says that its records were declared dropped')
        this.#loop.count('lost')
        break
      case 'send_again':
        source.sendAgain(segment)
        this.#loop.count('sentAgain')
        break
      case 'lose':
        source.lose(segment, verdict.missing)
        this.#loop.count('lost')
    }
  }
}
