/**
 * What the app itself has changed in the workspace, and what children that record themselves have reported: neither is
 * taken for a change of a child. At most `ownChangesMax` changes that no look has seen yet are remembered.
 */
import { constants } from 'node:fs'
import { dirname } from 'node:path'
import type { RecordedState } from '../record/child-report.ts'
import { type FileStat, isSame } from './file-stat.ts'

/** Changes of the app's own that were not yet seen on the disk. */
const ownChangesMax = 10_000

export class OwnChanges {
  /** What the app itself left, by path; `undefined`: no file. */
  readonly #left = new Map<string, FileStat | undefined>()
  /** Folders in which the app itself has changed files, and when: no file in them that was changed before is a child's. */
  readonly #folders = new Map<string, number>()
  /** What children that record themselves left, during one comparison. */
  readonly #elsewhere = new Map<string, RecordedState | undefined>()
  /** Files that the app itself is writing. */
  readonly #busy = new Set<string>()
  /** Files that the app itself has written, or begun to, since this comparison has begun. */
  readonly #touched = new Set<string>()

  /** A comparison begins. The returned function ends it. */
  beginComparison(): () => void {
    this.#touched.clear()
    const folders = [...this.#folders]
    return () => {
      this.#elsewhere.clear()
      for (const [folder, at] of folders) {
        if (this.#folders.get(folder) === at) this.#folders.delete(folder)
      }
    }
  }

  /** The app has looked at the file: what a look has seen of it may be older. */
  touch(path: string): void {
    this.#touched.add(path)
  }

  /** The app has begun to write the file. */
  begin(path: string): void {
    this.#busy.add(path)
    this.#touched.add(path)
  }

  /** The app has written the file. */
  end(path: string): void {
    this.#busy.delete(path)
    this.#touched.add(path)
    this.#left.delete(path)
  }

  /** The app has left the file, or a folder whose files have changed, in this state, and the index has not read it. */
  leave(path: string, stat: FileStat | undefined, at: number): void {
    if (stat !== undefined && isFolder(stat)) this.#folders.set(path, at)
    else this.#left.set(path, stat)
    const oldest = this.#left.size > ownChangesMax ? this.#left.keys().next() : undefined
    if (oldest?.value !== undefined) this.#left.delete(oldest.value)
  }

  /** The index knows the file as it is. */
  forget(path: string): void {
    this.#left.delete(path)
  }

  /** Files that were recorded by children themselves, each as its last operation left it. */
  recordedElsewhere(files: ReadonlyMap<string, RecordedState | undefined>): void {
    for (const [path, state] of files) this.#elsewhere.set(path, state)
  }

  /** Whether the app has left the file in a state that the index has not read. */
  has(path: string): boolean {
    return this.#left.has(path)
  }

  /** That state; `undefined` also if the app has removed the file. */
  stateOf(path: string): FileStat | undefined {
    return this.#left.get(path)
  }

  /** The state that a child which records itself has left. */
  recordedStateOf(path: string): RecordedState | undefined {
    return this.#elsewhere.get(path)
  }

  /** Whether the app itself writes the file or one of its folders, or has since the comparison has begun. */
  isTouched(path: string): boolean {
    return pathAndFolders(path).some((each) => this.#busy.has(each) || this.#touched.has(each))
  }

  /** Whether the file was changed before the app changed files in its folder. */
  isOfOwnFolder(path: string, { ctimeMs }: FileStat): boolean {
    if (this.#folders.size === 0) return false
    return pathAndFolders(dirname(path)).some((each) => ctimeMs <= (this.#folders.get(each) ?? 0))
  }

  /** Whether the file is as the app itself left it, or a child that records itself. */
  isOwn(path: string, stat: FileStat | undefined): boolean {
    if (this.#elsewhere.has(path) && isRecorded(this.#elsewhere.get(path), stat)) return true
    if (!this.#left.has(path)) return false
    const own = this.#left.get(path)
    if (own === undefined || stat === undefined) return own === stat
    return isSame(own, stat)
  }
}

function isFolder({ mode }: FileStat): boolean {
  return (mode & constants.S_IFMT) === constants.S_IFDIR
}

/** The innermost folder first. */
function pathAndFolders(path: string): string[] {
  const parent = dirname(path)
  return parent === path ? [path] : [path, ...pathAndFolders(parent)]
}

/** Nanoseconds lose their last digits as milliseconds. */
const stampToleranceMs = 0.001

function isRecorded(state: RecordedState | undefined, stat: FileStat | undefined): boolean {
  if (state === undefined || stat === undefined) return state === stat
  const apart = Math.abs(Number(state.mtimeNs) / 1e6 - stat.mtimeMs)
  const isSameFile = Number(state.ino) === stat.ino && Number(state.size) === stat.size
  return isSameFile && apart < stampToleranceMs
}
