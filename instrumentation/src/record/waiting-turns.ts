/**
 * Turns whose answer asked for tool calls that nobody has run: the app waits for a person to approve them, or needs no
 * results. Such a turn has an interim record, and may be continued by a later request. At most `waitingTurnsMax` wait,
 * each `waitingMsMax` at most; beyond that the oldest is given up, and its interim record is what remains of it.
 */
import type { SpanContext } from '@opentelemetry/api'
import type { After } from './delayed-ends.ts'

/** The journal files of a waiting turn stay on disk, so only a few turns may wait. */
const waitingTurnsMax = 50
/** A person may answer on the next day. */
const waitingMsMax = 24 * 3_600_000
/** The tool calls of turns that are no longer open: a later turn that brings a result for one is linked to it. */
const endedCallsMax = 1_000

/** A tool call that was open when its turn ended. */
interface EndedCall {
  readonly id: string
  readonly name: string
  readonly turn: SpanContext
}

export class WaitingTurns {
  readonly #after: After
  readonly #waiting = new Map<object, { giveUp(): void; cancel(): void }>()
  readonly #endedCalls = new Map<string, EndedCall>()

  /** `after` calls back also at the exit of the process. */
  constructor(after: After) {
    this.#after = after
  }

  /** `giveUp` is called once, unless `remove` is called before. */
  add(turn: object, giveUp: () => void): void {
    const run = (): void => {
      this.remove(turn)
      giveUp()
    }
    const oldest = this.#waiting.size >= waitingTurnsMax ? this.#waiting.values().next() : undefined
    oldest?.value?.giveUp()
    const { cancel } = this.#after(waitingMsMax, run)
    this.#waiting.set(turn, { giveUp: run, cancel })
  }

  remove(turn: object): void {
    this.#waiting.get(turn)?.cancel()
    this.#waiting.delete(turn)
  }

  callEnded(call: EndedCall): void {
    const oldest =
      this.#endedCalls.size >= endedCallsMax ? this.#endedCalls.keys().next() : undefined
    if (oldest?.value !== undefined) this.#endedCalls.delete(oldest.value)
    this.#endedCalls.set(call.id, call)
  }

  get endedCallCount(): number {
    return this.#endedCalls.size
  }

  get endedCalls(): Iterable<EndedCall> {
    return this.#endedCalls.values()
  }
}
