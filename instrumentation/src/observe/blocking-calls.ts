/** Writes what is buffered before calls that block the host until a child process has ended. */
import { createRequire, syncBuiltinESMExports } from 'node:module'
import { quietly } from '../health.ts'
import { type Method, replaceMethod } from './replace-method.ts'

/** Begins to watch; the returned function undoes it. */
export function flushBeforeBlockingCalls(flush: () => void): () => void {
  const childProcess: object = createRequire(import.meta.url)('node:child_process')
  const flushing = (original: Method): Method =>
    function (...values) {
      quietly('flush', flush)
      return original.apply(this, values)
    }
  const undo = ['execSync', 'execFileSync', 'spawnSync'].map((name) =>
    replaceMethod(childProcess, name, flushing),
  )
  syncBuiltinESMExports()
  return () => {
    for (const step of undo) step()
    syncBuiltinESMExports()
  }
}
