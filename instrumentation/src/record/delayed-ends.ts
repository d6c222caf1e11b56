/** Waits for what may still come. The end of the process ends them: then nothing comes. */

export type After = (ms: number, callback: () => void) => { cancel(): void }

export function createGraces(after: After) {
  const waiting = new Set<() => void>()
  return {
    /** Calls back once, after `ms` or when `endAll` is called, unless cancelled. */
    after(ms: number, callback: () => void): { cancel(): void } {
      const run = (): void => {
        waiting.delete(run)
        timer.cancel()
        callback()
      }
      const timer = after(ms, run)
      waiting.add(run)
      return {
        cancel(): void {
          waiting.delete(run)
          timer.cancel()
        },
      }
    },
    endAll(): void {
      for (const run of [...waiting]) run()
    },
  }
}
