/**
 * Time as the host's thread has it: taken before the host's code can replace it, in no async context of the host's,
 * and never keeping the host alive.
 */
import { AsyncResource } from 'node:async_hooks'

export function hostTimers() {
  const { setTimeout, clearTimeout } = globalThis
  const dateNow = Date.now
  const performanceNow = performance.now.bind(performance)
  const root = new AsyncResource('turnlog', { requireManualDestroy: true })
  return {
    /** Milliseconds since 1970. */
    now: (): number => dateNow(),
    /** Milliseconds, monotonic. */
    clock: (): number => performanceNow(),
    /** Calls back once; the process may end before. */
    after(ms: number, callback: () => void): { cancel(): void } {
      const timer = root.runInAsyncScope(() => setTimeout(callback, ms))
      timer.unref()
      return { cancel: () => clearTimeout(timer) }
    },
  }
}
