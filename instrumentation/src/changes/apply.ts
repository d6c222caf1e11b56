/**
 * The one write: carries out a plan of plan-revert.ts.
 *
 * New bytes go into a temporary file in the target's folder, are synced, and take the target's place in one
 * step. Everything from the last look at the disk to that step is one JavaScript turn, so no code of this
 * process can come between; another process has microseconds. Afterwards the result is read again and
 * compared by hash. Until that step the disk is unchanged but for the temporary file and folders made for a
 * file that comes back, and a failure takes both away again; only a kill within it leaves one.
 * The folder that a create had to make stays, empty, when the create is undone: who made it is not recorded.
 */

import { constants } from 'node:fs'
import { errorName } from '@turnlog/conventions/plain'
import type { FileSystem } from '../file-system.ts'
import type { FileState, RecordedChange } from './change.ts'
import type { DiskState } from './disk-state.ts'
import { type InsideLocation, isOneFile, lookAt, type Paths } from './look.ts'
import type { Place, RevertPlan } from './plan-revert.ts'
import { writeTemporaryFile } from './temporary-file.ts'

export type Change = Paths & Pick<RecordedChange, 'mode' | 'overwrittenMode' | 'after'>

export interface Difference {
  readonly place: Place
  readonly expected: string
  readonly onDisk: DiskState
}

export type ApplyResult =
  /** Done and verified; `result` is what the file now is, wherever it went. */
  | { readonly status: 'applied'; readonly result: FileState }
  /** Somebody wrote since the plan; the disk is as they left it. */
  | ({ readonly status: 'differs' } & Difference)
  /** Done, but what was read back is not what was written. */
  | ({ readonly status: 'unverified' } & Difference)
  /** Refused, or the system refused; the disk is as it was. */
  | { readonly status: 'failed'; readonly reason: string }

export interface ApplyOptions {
  readonly change: Change
  readonly plan: Exclude<RevertPlan, { action: 'nothing' | 'refuse' }>
  readonly content: (hash: string) => Uint8Array | undefined
  readonly fileSystem: FileSystem
}

/** Never throws: what the system says becomes `failed` with its code. */
export async function applyRevert(options: ApplyOptions): Promise<ApplyResult> {
  const rollback: Rollback = []
  try {
    const result = await act(options, rollback)
    if (result.status !== 'applied') unwind(rollback)
    return result
  } catch (error) {
    unwind(rollback)
    return { status: 'failed', reason: sentenceOf(error) }
  }
}

type Rollback = (() => void)[]

function act(options: ApplyOptions, rollback: Rollback): Promise<ApplyResult> | ApplyResult {
  const { plan } = options
  if (plan.action === 'delete') return deleteFile(options)
  if (plan.action === 'restore') return restore(options, plan.content, rollback)
  return plan.content === undefined
    ? moveBack(options, plan.overwritten, rollback)
    : restoreAtPreviousPath(options, { ...plan, content: plan.content }, rollback)
}

function deleteFile({ change, fileSystem: fs }: ApplyOptions): ApplyResult {
  const found = expectAt(fs, change, 'path', change.after)
  if (found.status !== 'as_expected') return found
  fs.unlinkSync(found.target)
  return verify(fs, change, 'path', 'absent')
}

async function restore(
  { change, content, fileSystem: fs }: ApplyOptions,
  hash: FileState,
  rollback: Rollback,
): Promise<ApplyResult> {
  const bytes = content(hash)
  if (bytes === undefined) return contentGone
  const first = expectAt(fs, change, 'path', change.after)
  if (first.status !== 'as_expected') return first
  makeFolders(fs, first.foldersMissing, rollback)
  const temporary = await writeTemporaryFile(fs, { ...first, bytes, mode: change.mode })
  rollback.push(temporary.remove)
  const last = expectAt(fs, change, 'path', change.after)
  if (last.status !== 'as_expected') return last
  if (last.target !== first.target) return folderReplaced
  temporary.moveTo(last.target, { isNew: change.after === 'absent' })
  return verify(fs, change, 'path', hash)
}

async function moveBack(
  { change, content, fileSystem: fs }: ApplyOptions,
  overwritten: FileState | undefined,
  rollback: Rollback,
): Promise<ApplyResult> {
  const first = expectAt(fs, change, 'path', change.after)
  if (first.status !== 'as_expected') return first
  const bytes = overwritten === undefined ? undefined : content(overwritten)
  if (overwritten !== undefined && bytes === undefined) return contentGone
  const mode = change.overwrittenMode
  const temporary = bytes && (await writeTemporaryFile(fs, { ...first, bytes, mode }))
  if (temporary !== undefined) rollback.push(temporary.remove)
  const last = expectAt(fs, change, 'path', change.after)
  if (last.status !== 'as_expected') return last
  if (last.target !== first.target) return folderReplaced
  const back = expectAt(fs, change, 'previousPath', 'absent')
  if (back.status !== 'as_expected') return back
  const isCaseOnly = isOneFile(fs, change)
  makeFolders(fs, back.foldersMissing, rollback)
  fs.renameSync(last.target, back.target)
  rollback.push(() => fs.renameSync(back.target, last.target))
  temporary?.moveTo(last.target, { isNew: true })
  rollback.pop()
  if (isCaseOnly) return verify(fs, change, 'path', change.after)
  const left = verify(fs, change, 'path', overwritten ?? 'absent')
  return left.status === 'applied' ? verify(fs, change, 'previousPath', change.after) : left
}

/** The file was edited on its way: what it held comes back where it was, and the edited one goes. */
async function restoreAtPreviousPath(
  { change, content, fileSystem: fs }: ApplyOptions,
  plan: { readonly content: FileState; readonly overwritten?: FileState | undefined },
  rollback: Rollback,
): Promise<ApplyResult> {
  const firstPath = expectAt(fs, change, 'path', change.after)
  if (firstPath.status !== 'as_expected') return firstPath
  const firstBack = expectAt(fs, change, 'previousPath', 'absent')
  if (firstBack.status !== 'as_expected') return firstBack
  const bytes = content(plan.content)
  const lost = plan.overwritten === undefined ? undefined : content(plan.overwritten)
  if (bytes === undefined) return contentGone
  if (plan.overwritten !== undefined && lost === undefined) return contentGone
  makeFolders(fs, firstBack.foldersMissing, rollback)
  const restored = await writeTemporaryFile(fs, { ...firstBack, bytes, mode: change.mode })
  rollback.push(restored.remove)
  const overwritten =
    lost &&
    (await writeTemporaryFile(fs, { ...firstPath, bytes: lost, mode: change.overwrittenMode }))
  if (overwritten !== undefined) rollback.push(overwritten.remove)
  const path = expectAt(fs, change, 'path', change.after)
  if (path.status !== 'as_expected') return path
  const back = expectAt(fs, change, 'previousPath', 'absent')
  if (back.status !== 'as_expected') return back
  if (path.target !== firstPath.target || back.target !== firstBack.target) return folderReplaced
  restored.moveTo(back.target, { isNew: true })
  rollback.push(() => fs.unlinkSync(back.target))
  if (overwritten === undefined) fs.unlinkSync(path.target)
  else overwritten.moveTo(path.target, { isNew: false })
  rollback.pop()
  const left = verify(fs, change, 'path', plan.overwritten ?? 'absent')
  return left.status === 'applied' ? verify(fs, change, 'previousPath', plan.content) : left
}

const contentGone: ApplyResult = { status: 'failed', reason: 'The content before is gone.' }
const folderReplaced: ApplyResult = { status: 'failed', reason: 'The folder was replaced.' }

type Expected =
  | (Omit<InsideLocation, 'status'> & { readonly status: 'as_expected' })
  | Extract<ApplyResult, { status: 'differs' | 'failed' }>

/** Inside the workspace, still what is expected, and not write-protected (that throws). */
function expectAt(fs: FileSystem, change: Change, place: Place, expected: string): Expected {
  const look = lookAt(fs, change, place)
  if (look.status === 'refused') return { status: 'failed', reason: look.reason }
  if (look.state !== expected) return { status: 'differs', place, expected, onDisk: look.state }
  if (look.state !== 'absent') fs.accessSync(look.location.target, constants.W_OK)
  return { ...look.location, status: 'as_expected' }
}

function verify(fs: FileSystem, change: Change, place: Place, expected: FileState): ApplyResult {
  const look = lookAt(fs, change, place)
  const onDisk = look.status === 'seen' ? look.state : 'unreadable'
  if (onDisk !== expected) return { status: 'unverified', place, expected, onDisk }
  return { status: 'applied', result: expected }
}

function makeFolders(fs: FileSystem, folders: readonly string[], rollback: Rollback): void {
  for (const folder of folders) {
    fs.mkdirSync(folder)
    rollback.push(() => fs.rmdirSync(folder))
  }
}

function unwind(rollback: Rollback): void {
  for (const undo of rollback.reverse()) {
    try {
      undo()
    } catch {
      // In its place already, or not empty any more: not ours to take away.
    }
  }
}

const sentences: Readonly<Record<string, string>> = {
  EACCES: 'The file or its folder may not be written',
  EPERM: 'The file or its folder may not be changed',
  EROFS: 'The disk is read-only',
  EBUSY: 'The file is in use',
  ETXTBSY: 'The file is in use',
  ENOSPC: 'The disk is full',
  EDQUOT: 'The disk quota is used up',
  ENOENT: 'The folder is gone',
  ENOTDIR: 'A folder of the path is not a folder',
  EEXIST: 'Something else took the place',
  EXDEV: 'The two paths are on different disks',
}

function sentenceOf(error: unknown): string {
  const code = errorName(error)
  return `${sentences[code] ?? 'The file cannot be written'} (${code}).`
}
