/**
 * How many model calls were seen on the wire, and how the last one ended, by the request in whose context they were made and by the turn that they are of.
 * A library's span of a model call during which one was seen tells of the same call.
 */
import type { Candidate } from './candidate.ts'

/** How a model call ended that did not end well. */
export type CallEnd = 'failed' | 'aborted'

export class WireCalls {
  readonly #counts = new WeakMap<Candidate, number>()
  #outside = 0
  readonly #lastEnds = new WeakMap<Candidate, CallEnd | undefined>()
  #lastOutside: CallEnd | undefined

  /** A model has answered, or the call has failed. */
  seen(request: Candidate | undefined, turn: Candidate | undefined): void {
    if (request === undefined) this.#outside += 1
    for (const candidate of new Set([request, turn])) {
      if (candidate !== undefined) this.#counts.set(candidate, this.count(candidate) + 1)
    }
  }

  /** `end`: `undefined` if it ended well. */
  ended(request: Candidate | undefined, turn: Candidate | undefined, end: CallEnd | undefined) {
    if (request === undefined) this.#lastOutside = end
    for (const candidate of [request, turn]) {
      if (candidate !== undefined) this.#lastEnds.set(candidate, end)
    }
  }

  /** How the last one ended, in the request or of the turn; without one: of those that were made in no request. */
  lastEnd(candidate: Candidate | undefined): CallEnd | undefined {
    return candidate === undefined ? this.#lastOutside : this.#lastEnds.get(candidate)
  }

  /** So far, in the request or of the turn; without one: those that were made in no request. */
  count(candidate: Candidate | undefined): number {
    return candidate === undefined ? this.#outside : (this.#counts.get(candidate) ?? 0)
  }
}
