/**
 * Clocks and timers for the host's thread: taken before the host's code can replace them, outside the host's async
 * contexts, and never keeping the host alive.
 */
import { AsyncResource } from 'node:async_hooks'
import * as os from 'node:os'
import { SteadyClock } from './steady-clock.ts'

export function hostTimers() {
  const { setTimeout, clearTimeout } = globalThis
  const dateNow = Date.now
  const performanceNow = performance.now.bind(performance)
  const steady = new SteadyClock({ dateNow, clock: performanceNow, uptime: os.uptime })
  const root = new AsyncResource('turnlog', { requireManualDestroy: true })
  return {
    /** Milliseconds since 1970; see `steady-clock.ts`. */
    now: steady.now,
    steady,
    /** Milliseconds, monotonic. */
    clock: (): number => performanceNow(),
    /** Calls back once, unless the process ends before. */
    after(ms: number, callback: () => void): { cancel(): void } {
      const timer = root.runInAsyncScope(() => setTimeout(callback, ms))
      timer.unref()
      return { cancel: () => clearTimeout(timer) }
    },
  }
}

export type HostTimers = ReturnType<typeof hostTimers>
