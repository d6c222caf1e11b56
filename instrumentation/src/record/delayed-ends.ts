/** Delayed ends of turns: each runs after its delay, or at the exit of the process, since nothing can come after that. */

/** Calls back once after `ms`, unless cancelled. */
export type After = (ms: number, callback: () => void) => { cancel(): void }

export function createDelayedEnds(after: After) {
  const waiting = new Set<() => void>()
  return {
    /** Calls back once, after `ms` or when `endAll` is called, unless cancelled. */
    after(ms: number, callback: () => void): { cancel(): void } {
      const run = (): void => {
        cancel()
        callback()
      }
      const cancel = (): void => {
        waiting.delete(run)
        timer.cancel()
      }
      const timer = after(ms, run)
      waiting.add(run)
      return { cancel }
    },
    endAll(): void {
      for (const run of [...waiting]) run()
    },
  }
}

export type DelayedEnds = ReturnType<typeof createDelayedEnds>
