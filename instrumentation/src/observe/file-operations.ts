/** One file operation of `node:fs`, from before the host's call to after it: real span, raw contents, whose it was. */
import { isUtf8 } from 'node:buffer'
import * as path from 'node:path'
import { fileURLToPath } from 'node:url'
import { type FileSystem, originalFs } from '../file-system.ts'
import { contexts } from '../record/contexts.ts'
import type { Recorder } from '../record/recorder.ts'
import type { FilePlaces } from './file-locations.ts'
import { createFileReader } from './file-reader.ts'
import { fileScopeOf, startFileSpan } from './file-spans.ts'

export interface FileOperationsOptions {
  readonly recorder: Recorder
  readonly places: FilePlaces
  readonly contentBytesMax: number
  readonly fileSystem?: FileSystem
}

export interface BegunOperation {
  /** What the call is meant to do; the disk tells what it did. */
  readonly kind: 'write' | 'delete' | 'rename'
  /** As the host gave it. Descriptors and file handles are not followed. */
  readonly path: unknown
  readonly previousPath?: unknown
}

export interface PendingOperation {
  succeed(): void
  fail(): void
}

export type FileOperations = ReturnType<typeof createFileOperations>

export function createFileOperations(options: FileOperationsOptions) {
  const { recorder, places, contentBytesMax, fileSystem = originalFs } = options
  const readFile = createFileReader(contentBytesMax, fileSystem)

  /** Looks at the disk before the host's call. `undefined`: not an operation we record. */
  function begin(meant: BegunOperation): PendingOperation | undefined {
    const active = contexts.active()
    const scope = fileScopeOf(active)
    if (scope === undefined) return undefined
    const { createdFiles } = scope
    const operation = isSave(meant, createdFiles)
      ? ({ kind: 'write', path: meant.path } as const)
      : meant
    const given = pathOf(operation.path)
    if (given === undefined) return undefined
    const isLinkMeant = operation.kind !== 'write'
    const place = places.find(given, { isLink: isLinkMeant })
    if (place.isIgnored) return undefined
    const from = operation.kind === 'rename' ? pathOf(operation.previousPath) : undefined
    const previous = from === undefined ? undefined : places.find(from, { isLink: true })
    const { absolute } = previous ?? place
    // A file renamed to its own name stays as it is.
    if (previous?.absolute === place.absolute) return undefined

    const before = readFile(absolute, { isLink: isLinkMeant })
    if (before.state === 'omitted' && before.isDirectory === true) return undefined
    if (before.state === 'absent' && operation.kind !== 'write') return undefined
    const facts = { kind: operation.kind, source: 'fs', place, previous, scope, active } as const
    const { span, note } = startFileSpan(recorder, places, facts)
    note('before', before)
    if (operation.kind === 'rename') {
      const overwritten = readFile(place.absolute, { isLink: true })
      if (overwritten.state !== 'absent') note('overwritten', overwritten)
    }

    function fail(): void {
      recorder.discard(span.spanContext().spanId)
    }

    function succeed(): void {
      if (operation.kind === 'write') {
        const after = readFile(place.absolute)
        // What was written is no file: a device or a pipe has no content to show.
        if (after.state === 'omitted' && after.reason === 'not_a_file') {
          fail()
          return
        }
        note('after', after)
        if (before.state === 'absent') createdFiles.add(place.absolute)
      }
      if (isLinkMeant && createdFiles.delete(absolute) && operation.kind === 'rename') {
        createdFiles.add(place.absolute)
      }
      span.end()
    }

    return { succeed, fail }
  }

  /**
   * How editors save, and careful tools: what the turn has just written to a file of its own is renamed over an existing
   * one. That is a write of the target, with its before and after, not a move of the temporary file.
   */
  function isSave(operation: BegunOperation, createdFiles: ReadonlySet<string>): boolean {
    if (operation.kind !== 'rename' || createdFiles.size === 0) return false
    const [from, to] = [pathOf(operation.previousPath), pathOf(operation.path)]
    if (from === undefined || to === undefined) return false
    const [source, target] = [places.realParent(from), places.realParent(to)]
    if (source === target || !createdFiles.has(source)) return false
    return readFile(target, { isLink: true }).state === 'content'
  }

  return { begin }
}

/** Node's path arguments: a string, bytes, or a file URL. A name that is not UTF-8 is not followed. */
function pathOf(value: unknown): string | undefined {
  if (typeof value === 'string') return path.resolve(value)
  if (value instanceof URL) return fileURLToPath(value)
  if (!(value instanceof Uint8Array) || !isUtf8(value)) return undefined
  return path.resolve(Buffer.from(value).toString())
}
