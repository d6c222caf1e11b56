/** Calls that block the host until a child has ended: what is buffered is written before them. */
import { createRequire, syncBuiltinESMExports } from 'node:module'
import { quietly } from '../health.ts'

type Call = (this: unknown, ...values: unknown[]) => unknown

/** Begins to watch; the returned function undoes it. */
export function flushBeforeBlockingCalls(flush: () => void): () => void {
  const childProcess: Record<string, unknown> = createRequire(import.meta.url)('node:child_process')
  const undo = ['execSync', 'execFileSync', 'spawnSync'].map((name) => {
    const original = childProcess[name] as Call
    const observed: Call = function (...values) {
      quietly('flush', flush)
      return original.apply(this, values)
    }
    Object.defineProperty(observed, 'name', { value: name, configurable: true })
    Object.defineProperty(observed, 'length', { value: original.length, configurable: true })
    childProcess[name] = observed
    return () => {
      if (childProcess[name] === observed) childProcess[name] = original
    }
  })
  syncBuiltinESMExports()
  return () => {
    for (const step of undo) step()
    syncBuiltinESMExports()
  }
}
