/**
 * Carries out a plan of plan-revert.ts: the only code that writes to the user's files.
 *
 * 1. Look: each path must hold what the operation left there, and the store keeps it.
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
import { attempt, type FileSystem } from '../file-system.ts'
import type { BeginWrite } from '../handle.ts'
import { type FileState, isRawHash, type PathRole, type RecordedChange } from './change.ts'
import { type DiskState, type InsideLocation, isOneFile, lookAt, type Paths } from './disk-state.ts'
import type { RevertPlan } from './plan-revert.ts'
import type { ChangeStore } from './store.ts'
import { type TemporaryFile, writeTemporaryFile } from './temporary-file.ts'

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
  readonly store: Pick<ChangeStore, 'content' | 'keep'>
  readonly fileSystem: FileSystem
  readonly beginWrite?: BeginWrite | undefined
}

/** Never throws: an error of the system becomes `failed`, with its code. */
export async function applyRevert(options: ApplyOptions): Promise<ApplyResult> {
  const rollback: Rollback = []
  const ends: (() => void)[] = []
  const writing = (path: string): void => {
    const end = options.beginWrite?.(path)
    if (end !== undefined) ends.push(end)
  }
  try {
    const result = await act(options, { rollback, writing })
    if (result.status !== 'applied') unwind(rollback)
    return result
  } catch (error) {
    unwind(rollback)
    return { status: 'failed', reason: sentenceOf(error) }
  } finally {
    for (const end of ends) end()
  }
}

interface Progress {
  /** Functions that undo the steps that were taken. */
  readonly rollback: Rollback
  /** Called before a path is written. */
  readonly writing: (path: string) => void
}

type Rollback = (() => void)[]

/** What a path holds afterwards. */
interface Goal {
  readonly place: PathRole
  readonly state: FileState
  /** The content to write there; if absent, the path becomes empty, or the file is moved there. */
  readonly content?: FileState | undefined
  readonly mode?: number | undefined
}

function goalsOf({ change, plan }: ApplyOptions): Goal[] {
  const { mode, overwrittenMode } = change
  if (plan.action === 'delete') return [{ place: 'path', state: 'absent' }]
  const { content } = plan
  if (plan.action === 'restore') return [{ place: 'path', state: plan.content, content, mode }]
  const { overwritten } = plan
  return [
    { place: 'path', state: overwritten ?? 'absent', content: overwritten, mode: overwrittenMode },
    // A file that was renamed and edited is not moved back: its old content comes back at its old path.
    { place: 'previousPath', state: content ?? change.after, content, mode },
  ]
}

async function act(given: ApplyOptions, { rollback, writing }: Progress): Promise<ApplyResult> {
  const { change, plan, store, fileSystem: fs } = given
  const goals = goalsOf(given)
  const found = []
  for (const goal of goals) {
    const location = expectAt(fs, change, goal.place)
    if (location.status !== 'as_expected') return location
    const bytes = goal.content && store.content(goal.content)
    if (goal.content !== undefined && bytes === undefined) return contentMissing
    found.push({ goal, location, bytes })
  }
  const written: Partial<Record<PathRole, TemporaryFile>> = {}
  for (const { goal, location, bytes } of found) {
    keepPresent(given, goal.place, location.target)
    makeFolders(fs, location.foldersMissing, rollback)
    if (bytes === undefined) continue
    const mayWriteInPlace = plan.action === 'restore'
    const options = { ...location, bytes, mode: goal.mode, mayWriteInPlace, onMake: writing }
    const temporary = await writeTemporaryFile(fs, options)
    rollback.push(temporary.remove)
    written[goal.place] = temporary
  }
  const targets: Record<PathRole, string> = { path: '', previousPath: '' }
  for (const { goal, location } of found) {
    const again = expectAt(fs, change, goal.place)
    if (again.status !== 'as_expected') return again
    if (again.target !== location.target) return folderReplaced
    targets[goal.place] = again.target
  }
  for (const target of Object.values(targets)) if (target !== '') writing(target)
  const isMovedBack = plan.action === 'move_back' && plan.content === undefined
  const isCaseOnly = isMovedBack && isOneFile(fs, change)
  if (isMovedBack) {
    fs.renameSync(targets.path, targets.previousPath)
    rollback.push(() => fs.renameSync(targets.previousPath, targets.path))
  } else if (plan.action === 'move_back') {
    written.previousPath?.moveTo(targets.previousPath, { isNew: true })
    rollback.push(() => fs.unlinkSync(targets.previousPath))
  }
  const isFree = isMovedBack || change.after === 'absent'
  if (written.path !== undefined) written.path.moveTo(targets.path, { isNew: isFree })
  else if (!isFree) fs.unlinkSync(targets.path)
  if (plan.action === 'move_back') rollback.pop()
  return verify(fs, change, isCaseOnly ? [{ place: 'path', state: change.after }] : goals)
}

/** Nothing is overwritten or deleted that the store does not have: a revert of the revert, or a person, can have it back. */
function keepPresent(
  { change, store, fileSystem: fs }: ApplyOptions,
  place: PathRole,
  target: string,
) {
  const present = place === 'path' ? change.after : 'absent'
  if (!isRawHash(present) || store.content(present) !== undefined) return
  store.keep(fs.readFileSync(target))
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

function verify(
  fs: FileSystem,
  change: Change,
  goals: readonly Pick<Goal, 'place' | 'state'>[],
): ApplyResult {
  let result: FileState = 'absent'
  for (const { place, state: expected } of goals) {
    const look = lookAt(fs, change, place)
    const onDisk = look.status === 'seen' ? look.state : 'unreadable'
    if (onDisk !== expected) return { status: 'unverified', place, expected, onDisk }
    result = expected
  }
  return { status: 'applied', result }
}

function makeFolders(fs: FileSystem, folders: readonly string[], rollback: Rollback): void {
  for (const folder of folders) {
    fs.mkdirSync(folder)
    rollback.push(() => fs.rmdirSync(folder))
  }
}

function unwind(rollback: Rollback): void {
  // A step fails when its file was moved into place already, or its folder has other files now.
  for (const undo of rollback.reverse()) attempt(undo)
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
