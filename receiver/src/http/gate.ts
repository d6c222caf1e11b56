/** How many answers or statements may be at work at one moment; a few more wait for their turn. */

export interface Gate {
  /**
   * Waits for a turn. Call the result when the work is done; calling it again does nothing. Undefined when there was no
   * turn in time, or the signal was given.
   */
  enter(signal?: AbortSignal): Promise<(() => void) | undefined>
}

export function openGate(limits: {
  readonly atOnceMax: number
  readonly waitingMax: number
  readonly waitMs: number
}): Gate {
  const { atOnceMax, waitingMax, waitMs } = limits
  let inside = 0
  const waiting = new Set<() => void>()

  function leaveOnce(): () => void {
    let isInside = true
    return () => {
      if (!isInside) return
      isInside = false
      // The one that has waited longest takes the turn.
      const [next] = waiting
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
        const settle = (leave: (() => void) | undefined) => {
          waiting.delete(goOn)
          clearTimeout(timer)
          signal?.removeEventListener('abort', giveUp)
          resolve(leave)
        }
        const goOn = () => settle(leaveOnce())
        const giveUp = () => settle(undefined)
        const timer = setTimeout(giveUp, waitMs)
        timer.unref()
        signal?.addEventListener('abort', giveUp, { once: true })
        waiting.add(goOn)
      })
    },
  }
}
