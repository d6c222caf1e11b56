/**
 * When the worker searches the destination's folder for dead recorders: one round at a time, and in pieces, so that the
 * worker does other work in between.
 *
 * A round lists the folder when it begins. An end that is reported during a round may be of a recorder that the round has
 * passed, so another round follows. An ended recorder may also be locked by an adopter that is about to end, or that has
 * withdrawn because it came at the same time: then the next round comes after a second, and later each time,
 * up to `againMax` rounds after the last reported end.
 *
 *     state      meaning                                         next
 *     idle       no round is under way                           searching, by `look` or `ended`
 *     searching  a round is under way, or waits for room         idle, when it is done and no other one is asked for
 */
import { RetryTimer, type RetryTimerOptions } from '../upload/retry.ts'
import type { Adoption } from './adopt.ts'

const backoff = { firstMs: 1_000, maxMs: 8_000 }
/** Together about half a minute: then the regular rounds have come. */
const againMax = 5

export interface LookScheduleOptions {
  readonly adoption: Pick<Adoption, 'look' | 'hasLeft'>
  /** Calls back when other work has been done. */
  readonly defer: (callback: () => void) => void
  readonly after?: RetryTimerOptions['after']
}

export class LookSchedule {
  readonly #options: LookScheduleOptions
  readonly #again: RetryTimer
  /** More rounds for the ends that were reported. */
  #roundsLeft = 0
  #isUnderWay: boolean = false
  #isDeferred: boolean = false
  #isAsked: boolean = false

  constructor(options: LookScheduleOptions) {
    const { after } = options
    this.#options = options
    this.#again = new RetryTimer({
      backoff,
      retry: () => this.#ask(),
      ...(after === undefined ? {} : { after }),
    })
  }

  /** Begins a round, or goes on with the one that is under way. */
  look(): void {
    if (this.#isDeferred) return
    const next = this.#options.adoption.look()
    this.#isUnderWay = next !== 'done'
    if (next === 'more') this.#later()
    else if (next === 'done') this.#roundDone()
  }

  /** A recorder has ended, and can be adopted. */
  ended(): void {
    this.#roundsLeft = againMax
    this.#again.succeeded()
    this.#ask()
  }

  #ask(): void {
    this.#isAsked = this.#isUnderWay
    this.look()
  }

  #roundDone(): void {
    if (this.#isAsked) {
      this.#isAsked = false
      this.#later()
    } else if (this.#roundsLeft > 0 && this.#options.adoption.hasLeft) {
      this.#roundsLeft -= 1
      this.#again.failed()
    }
  }

  #later(): void {
    this.#isDeferred = true
    this.#options.defer(() => {
      this.#isDeferred = false
      this.look()
    })
  }
}
