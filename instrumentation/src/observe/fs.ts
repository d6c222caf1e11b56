/**
 * File operations: `writeFile`, `appendFile`, `copyFile`, `rename`, `unlink` and `rm` of a file, in `node:fs`'
 * synchronous, callback and promise form. What stood there before is read before the call, what stands there after
 * it when it has succeeded; the sealer tells the kind from the two.
 *
 * The host's call, its result, its error and its callback's context stay as they are. `fs` functions call each other
 * through the module object, so a call made inside an observed one is not observed again.
 */
import { createRequire, syncBuiltinESMExports } from 'node:module'
import { context, createContextKey } from '@opentelemetry/api'
import { quietly } from '../health.ts'
import type { FileOperations, PendingOperation } from './file-operations.ts'

const insideKey = createContextKey('turnlog inside fs')

type Call = (this: unknown, ...values: unknown[]) => unknown
type Begin = (values: readonly unknown[]) => PendingOperation | undefined

/** Begins to watch; the returned function undoes it. Builtins are patched through `require`: then every import sees it. */
export function observeFileSystem(operations: FileOperations): () => void {
  const fs: Record<string, unknown> = createRequire(import.meta.url)('node:fs')
  const promises = fs['promises'] as Record<string, unknown>
  const begins: Readonly<Record<string, Begin>> = {
    writeFile: ([path]) => operations.begin({ kind: 'write', path }),
    appendFile: ([path]) => operations.begin({ kind: 'write', path }),
    copyFile: ([, to]) => operations.begin({ kind: 'write', path: to }),
    rename: ([from, to]) => operations.begin({ kind: 'rename', path: to, previousPath: from }),
    unlink: ([path]) => operations.begin({ kind: 'delete', path }),
    rm: ([path]) => operations.begin({ kind: 'delete', path }),
  }
  const undo = Object.entries(begins).flatMap(([name, begin]) => [
    patch(fs, `${name}Sync`, (original) => observeSync(original, begin)),
    patch(fs, name, (original) => observeCallback(original, begin)),
    patch(promises, name, (original) => observePromise(original, begin)),
  ])
  syncBuiltinESMExports()
  return () => {
    for (const step of undo) step()
    syncBuiltinESMExports()
  }
}

function observeSync(original: Call, begin: Begin): Call {
  return function (...values) {
    const pending = start(begin, values)
    if (pending === undefined) return original.apply(this, values)
    let isDone = false
    try {
      const result = inside(() => original.apply(this, values))
      isDone = true
      return result
    } finally {
      finish(pending, isDone)
    }
  }
}

function observeCallback(original: Call, begin: Begin): Call {
  return function (...values) {
    const callback = values.at(-1)
    const pending = typeof callback === 'function' ? start(begin, values) : undefined
    if (pending === undefined || typeof callback !== 'function') return original.apply(this, values)
    const outer = context.active()
    const observed = function (this: unknown, ...results: unknown[]): unknown {
      finish(pending, results[0] === null || results[0] === undefined)
      return context.with(outer, () => Reflect.apply(callback, this, results))
    }
    let isStarted = false
    try {
      const result = inside(() => original.apply(this, [...values.slice(0, -1), observed]))
      isStarted = true
      return result
    } finally {
      // Refused arguments throw at once and call nobody.
      if (!isStarted) finish(pending, false)
    }
  }
}

function observePromise(original: Call, begin: Begin): Call {
  return function (...values) {
    const pending = start(begin, values)
    if (pending === undefined) return original.apply(this, values)
    const promise = inside(() => original.apply(this, values))
    if (!(promise instanceof Promise)) {
      finish(pending, false)
      return promise
    }
    return promise.then(
      (result: unknown) => {
        finish(pending, true)
        return result
      },
      (cause: unknown) => {
        finish(pending, false)
        throw cause
      },
    )
  }
}

function start(begin: Begin, values: readonly unknown[]): PendingOperation | undefined {
  return quietly('begin a file operation', () =>
    context.active().getValue(insideKey) === true ? undefined : begin(values),
  )
}

function finish(pending: PendingOperation, hasSucceeded: boolean): void {
  quietly('end a file operation', () => (hasSucceeded ? pending.succeed() : pending.fail()))
}

function inside<T>(call: () => T): T {
  return context.with(context.active().setValue(insideKey, true), call)
}

/** Replaces a function of a builtin by one that looks the same: name, length and own properties are kept. */
function patch(
  target: Record<string, unknown>,
  name: string,
  make: (original: Call) => Call,
): () => void {
  const original = target[name] as Call
  const observed = make(original)
  for (const key of Reflect.ownKeys(original)) {
    const descriptor = Reflect.getOwnPropertyDescriptor(original, key)
    if (descriptor !== undefined && key !== 'prototype') {
      Reflect.defineProperty(observed, key, descriptor)
    }
  }
  target[name] = observed
  return () => {
    if (target[name] === observed) target[name] = original
  }
}
