/** The requests and messages that the app works on now: those of its own turns, and those that may become turns. */
import type { Candidate } from './candidate.ts'

export class OpenCandidates {
  readonly #open = new Set<Candidate>()

  add(candidate: Candidate): void {
    this.#open.add(candidate)
  }

  remove(candidate: Candidate): void {
    this.#open.delete(candidate)
  }

  /** Whether there is another one. */
  hasOthers(than: Candidate | undefined): boolean {
    const isOpen = than !== undefined && this.#open.has(than)
    return this.#open.size > (isOpen ? 1 : 0)
  }

  /** All of them now, which may end meanwhile. */
  all(): readonly Candidate[] {
    return [...this.#open]
  }

  [Symbol.iterator](): Iterator<Candidate> {
    return this.#open.values()
  }
}
