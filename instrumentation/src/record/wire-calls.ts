/**
 * How many model calls were seen on the wire, by the request in whose context they were made. A library's span of a model call
 * during which one was seen tells of the same call.
 */
import type { Candidate } from './candidate.ts'

export class WireCalls {
  readonly #counts = new WeakMap<Candidate, number>()
  #others = 0

  /** A model has answered, or the request has failed. */
  seen(request: Candidate | undefined): void {
    if (request === undefined) this.#others += 1
    else this.#counts.set(request, this.count(request) + 1)
  }

  /** So far; of no request: of all calls that were made in none. */
  count(request: Candidate | undefined): number {
    return request === undefined ? this.#others : (this.#counts.get(request) ?? 0)
  }
}
