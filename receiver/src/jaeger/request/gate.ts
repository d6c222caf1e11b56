/** How much is at work for viewers at one moment, so that they leave memory and connections for landing. */
import type { Reader } from '../../storage/index.ts'

export interface Gate {
  /**
   * Waits for its turn. Call what comes back when it is done, once or more; undefined when there was no turn in time, or
   * the signal was given.
   */
  enter(signal?: AbortSignal): Promise<(() => void) | undefined>
}

export interface GateLimits {
  readonly atOnceMax: number
  readonly waitingMax: number
  readonly waitMs: number
}

export function openGate({ atOnceMax, waitingMax, waitMs }: GateLimits): Gate {
  let inside = 0
  const waiting = new Set<() => void>()

  function leaveOnce(): () => void {
    let isInside = true
    return () => {
      if (!isInside) return
      isInside = false
      const [next] = waiting
      // Its place goes on to who waits longest.
      if (next) next()
      else inside -= 1
    }
  }

  return {
    async enter(signal) {
      if (signal?.aborted) return undefined
      if (inside < atOnceMax) {
        inside += 1
        return leaveOnce()
      }
      if (waiting.size >= waitingMax) return undefined
      return new Promise((resolve) => {
        const stop = () => {
          waiting.delete(goOn)
          clearTimeout(timer)
          signal?.removeEventListener('abort', giveUp)
        }
        const goOn = () => {
          stop()
          resolve(leaveOnce())
        }
        const giveUp = () => {
          stop()
          resolve(undefined)
        }
        const timer = setTimeout(giveUp, waitMs)
        timer.unref()
        signal?.addEventListener('abort', giveUp, { once: true })
        waiting.add(goOn)
      })
    },
  }
}

/** There was no turn in time. */
export class BusyError extends Error {}

/**
 * Statements take turns, not answers: who reads a long answer slowly keeps nobody waiting, and takes the memory of the
 * part it has come to.
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
