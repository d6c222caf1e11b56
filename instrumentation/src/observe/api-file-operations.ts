/** File operations the app tells of itself (`fileOperation()`): what `node:fs` did not do, before and after as told. */
import * as path from 'node:path'
import { fileURLToPath } from 'node:url'
import type { FileOperation } from '../api.ts'
import { type FileSystem, originalFs } from '../file-system.ts'
import { quietly } from '../health.ts'
import { contexts } from '../record/contexts.ts'
import type { Recorder } from '../record/recorder.ts'
import type { FilePlaces } from './file-locations.ts'
import { createFileReader, type FileContent } from './file-reader.ts'
import { type FileSideFound, fileScopeOf, startFileSpan } from './file-spans.ts'

export interface ToldFileOperationsOptions {
  readonly recorder: Recorder
  readonly places: FilePlaces
  readonly contentBytesMax: number
  readonly fileSystem?: FileSystem
}

const notTold = { state: 'omitted', reason: 'not_told' } as const

export function createToldFileOperations(options: ToldFileOperationsOptions) {
  const { recorder, places, contentBytesMax, fileSystem = originalFs } = options
  const readFile = createFileReader(contentBytesMax, fileSystem)

  function record(operation: FileOperation, id: string): void {
    const { previousPath, type } = operation
    const kind = kindOf(operation)
    const isLink = kind !== 'write'
    const active = contexts.active()
    const place = places.find(absoluteOf(operation.path), { isLink })
    const previous =
      previousPath === undefined ? undefined : places.find(absoluteOf(previousPath), { isLink })
    const scope = fileScopeOf(active)
    const facts = { kind, source: 'api', place, previous, scope, active, id } as const
    const { span, note } = startFileSpan(recorder, places, facts)
    recorder.note(span, { type })
    const onDisk = readFile(place.absolute)
    const before = sideOf(type === 'create' ? null : operation.before, onDisk)
    const after = sideOf(operation.after, onDisk)
    const found = onDisk.state === 'absent' ? notTold : onDisk
    if (kind === 'delete') note('before', before ?? notTold)
    else if (kind === 'write') {
      note('before', before ?? notTold)
      note('after', after ?? found)
    } else {
      // A rename keeps the content, unless both are told.
      note('before', before ?? after ?? found)
      if (before !== undefined && after !== undefined) note('after', after)
    }
    span.end()
  }

  /** One side as it was told; undefined where it was not. */
  function sideOf(told: FileOperation['before'], onDisk: FileContent): FileSideFound | undefined {
    if (told === undefined) return undefined
    if (told === null) return { state: 'absent' }
    const size = typeof told === 'string' ? Buffer.byteLength(told) : told.byteLength
    if (size > contentBytesMax) return { state: 'omitted', reason: 'too_large', size }
    const mode = 'mode' in onDisk ? onDisk.mode : undefined
    return { state: 'content', bytes: told, mode }
  }

  function absoluteOf(given: string | URL): string {
    return given instanceof URL ? fileURLToPath(given) : path.resolve(places.workspace, given)
  }

  return (operation: FileOperation, id: string): void => {
    quietly('record a told file operation', () => record(operation, id))
  }
}

function kindOf({ type, previousPath, after }: FileOperation): 'write' | 'delete' | 'rename' {
  if (previousPath !== undefined || type === 'rename') return 'rename'
  return type === 'delete' || (type === undefined && after === null) ? 'delete' : 'write'
}
