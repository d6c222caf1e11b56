/**
 * Carries out a plan of plan-revert.ts: the only code that writes to the user's files.
 *
 * 1. Look: each path must hold what the operation left there.
 * 2. Write the new bytes into a temporary file in the target's folder, and sync it.
 * 3. Look again. If anything differs, remove what was made and stop.
 * 4. Rename the temporary file to the target.
 * 5. Read the result, and compare its hash.
 *
 * Steps 3 and 4 are one JavaScript turn, so no code of this process can come between; another process has microseconds.
 * Before step 4 the disk has nothing new but the temporary file and the folders of a file that comes back. A failure
 * removes both; only a kill can leave them.
 * When a create is undone, the folders that it made stay, because they are not recorded.
 */

import { constants } from 'node:fs'
import { errorName } from '@turnlog/conventions/plain'
import type { FileSystem } from '../file-system.ts'
import type { FileState, PathRole, RecordedChange } from './change.ts'
import { type DiskState, type InsideLocation, isOneFile, lookAt, type Paths } from './disk-state.ts'
import type { RevertPlan } from './plan-revert.ts'
import type { ChangeStore } from './store.ts'
import { writeTemporaryFile } from './temporary-file.ts'

export type Change = Paths & Pick<RecordedChange, 'mode' | 'overwrittenMode' | 'after'>

export interface Difference {
  readonly place: PathRole
  readonly expected: string
  readonly onDisk: DiskState
}

export type ApplyResult =
  /** Done and verified; `result` is the content that was restored. */
  | { readonly status: 'applied'; readonly result: FileState }
  /** Another program wrote since the plan; its file is left as it is. */
  | ({ readonly status: 'differs' } & Difference)
  /** Done, but the file read back is not the file written. */
  | ({ readonly status: 'unverified' } & Difference)
  /** Refused here or by the system; the disk is unchanged. */
  | { readonly status: 'failed'; readonly reason: string }

export interface ApplyOptions {
  readonly change: Change
  readonly plan: Exclude<RevertPlan, { action: 'nothing' | 'refuse' }>
  readonly store: Pick<ChangeStore, 'content'>
  readonly fileSystem: FileSystem
}

/** Never throws: an error of the system becomes `failed`, with its code. */
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
  const found = expectAt(fs, change, 'path')
  if (found.status !== 'as_expected') return found
  fs.unlinkSync(found.target)
  return verify(fs, change, 'path', 'absent')
}

async function restore(
  { change, store, fileSystem: fs }: ApplyOptions,
  hash: FileState,
  rollback: Rollback,
): Promise<ApplyResult> {
  const bytes = store.content(hash)
  if (bytes === undefined) return contentMissing
  const first = expectAt(fs, change, 'path')
  if (first.status !== 'as_expected') return first
  makeFolders(fs, first.foldersMissing, rollback)
  const temporary = await writeTemporaryFile(fs, { ...first, bytes, mode: change.mode })
  rollback.push(temporary.remove)
  const last = expectAt(fs, change, 'path')
  if (last.status !== 'as_expected') return last
  if (last.target !== first.target) return folderReplaced
  temporary.moveTo(last.target, { isNew: change.after === 'absent' })
  return verify(fs, change, 'path', hash)
}

async function moveBack(
  { change, store, fileSystem: fs }: ApplyOptions,
  overwritten: FileState | undefined,
  rollback: Rollback,
): Promise<ApplyResult> {
  const first = expectAt(fs, change, 'path')
  if (first.status !== 'as_expected') return first
  const bytes = overwritten === undefined ? undefined : store.content(overwritten)
  if (overwritten !== undefined && bytes === undefined) return contentMissing
  const mode = change.overwrittenMode
  const temporary = bytes && (await writeTemporaryFile(fs, { ...first, bytes, mode }))
  if (temporary !== undefined) rollback.push(temporary.remove)
  const last = expectAt(fs, change, 'path')
  if (last.status !== 'as_expected') return last
  if (last.target !== first.target) return folderReplaced
  const back = expectAt(fs, change, 'previousPath')
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

/** The file was renamed and edited: its old content comes back at its old path, and the edited file is removed. */
async function restoreAtPreviousPath(
  { change, store, fileSystem: fs }: ApplyOptions,
  plan: { readonly content: FileState; readonly overwritten?: FileState | undefined },
  rollback: Rollback,
): Promise<ApplyResult> {
  const firstPath = expectAt(fs, change, 'path')
  if (firstPath.status !== 'as_expected') return firstPath
  const firstBack = expectAt(fs, change, 'previousPath')
  if (firstBack.status !== 'as_expected') return firstBack
  const bytes = store.content(plan.content)
  const lost = plan.overwritten === undefined ? undefined : store.content(plan.overwritten)
  if (bytes === undefined) return contentMissing
  if (plan.overwritten !== undefined && lost === undefined) return contentMissing
  makeFolders(fs, firstBack.foldersMissing, rollback)
  const restored = await writeTemporaryFile(fs, { ...firstBack, bytes, mode: change.mode })
  rollback.push(restored.remove)
  const overwritten =
    lost &&
    (await writeTemporaryFile(fs, { ...firstPath, bytes: lost, mode: change.overwrittenMode }))
  if (overwritten !== undefined) rollback.push(overwritten.remove)
  const path = expectAt(fs, change, 'path')
  if (path.status !== 'as_expected') return path
  const back = expectAt(fs, change, 'previousPath')
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

const contentMissing: ApplyResult = {
  status: 'failed',
  reason: 'The content from before the operation is not stored any more.',
}
const folderReplaced: ApplyResult = { status: 'failed', reason: 'The folder was replaced.' }

type Expected =
  | (Omit<InsideLocation, 'status'> & { readonly status: 'as_expected' })
  | Extract<ApplyResult, { status: 'differs' | 'failed' }>

/** The path is inside the workspace, holds what the operation left there, and is not write-protected (that throws). */
function expectAt(fs: FileSystem, change: Change, place: PathRole): Expected {
  const expected = place === 'path' ? change.after : 'absent'
  const look = lookAt(fs, change, place)
  if (look.status === 'refused') return { status: 'failed', reason: look.reason }
  if (look.state !== expected) return { status: 'differs', place, expected, onDisk: look.state }
  if (look.state !== 'absent') fs.accessSync(look.location.target, constants.W_OK)
  return { ...look.location, status: 'as_expected' }
}

function verify(fs: FileSystem, change: Change, place: PathRole, expected: FileState): ApplyResult {
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
      // It was moved into place already, or the folder has other files now.
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
  ENOENT: 'The folder does not exist any more',
  ENOTDIR: 'A folder of the path is not a folder',
  EEXIST: 'Another file was created at the path',
  EXDEV: 'The two paths are on different disks',
}

function sentenceOf(error: unknown): string {
  const code = errorName(error)
  return `${sentences[code] ?? 'The file cannot be written'} (${code}).`
}
