/**
 * Changes that the app itself makes to files, reported to the workspace thread: at once while children run, else when the
 * next child starts. Of files that were changed while no child ran, the last `recentMax` are remembered.
 */
import { attempt, originalFs } from '../file-system.ts'
import { goneAt } from '../workspace/change-time.ts'
import { statOf } from '../workspace/file-stat.ts'
import type { OwnBefore, OwnChange } from '../workspace/protocol.ts'
import type { WorkspaceThread } from '../workspace/workspace-thread.ts'
import type { Command } from './child-command.ts'
import type { FileContent, HostFiles } from './host-files.ts'
import { namedFiles } from './named-files.ts'

/** The app's own changes since the last child that are remembered; beyond it, the newest ones. */
const recentMax = 200
/** Of those, the newest ones whose contents the host itself reads. */
const recentCopiedMax = 32
/** A larger file that the app writes while a child runs is not copied for the comparison. */
const copiedBytesMax = 1024 ** 2
/** The same, while looks are quick: then the thread reads a larger one soon enough. */
const copiedQuicklyBytesMax = 64 * 1024

export interface AppChangesOptions {
  readonly files: HostFiles
  readonly workspace: Pick<WorkspaceThread, 'isSlow' | 'saw' | 'writing' | 'ownChanges' | 'stamp'>
  /** Milliseconds since 1970. */
  readonly now: () => number
}

interface Watching {
  /** A child process runs that is compared. */
  readonly isWatching: boolean
}

export class AppChanges {
  readonly #options: AppChangesOptions
  /** Files that the app itself has changed while no child ran; true while it writes them. */
  readonly #recent = new Map<string, boolean>()
  /** Files of which the thread has heard that the app writes them, by the path that the app uses: it must hear of the end, too. */
  readonly #told = new Map<string, string>()

  constructor(options: AppChangesOptions) {
    this.#options = options
  }

  /** More files were changed than are remembered. */
  get isFull(): boolean {
    return this.#recent.size > recentMax
  }

  writing(path: string, before: FileContent | undefined, { isWatching }: Watching): void {
    if (isWatching) this.#tell(path, path, this.#ownBefore(path, before))
    else this.#recent.set(path, true)
  }

  changed(path: string, { isWatching }: Watching): void {
    const told = this.#told.get(path)
    this.#told.delete(path)
    if (told !== undefined || isWatching) {
      this.#recent.delete(path)
      this.#options.workspace.ownChanges([this.#ownChange(told ?? path)])
    } else this.#recent.set(path, false)
  }

  #tell(given: string, path: string, before: OwnBefore | undefined): void {
    this.#told.set(given, path)
    this.#options.workspace.writing(path, before)
  }

  /** Forgets the oldest change beyond those that are remembered. */
  limit(): void {
    const [oldest] = this.isFull ? this.#recent.keys() : []
    if (oldest !== undefined) this.#recent.delete(oldest)
  }

  /** The file as it is now. Its content is included, if it is not too large: a child may change it before the thread reads it. */
  #ownChange(path: string, { isCopied = true } = {}): OwnChange {
    if (isCopied) {
      const bytesMax = this.#options.workspace.isSlow ? copiedBytesMax : copiedQuicklyBytesMax
      const now = this.#options.files.read(path, { isLink: true, bytesMax })
      const left = this.#ownBefore(path, now)
      if (left !== undefined) return { path, ...left }
    }
    const { workspace, now } = this.#options
    const stat = attempt(() => originalFs.lstatSync(path, { throwIfNoEntry: false }))
    // Compared with the stamps of the files in it.
    const stampedAt = stat?.isDirectory() === true ? workspace.stamp() : undefined
    return { path, stat: stat && statOf(stat), bytes: undefined, at: stampedAt ?? now() }
  }

  #ownBefore(file: string, before: FileContent | undefined): OwnBefore | undefined {
    const at = this.#options.now()
    if (before?.state === 'absent') {
      return { stat: undefined, bytes: undefined, at: Math.min(at, goneAt(file, originalFs)) }
    }
    if (before === undefined || before.stamp === undefined) return undefined
    const isKnown = before.state === 'content' || before.reason === 'too_large'
    if (!isKnown) return undefined
    const [ino = 0, size = 0, mtimeMs = 0, ctimeMs = 0] = before.stamp.split(' ').map(Number)
    const stat = { ino, size, mtimeMs, ctimeMs, mode: before.mode ?? 0 }
    const isCopied = before.state === 'content' && size <= copiedBytesMax
    return { stat, bytes: isCopied ? new Uint8Array(before.bytes) : undefined, at }
  }

  /**
   * Reports the app's changes since the last look, before a child starts: the comparison must not take them for the child's
   * changes.
   */
  report(): void {
    const changes: OwnChange[] = []
    // Otherwise the thread reads them before the child starts.
    const copiedMax = this.#options.workspace.isSlow ? recentCopiedMax : 0
    let older = this.#recent.size
    for (const [given, isWriting] of this.#recent) {
      older -= 1
      const path = this.#options.files.locate(given, { isLink: false }).absolute
      if (isWriting) this.#tell(given, path, undefined)
      else changes.push(this.#ownChange(path, { isCopied: older < copiedMax }))
    }
    if (changes.length > 0) this.#options.workspace.ownChanges(changes)
    this.#recent.clear()
  }

  /**
   * Reports the files that a command names, as they are before it runs. Called before the child starts, if no look has shown
   * that in time.
   */
  reportNamed({ args, texts = args, folder = process.cwd() }: Command): void {
    const { workspace, files } = this.#options
    for (const named of namedFiles(texts, folder, originalFs)) {
      const { absolute } = files.locate(named, { isLink: true })
      const now = this.#ownBefore(absolute, files.read(absolute, { isLink: true }))
      if (now !== undefined) workspace.saw(absolute, now)
    }
  }
}
