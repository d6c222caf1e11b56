/** What the index of the workspace knows: the files, the windows that are open, and the app's own changes. */
import { attempt, type FileSystem } from '../file-system.ts'
import { ChangeOrigins } from './change-origins.ts'
import { notCopiedSide, sideOf, unread } from './change-sides.ts'
import { type KnownFolders, knownFolders } from './change-time.ts'
import { type ChildWindow, hasRival } from './child-window.ts'
import type { Copies } from './copies.ts'
import type { ChangeSide } from './file-change.ts'
import { type FileStat, statOf } from './file-stat.ts'
import { type IndexedFile, isUnseen, KnownFiles } from './known-files.ts'
import { OpenWindows } from './open-windows.ts'
import { OwnChanges } from './own-changes.ts'

export interface IndexStateOptions {
  readonly fileSystem: FileSystem
  readonly copies: Pick<Copies, 'take' | 'keep' | 'release'>
  readonly now: () => number
  /** How long before the start of a child a file may have been seen last, so that the child’s change is from that state. */
  readonly trustedMs: () => number
}

export class IndexState {
  readonly #options: IndexStateOptions
  readonly files: KnownFiles
  readonly windows = new OpenWindows()
  readonly origins: ChangeOrigins
  readonly own = new OwnChanges()
  folders: KnownFolders = knownFolders(new Map())
  /** When the last look began, in milliseconds since 1970. */
  lookedAt: number | undefined

  constructor(options: IndexStateOptions) {
    this.#options = options
    this.files = new KnownFiles(options)
    this.origins = new ChangeOrigins({
      windows: this.windows,
      files: this.files,
      own: this.own,
      trustedMs: options.trustedMs,
      lstat: (path) => this.#lstat(path),
    })
  }

  /** What a child found there, of a file that it has changed. */
  before(path: string, known: IndexedFile | undefined): ChangeSide {
    const own = this.own.stateOf(path)
    // The app itself has changed it since the last look, so the content in between was not read.
    if (own !== undefined) return unread(own)
    const elsewhere = this.own.recordedStateOf(path)
    if (elsewhere !== undefined) {
      return { state: 'omitted', reason: 'not_copied', size: Number(elsewhere.size) }
    }
    if (known === undefined || this.own.has(path)) return { state: 'absent' }
    return isUnseen(known) ? notCopiedSide : sideOf(known.content, known.stat)
  }

  /**
   * Whether a person may have changed the file between the last look that saw it and the start of the child: no look has seen
   * it since that start, and the last one before is too long ago.
   */
  isStale({ seenAt }: IndexedFile, windows: readonly ChildWindow[]): boolean {
    if (windows.some((window) => window.seenAt !== undefined)) return false
    const startedAt = Math.min(...windows.map((window) => window.startedAt))
    return seenAt < startedAt - this.#options.trustedMs()
  }

  /** Whether others may have made the change as well. */
  isUncertain(windows: readonly ChildWindow[], at: number): boolean {
    const time = { from: at, to: at }
    return windows.every(isVague) || hasRival(this.windows.all, windows, time)
  }

  /** Takes the state on disk for the known one; its content is read later. */
  adopt(path: string, stat: FileStat): void {
    this.forget(path)
    this.files.setUnread(path, stat)
  }

  adoptFrom(path: string): void {
    const stat = this.#lstat(path)
    if (stat?.isFile() === true) this.adopt(path, statOf(stat))
    else this.forget(path)
  }

  forget(path: string): void {
    this.files.delete(path)
    this.own.forget(path)
    this.origins.forget(path)
  }

  leftAt(path: string): 'file' | 'other' | 'absent' {
    const stat = this.#lstat(path)
    if (stat === undefined) return 'absent'
    return stat.isFile() ? 'file' : 'other'
  }

  #lstat(path: string) {
    const { fileSystem } = this.#options
    return attempt(() => fileSystem.lstatSync(path, { throwIfNoEntry: false }))
  }
}

/** Somebody else may have changed files as well in such a time. */
function isVague({ kind, isTurnOver }: ChildWindow): boolean {
  return isTurnOver || kind === 'turn'
}
