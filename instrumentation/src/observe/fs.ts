/**
 * Watches the calls of `node:fs` that change files, in its synchronous, callback and promise form, and those of
 * descriptors, streams and `FileHandle`s.
 *
 * The host's call, its result, its error and its callback's context stay as they are. `fs` functions call each other
 * through the module object, so a call made inside an observed one is not observed again.
 */
import { type Context, createContextKey } from '@opentelemetry/api'
import { quietly } from '../health.ts'
import { contexts, runIn, turnOf } from '../record/contexts.ts'
import type { FileOperations } from './file-operations.ts'
import type { PendingOperation } from './operation-tracker.ts'
import { hideOwnFrames } from './own-frames.ts'
import { all, type Method, replaceInBuiltin, replaceMethod } from './replace-method.ts'
import type { Intent } from './writer.ts'

const insideKey = createContextKey('turnlog inside fs')

type Form = 'Sync' | 'callback' | 'promise'
type Begin = (values: readonly unknown[], form: Form) => PendingOperation | undefined

/** Begins to watch; the returned function undoes it. */
export function observeFileSystem(operations: FileOperations): () => void {
  const handles = new FileHandles(operations)
  const begins = beginsOf(operations, handles)
  const undo = replaceInBuiltin('fs', (fs) => [
    ...Object.entries(begins).flatMap(([name, begin]) => [
      replaceMethod(fs, `${name}Sync`, (original) => observeSync(original, begin)),
      replaceMethod(fs, name, (original) => observeCallback(original, begin)),
      replaceMethod(fs.promises as object, name, (original) => observePromise(original, begin)),
    ]),
    ...['close', 'closeSync'].map((name) =>
      replaceMethod(fs, name, (original) => observeClose(original, operations)),
    ),
    replaceMethod(fs, 'mkdtempDisposableSync', (original) =>
      observeDisposable(original, operations),
    ),
  ])
  return all([undo, () => handles.restore()])
}

function beginsOf(
  operations: FileOperations,
  handles: FileHandles,
): Readonly<Record<string, Begin>> {
  const ofDescriptor: Begin = ([descriptor]) =>
    typeof descriptor === 'number' ? operations.write(descriptor) : undefined
  const stamp: Begin = ([given]) => operations.stamp(given)
  const begins: Readonly<Record<string, Begin>> = {
    ...Object.fromEntries(stampCalls.map((name) => [name, stamp])),
    writeFile: ([path, data, options]) => operations.write(path, intentOf(data, options, 'w')),
    appendFile: ([path, data, options]) => operations.write(path, intentOf(data, options, 'a')),
    truncate: ([path]) => operations.write(path),
    copyFile: ([, to]) => operations.write(to),
    link: ([, to]) => operations.link(to),
    rename: ([from, to]) => operations.rename(from, to),
    unlink: ([path]) => operations.remove(path),
    rm: ([path], form) => operations.removeAll(path, { isSync: form === 'Sync' }),
    cp: ([from, to]) => operations.copyAll(from, to),
    open: ([path, flags]) => handles.observeFrom(operations.descriptors.open(path, flags)),
    write: ofDescriptor,
    writev: ofDescriptor,
    ftruncate: ofDescriptor,
  }
  const withinCall =
    (begin: Begin): Begin =>
    (values, form) => {
      const captured = contexts.active().getValue(insideKey)
      if (captured === undefined) return begin(values, form)
      return captured instanceof Set
        ? operations.within(captured, () => begin(values, form))
        : undefined
    }
  return Object.fromEntries(
    Object.entries(begins).map(([name, begin]) => [name, withinCall(begin)]),
  )
}

/** They change a file's mode, owner or times, and nothing in it. */
const stampCalls = [
  'chmod',
  'chown',
  'utimes',
  'lchmod',
  'lchown',
  'lutimes',
  'fchmod',
  'fchown',
  'futimes',
]
const handleMethods = ['write', 'writev', 'writeFile', 'appendFile', 'truncate'] as const
const handleStampMethods = ['chmod', 'chown', 'utimes'] as const

/** `FileHandle` is not exported: its methods are replaced when the host opens its first file for writing. */
class FileHandles {
  readonly #operations: FileOperations
  #restore: (() => void) | undefined

  constructor(operations: FileOperations) {
    this.#operations = operations
  }

  observeFrom(opening: PendingOperation | undefined): PendingOperation | undefined {
    return (
      opening && {
        ...opening,
        succeed: (result) => {
          opening.succeed(result)
          if (typeof result === 'object' && result !== null) this.#observe(result)
        },
      }
    )
  }

  restore(): void {
    this.#restore?.()
  }

  #observe(handle: object): void {
    const operations = this.#operations
    replaceMethod(handle, 'close', (original) => observeClose(original, operations))
    const observe = (begin: (handle: unknown) => PendingOperation | undefined) => (name: string) =>
      replaceMethod(Object.getPrototypeOf(handle), name, (original) =>
        observeHandle(original, begin),
      )
    this.#restore ??= all([
      ...handleMethods.map(observe((each) => operations.write(each))),
      ...handleStampMethods.map(observe((each) => operations.stamp(each))),
    ])
  }
}

function observeHandle(
  original: Method,
  beginFor: (handle: unknown) => PendingOperation | undefined,
): Method {
  return function (...values) {
    const begin: Begin = () =>
      contexts.active().getValue(insideKey) === undefined ? beginFor(this) : undefined
    return observePromise(original, begin).apply(this, values)
  }
}

/** A closed descriptor may be another file's at once, so it is forgotten before. */
function observeClose(original: Method, operations: FileOperations): Method {
  return function (...values) {
    const [descriptor] = values
    quietly('close a file', () =>
      operations.descriptors.close(typeof descriptor === 'number' ? descriptor : this),
    )
    return original.apply(this, values)
  }
}

/** A temporary folder that removes itself, in one native call. */
function observeDisposable(original: Method, operations: FileOperations): Method {
  return function (...values) {
    const folder = original.apply(this, values)
    if (typeof folder !== 'object' || folder === null || !('path' in folder)) return folder
    const begin: Begin = () => operations.removeAll(folder.path, { isSync: true })
    for (const name of ['remove', Symbol.dispose]) {
      replaceMethod(folder, name, (remove) => observeSync(remove, begin))
    }
    return folder
  }
}

/** What a file holds after `writeFile` or `appendFile`; `undefined` when it is a stream, or written otherwise. */
function intentOf(data: unknown, options: unknown, defaultFlag: string): Intent | undefined {
  const given = typeof options === 'object' && options !== null ? options : { encoding: options }
  const flag = 'flag' in given && typeof given.flag === 'string' ? given.flag : defaultFlag
  const makes = flag.includes('w') ? 'content' : flag.includes('a') ? 'appended' : undefined
  if (makes === undefined) return undefined
  if (ArrayBuffer.isView(data)) {
    const { buffer, byteOffset, byteLength } = data
    const bytes = () => new Uint8Array(buffer, byteOffset, byteLength)
    return { makes, size: () => byteLength, bytes }
  }
  if (typeof data !== 'string') return undefined
  const encoding = 'encoding' in given ? given.encoding : undefined
  const known = typeof encoding === 'string' && Buffer.isEncoding(encoding) ? encoding : 'utf8'
  return {
    makes,
    size: () => Buffer.byteLength(data, known),
    bytes: () => Buffer.from(data, known),
  }
}

/**
 * An error thrown inside a turn is usually caught by the app and printed, so our frames are removed from it. Outside a
 * turn it is not caught here: Node prints where an uncaught error was last thrown.
 */
function observeSync(original: Method, begin: Begin): Method {
  return function (...values) {
    const pending = start(begin, values, 'Sync')
    if (pending === undefined && !isInTurn()) return original.apply(this, values)
    const entered = pending && contexts.attach(inside(pending))
    let outcome: { readonly result: unknown } | { readonly cause: unknown } = { cause: undefined }
    try {
      const result = original.apply(this, values)
      outcome = { result }
      return result
    } catch (cause) {
      outcome = { cause }
      quietly('hide our frames', () => hideOwnFrames(cause))
      throw cause
    } finally {
      entered?.dispose()
      if (pending !== undefined) finish(pending, outcome)
    }
  }
}

function observeCallback(original: Method, begin: Begin): Method {
  return function (...values) {
    const callback = values.at(-1)
    const pending = typeof callback === 'function' ? start(begin, values, 'callback') : undefined
    if (pending === undefined || typeof callback !== 'function') return original.apply(this, values)
    const outer = contexts.active()
    const observed = function (this: unknown, ...results: unknown[]): unknown {
      const [cause, result] = results
      finish(pending, cause === null || cause === undefined ? { result } : { cause })
      return runIn(outer, () => Reflect.apply(callback, this, results))
    }
    const entered = contexts.attach(inside(pending))
    try {
      return original.apply(this, [...values.slice(0, -1), observed])
    } catch (cause) {
      // Invalid arguments throw at once, and the callback is not called.
      finish(pending, { cause })
      quietly('hide our frames', () => hideOwnFrames(cause))
      throw cause
    } finally {
      entered.dispose()
    }
  }
}

function observePromise(original: Method, begin: Begin): Method {
  return function (...values) {
    const pending = start(begin, values, 'promise')
    if (pending === undefined) return original.apply(this, values)
    return follow(
      runIn(inside(pending), () => original.apply(this, values)),
      pending,
    )
  }
}

/** The same result or error. Awaited, not chained, so that the error's stack still names the host's `await`. */
async function follow(promise: unknown, pending: PendingOperation): Promise<unknown> {
  try {
    const result = await promise
    finish(pending, { result })
    return result
  } catch (cause) {
    finish(pending, { cause })
    quietly('hide our frames', () => hideOwnFrames(cause))
    throw cause
  }
}

function start(begin: Begin, values: readonly unknown[], form: Form): PendingOperation | undefined {
  return quietly('begin a file operation', () => {
    const pending = begin(values, form)
    if (form !== 'Sync') pending?.goesOn?.()
    return pending
  })
}

function finish(
  pending: PendingOperation,
  outcome: { readonly result: unknown } | { readonly cause: unknown },
): void {
  quietly('end a file operation', () =>
    'result' in outcome ? pending.succeed(outcome.result) : pending.fail(outcome.cause),
  )
}

function isInTurn(): boolean {
  return turnOf(contexts.active()) !== undefined
}

function inside({ captured }: PendingOperation): Context {
  return contexts.active().setValue(insideKey, captured ?? true)
}
