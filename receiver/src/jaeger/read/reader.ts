/** Reading the database for viewers, with bounded time and a bounded number of statements at once. */
import type { Gate } from '../../http/gate.ts'
import { type Refusal, RefusedError } from '../../http/refuse.ts'
import type { Reader } from '../../storage/database.ts'

export interface ReadOptions {
  readonly database: Reader
  readonly teamId: string
  readonly withinMs: number
  readonly signal?: AbortSignal | undefined
}

export const tooManyReads: Refusal = {
  httpStatus: 503,
  message: 'Too much is being read at once.',
  retrySeconds: 1,
}

/**
 * Statements take turns, and not whole answers: a client that reads a long answer slowly makes nobody wait, and needs only
 * the memory of the part that it is reading.
 */
export function readInTurns(database: Reader, gate: Gate): Reader {
  return {
    async read(text, parameters, limits) {
      const leave = await gate.enter(limits.signal)
      if (leave === undefined) {
        limits.signal?.throwIfAborted()
        throw new RefusedError(tooManyReads)
      }
      try {
        return await database.read(text, parameters, limits)
      } finally {
        leave()
      }
    },
  }
}
