/** Writes what is buffered before calls that block the host until a child process has ended. */
import { quietly } from '../health.ts'
import { type Method, replaceInBuiltin, replaceMethod } from './replace-method.ts'

/** Begins to watch; the returned function undoes it. */
export function flushBeforeBlockingCalls(flush: () => void): () => void {
  const flushing = (original: Method): Method =>
    function (...values) {
      quietly('flush', flush)
      return original.apply(this, values)
    }
  return replaceInBuiltin('child_process', (childProcess) =>
    ['execSync', 'execFileSync', 'spawnSync'].map((name) =>
      replaceMethod(childProcess, name, flushing),
    ),
  )
}
