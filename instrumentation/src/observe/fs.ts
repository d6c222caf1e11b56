/**
 * File operations: `writeFile`, `appendFile`, `copyFile`, `rename`, `unlink` and `rm` of a file, in `node:fs`'
 * synchronous, callback and promise form. The file is read before the call, and again after a call that succeeded.
 *
 * The host's call, its result, its error and its callback's context stay as they are. `fs` functions call each other
 * through the module object, so a call made inside an observed one is not observed again.
 */
import { type Context, createContextKey } from '@opentelemetry/api'
import { quietly } from '../health.ts'
import { candidateOf, contexts, runIn } from '../record/contexts.ts'
import { hideOwnFrames } from './errors.ts'
import type { FileOperations, PendingOperation } from './file-operations.ts'
import { type Method, replaceInBuiltin, replaceMethod } from './replace-method.ts'

const insideKey = createContextKey('turnlog inside fs')

type Begin = (values: readonly unknown[]) => PendingOperation | undefined

/** Begins to watch; the returned function undoes it. */
export function observeFileSystem(operations: FileOperations): () => void {
  const begins: Readonly<Record<string, Begin>> = {
    writeFile: ([path]) => operations.begin({ kind: 'write', path }),
    appendFile: ([path]) => operations.begin({ kind: 'write', path }),
    copyFile: ([, to]) => operations.begin({ kind: 'write', path: to }),
    rename: ([from, to]) => operations.begin({ kind: 'rename', path: to, previousPath: from }),
    unlink: ([path]) => operations.begin({ kind: 'delete', path }),
    rm: ([path]) => operations.begin({ kind: 'delete', path }),
  }
  return replaceInBuiltin('fs', (fs) =>
    Object.entries(begins).flatMap(([name, begin]) => [
      replaceMethod(fs, `${name}Sync`, (original) => observeSync(original, begin)),
      replaceMethod(fs, name, (original) => observeCallback(original, begin)),
      replaceMethod(fs.promises as object, name, (original) => observePromise(original, begin)),
    ]),
  )
}

/**
 * An error thrown inside a turn is usually caught by the app and printed, so our frames are removed from it. Outside a
 * turn it is not caught here: Node prints where an uncaught error was last thrown.
 */
function observeSync(original: Method, begin: Begin): Method {
  return function (...values) {
    const pending = start(begin, values)
    if (pending === undefined && !isInTurn()) return original.apply(this, values)
    const entered = pending && contexts.attach(inside())
    let isDone = false
    try {
      const result = original.apply(this, values)
      isDone = true
      return result
    } catch (cause) {
      quietly('hide our frames', () => hideOwnFrames(cause))
      throw cause
    } finally {
      entered?.dispose()
      if (pending !== undefined) finish(pending, isDone)
    }
  }
}

function observeCallback(original: Method, begin: Begin): Method {
  return function (...values) {
    const callback = values.at(-1)
    const pending = typeof callback === 'function' ? start(begin, values) : undefined
    if (pending === undefined || typeof callback !== 'function') return original.apply(this, values)
    const outer = contexts.active()
    const observed = function (this: unknown, ...results: unknown[]): unknown {
      finish(pending, results[0] === null || results[0] === undefined)
      return runIn(outer, () => Reflect.apply(callback, this, results))
    }
    const entered = contexts.attach(inside())
    try {
      return original.apply(this, [...values.slice(0, -1), observed])
    } catch (cause) {
      // Invalid arguments throw at once, and the callback is not called.
      finish(pending, false)
      quietly('hide our frames', () => hideOwnFrames(cause))
      throw cause
    } finally {
      entered.dispose()
    }
  }
}

function observePromise(original: Method, begin: Begin): Method {
  return function (...values) {
    const pending = start(begin, values)
    if (pending === undefined) return original.apply(this, values)
    return follow(
      runIn(inside(), () => original.apply(this, values)),
      pending,
    )
  }
}

/** The same result or error. Awaited, not chained, so that the error's stack still names the host's `await`. */
async function follow(result: unknown, pending: PendingOperation): Promise<unknown> {
  try {
    const value = await result
    finish(pending, true)
    return value
  } catch (cause) {
    finish(pending, false)
    quietly('hide our frames', () => hideOwnFrames(cause))
    throw cause
  }
}

function start(begin: Begin, values: readonly unknown[]): PendingOperation | undefined {
  return quietly('begin a file operation', () =>
    contexts.active().getValue(insideKey) === true ? undefined : begin(values),
  )
}

function finish(pending: PendingOperation, hasSucceeded: boolean): void {
  quietly('end a file operation', () => (hasSucceeded ? pending.succeed() : pending.fail()))
}

function isInTurn(): boolean {
  return candidateOf(contexts.active()) !== undefined
}

function inside(): Context {
  return contexts.active().setValue(insideKey, true)
}
