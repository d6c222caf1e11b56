/** Reading the database for viewers, with bounded time and a bounded number of statements at once. */
import type { Gate } from '../../http/gate.ts'
import type { Reader } from '../../storage/database.ts'

export interface ReadOptions {
  readonly database: Reader
  readonly teamId: string
  readonly withinMs: number
  readonly signal?: AbortSignal | undefined
}

/** There was no turn in time. */
export class BusyError extends Error {}

/**
 * Statements take turns, and not whole answers: a client that reads a long answer slowly makes nobody wait, and needs only
 * the memory of the part that it is reading.
 */
export function readInTurns(database: Reader, gate: Gate): Reader {
  return {
    async read<Row extends object>(
      text: string,
      parameters: readonly unknown[],
      limits: Parameters<Reader['read']>[2],
    ): Promise<Row[]> {
      const leave = await gate.enter(limits.signal)
      if (leave === undefined) {
        limits.signal?.throwIfAborted()
        throw new BusyError('There was no turn in time.')
      }
      try {
        return await database.read<Row>(text, parameters, limits)
      } finally {
        leave()
      }
    },
  }
}
