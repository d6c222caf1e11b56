/**
 * The time of day for records: that of the system, but a clock that is set while something is open does not change how long it
 * takes. Until nothing is open any more, time then goes on by the monotonic clock. After a sleep of the machine, which the
 * monotonic clock leaves out, the time of day counts.
 *
 *     state    meaning                                                    next
 *     follows  it is the time of day                                      holds, when the clock was set and something is open
 *     holds    the time of day before the clock was set, and what has     follows, when nothing is open, when the clock is set
 *              passed since                                               back to it, or after a sleep
 *
 * A clock that is adjusted slowly, as NTP does, is followed.
 */

/** A difference up to this is no set clock: reading two clocks takes time, and one of them is cut to milliseconds. */
const sameMs = 10
/** By how much a clock is adjusted in a second, at most: twice what NTP does. */
const adjustedMs = 1
/** The uptime may be cut to seconds. */
const sleepMsMin = 1_500

export interface SteadyClockOptions {
  /** Milliseconds since 1970, as the system has it. */
  readonly dateNow: () => number
  /** Milliseconds, monotonic. */
  readonly clock: () => number
  /** Seconds since the machine has started, sleep included. */
  readonly uptime: () => number
}

export class SteadyClock {
  readonly #options: SteadyClockOptions
  readonly #firstUptime: number
  readonly #firstClock: number
  /** The time of day at 0 of the monotonic clock. */
  #origin: number
  /** By the monotonic clock: when the time of day was followed last. */
  #followedAt: number
  #sleptMs = 0
  /** The last difference that was looked into, and was no sleep. */
  #setBy = 0
  #isOpen: () => boolean = () => false

  constructor(options: SteadyClockOptions) {
    this.#options = options
    const { dateNow, clock, uptime } = options
    this.#firstUptime = uptime()
    this.#firstClock = clock()
    this.#origin = dateNow() - this.#firstClock
    this.#followedAt = this.#firstClock
  }

  /** `isOpen`: whether something is open whose duration will be recorded. */
  whileOpen(isOpen: () => boolean): void {
    this.#isOpen = isOpen
  }

  /** Milliseconds since 1970. */
  readonly now = (): number => this.#read().time

  /** What to add to a time of day that was just taken, in milliseconds; 0 for any other time. */
  readonly shiftOf = (time: number): number => {
    const { time: own, ofDay } = this.#read()
    return Math.abs(time - ofDay) <= sameMs ? own - ofDay : 0
  }

  #read(): { readonly time: number; readonly ofDay: number } {
    const ofDay = this.#options.dateNow()
    const clock = this.#options.clock()
    const steady = this.#origin + clock
    const ahead = ofDay - steady
    const adjusted = sameMs + ((clock - this.#followedAt) / 1_000) * adjustedMs
    if (Math.abs(ahead) > adjusted && this.#isOpen() && !this.#hasSlept(ahead)) {
      return { time: Math.round(steady), ofDay }
    }
    this.#origin += ahead
    this.#followedAt = clock
    return { time: ofDay, ofDay }
  }

  #hasSlept(ahead: number): boolean {
    if (ahead < sleepMsMin || Math.abs(ahead - this.#setBy) <= sameMs) return false
    const { uptime, clock } = this.#options
    const passed = clock() - this.#firstClock
    const sleptMs = (uptime() - this.#firstUptime) * 1_000 - passed
    const isSleep = sleptMs - this.#sleptMs > sleepMsMin
    if (isSleep) this.#sleptMs = sleptMs
    else this.#setBy = ahead
    return isSleep
  }
}
