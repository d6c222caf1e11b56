/** How many reads are at work at one moment, so that viewers leave memory and connections for landing. */

export interface Gate {
  /** Waits for its turn. Call what comes back when it is done, once or more; undefined when there was no turn in time. */
  enter(signal: AbortSignal): Promise<(() => void) | undefined>
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
      const [next] = waiting
      // Its place goes on to who waits longest.
      if (next) next()
      else inside -= 1
    }
  }

  return {
    enter(signal) {
      if (inside < atOnceMax) {
        inside += 1
        return Promise.resolve(leaveOnce())
      }
      if (waiting.size >= waitingMax || signal.aborted) return Promise.resolve(undefined)
      return new Promise((resolve) => {
        const stop = () => {
          waiting.delete(goOn)
          clearTimeout(timer)
          signal.removeEventListener('abort', giveUp)
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
        signal.addEventListener('abort', giveUp, { once: true })
        waiting.add(goOn)
      })
    },
  }
}
