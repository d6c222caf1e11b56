/** File operations that the app reports (`fileOperation()`) since `node:fs` did not make them. */
import * as path from 'node:path'
import { fileURLToPath } from 'node:url'
import type { FileOperation } from '../api.ts'
import { contexts } from '../record/contexts.ts'
import type { Recorder } from '../record/recorder.ts'
import { type FileState, ownerOfFiles, startFileSpan } from './file-record.ts'
import type { FileContent, HostFiles } from './host-files.ts'

const notGiven = { state: 'omitted', reason: 'not_told' } as const

export function recordApiFileOperation(
  operation: FileOperation,
  id: string,
  { recorder, files }: { readonly recorder: Recorder; readonly files: HostFiles },
): void {
  const { previousPath, type } = operation
  const kind = kindOf(operation)
  const locate = (given: string | URL) =>
    files.locate(
      given instanceof URL ? fileURLToPath(given) : path.resolve(files.workspace, given),
      { isLink: kind !== 'write' },
    )
  const active = contexts.active()
  const location = locate(operation.path)
  const previous = previousPath === undefined ? undefined : locate(previousPath)
  const owner = ownerOfFiles(active)
  const facts = { kind, source: 'api', location, previous, owner, active, id } as const
  const { span, note } = startFileSpan(recorder, files, facts)
  recorder.note(span, { type })
  const onDisk = files.read(location.absolute)
  const { contentBytesMax } = files
  const before = stateOf(type === 'create' ? null : operation.before, onDisk, contentBytesMax)
  const after = stateOf(operation.after, onDisk, contentBytesMax)
  const found = onDisk.state === 'absent' ? notGiven : onDisk
  if (kind === 'rename') {
    // A rename keeps the content, unless the app gives both.
    note('before', before ?? after ?? found)
    if (before !== undefined && after !== undefined) note('after', after)
  } else {
    note('before', before ?? notGiven)
    if (kind === 'write') note('after', after ?? found)
  }
  span.end()
}

/** The file before or after, as the app gave it; `undefined` where it did not. */
function stateOf(
  given: FileOperation['before'],
  onDisk: FileContent,
  contentBytesMax: number,
): FileState | undefined {
  if (given === undefined) return undefined
  if (given === null) return { state: 'absent' }
  const size = typeof given === 'string' ? Buffer.byteLength(given) : given.byteLength
  if (size > contentBytesMax) return { state: 'omitted', reason: 'too_large', size }
  return { state: 'content', bytes: given, mode: 'mode' in onDisk ? onDisk.mode : undefined }
}

function kindOf({ type, previousPath, after }: FileOperation): 'write' | 'delete' | 'rename' {
  if (previousPath !== undefined || type === 'rename') return 'rename'
  return type === 'delete' || (type === undefined && after === null) ? 'delete' : 'write'
}
