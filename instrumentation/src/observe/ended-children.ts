/**
 * When child processes lived that have ended a moment ago. A file that one of them has changed last is complete, however
 * short it is: its writer has ended. Pure.
 */
import { granularityMs } from '../workspace/file-stat.ts'

/** Beyond it the oldest are forgotten. Only files of the last 100 ms are in question. */
const livesMax = 32
/** `Date.now()` leaves out the fraction. */
const clockMs = 1

interface Life {
  /** Milliseconds since 1970, as all times here. */
  readonly startedAt: number
  readonly endedAt: number
}

export class EndedChildren {
  #lives: readonly Life[] = []

  add(life: Life): void {
    this.#lives = [...this.#lives.slice(1 - livesMax), life]
  }

  /** Whether one of them lived when the file was stamped. */
  livedAt(stampedAt: number): boolean {
    return this.#lives.some(
      ({ startedAt, endedAt }) =>
        stampedAt >= startedAt - granularityMs(stampedAt) && stampedAt < endedAt + clockMs,
    )
  }
}
