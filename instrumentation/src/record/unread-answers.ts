/**
 * Answers of which not all bytes have been searched for tool calls. An answer comes in many small pieces, and each costs a cold run
 * of the search. So the bytes wait until the answer ends, or until somebody asks which tool calls are open: before that no tool has done
 * anything that is observed.
 */
import { quietly } from '../health.ts'

class UnreadAnswers {
  readonly #reads = new Set<() => void>()

  /** `read` searches what waits. It is called once. */
  add(read: () => void): void {
    this.#reads.add(read)
  }

  /** The answer has been read meanwhile. */
  remove(read: () => void): void {
    this.#reads.delete(read)
  }

  /** Called before the open tool calls are looked at. */
  readAll(): void {
    for (const read of this.#reads) {
      // Before the step: reading opens tool calls, which looks at those that are open.
      this.#reads.delete(read)
      quietly('read an answer', read)
    }
  }
}

/** Those of this thread. */
export const unreadAnswers = new UnreadAnswers()
