/**
 * How many model calls were seen on the wire, by the request in whose context they were made and by the turn that they are of.
 * A library's span of a model call during which one was seen tells of the same call.
 */
import type { Candidate } from './candidate.ts'

export class WireCalls {
  readonly #counts = new WeakMap<Candidate, number>()
  #outside = 0

  /** A model has answered, or the call has failed. */
  seen(request: Candidate | undefined, turn: Candidate | undefined): void {
    if (request === undefined) this.#outside += 1
    for (const candidate of new Set([request, turn])) {
      if (candidate !== undefined) this.#counts.set(candidate, this.count(candidate) + 1)
    }
  }

  /** So far, in the request or of the turn; without one: those that were made in no request. */
  count(candidate: Candidate | undefined): number {
    return candidate === undefined ? this.#outside : (this.#counts.get(candidate) ?? 0)
  }
}
