/**
 * The last known state of every file of the workspace, and what changed since: by children, or by somebody else.
 *
 * A file whose stat differs from the index has changed. If the time of its change is within the life of a child, it is
 * that child's, and is recorded when that child is compared; until then the index keeps the state before. All other
 * changes only bring the index up to date. A file is never said to have had a content that was not read from it whole:
 * where it could not be read in time, the content before is unknown, with the reason.
 */
import { sep } from 'node:path'
import { attempt, type FileSystem } from '../file-system.ts'
import type { RecordedState } from '../record/child-report.ts'
import { ChangeOrigins, type Origin } from './change-origins.ts'
import {
  changing,
  notAFile,
  notCopied,
  notCopiedSide,
  renameOf,
  sideOf,
  unread,
} from './change-sides.ts'
import { goneAt, type KnownFolders, knownFolders, shownAt } from './change-time.ts'
import { type ChangeTime, type ChildWindow, hasRival, windowsOf } from './child-window.ts'
import type { Copies } from './copies.ts'
import type { ChangeSide, FileChange } from './file-change.ts'
import { type FileStat, isRacy, isSame, statOf } from './file-stat.ts'
import { type IndexedFile, isUnseen, KnownFiles } from './known-files.ts'
import { OpenWindows, type Start } from './open-windows.ts'
import { OwnChanges } from './own-changes.ts'
import type { OwnBefore, OwnChange, Weakness } from './protocol.ts'
import { type Moved, pairRenames } from './renames.ts'
import type { Look, Scanner, Skips } from './scan.ts'

export interface IndexOptions {
  readonly fileSystem: FileSystem
  readonly scanner: Pick<Scanner, 'look' | 'covers'>
  readonly copies: Pick<Copies, 'take' | 'keep' | 'release' | 'sweep'>
  /** Reports what has become known since a comparison began, by `writing`, `ownChange`, `begin` and `end`. */
  readonly hear: () => void
  readonly now: () => number
  /** How long before the start of a child a file may have been seen last, so that the child’s change is from that state. */
  readonly trustedMs: () => number
  /** Changes of one comparison that are recorded one by one; the rest is counted. */
  readonly changesMax: number
}

export interface Comparison {
  readonly changes: readonly FileChange[]
  readonly filesCompared: number
  /** Beyond `changesMax`. */
  readonly filesNotRecorded: number
  readonly changedByOthers: number
  readonly skips: Skips
  readonly isPartial: boolean
}

/** A file that differs, and whose change is recorded now. */
interface Difference {
  readonly path: string
  readonly known: IndexedFile | undefined
  readonly windows: readonly ChildWindow[]
  readonly isUncertain: boolean
  readonly at: number
  /** As the look has seen it; `undefined`: gone. */
  readonly stat?: FileStat | undefined
}

export class WorkspaceIndex {
  readonly #options: IndexOptions
  readonly #files: KnownFiles
  readonly #windows = new OpenWindows()
  readonly #origins: ChangeOrigins
  readonly #own = new OwnChanges()
  /** Changes of children that the app itself found when it wrote the same file. */
  #early: FileChange[] = []
  #folders: KnownFolders = knownFolders(new Map())
  #lookedAt: number | undefined

  constructor(options: IndexOptions) {
    this.#options = options
    this.#files = new KnownFiles(options)
    this.#origins = new ChangeOrigins({
      windows: this.#windows,
      files: this.#files,
      own: this.#own,
      trustedMs: () => this.#options.trustedMs(),
      lstat: (path) => this.#lstat(path),
    })
  }

  get isEmpty(): boolean {
    return this.#lookedAt === undefined
  }

  /** How many files are still to be read. */
  get unread(): number {
    return this.#files.unread
  }

  /** A child starts, or has started. All that was seen before is not its own. Again with the same id, it replaces the first. */
  begin(start: Start): void {
    this.#windows.begin(start)
  }

  /** The child has ended. It is not forgotten before it is compared. */
  end(id: number, endedAt: number): void {
    this.#windows.change(id, { endedAt })
  }

  weaken(id: number, facts: Weakness): void {
    this.#windows.change(id, facts)
  }

  /** The child works on requests since then. */
  serves(id: number, servesSince: number): void {
    this.#windows.change(id, { servesSince })
  }

  /**
   * How long before the child's start the workspace was last looked at, in whole milliseconds; 0: at its start. `undefined`: never
   * before.
   */
  lookAgeOf(id: number): number | undefined {
    const { lookedBefore, startedAt = 0 } = this.#windows.byId.get(id) ?? {}
    return lookedBefore === undefined
      ? undefined
      : Math.max(0, Math.floor(startedAt - lookedBefore))
  }

  forgetChild(id: number): void {
    this.#windows.forget(id)
  }

  /** The app has looked at a file that a child may change. */
  saw(path: string, now: OwnBefore): void {
    this.#own.touch(path)
    if (this.#options.scanner.covers(path)) this.#sawBefore(path, now)
  }

  /** The app has begun to write the file. */
  writing(path: string, before: OwnBefore | undefined): void {
    this.#own.begin(path)
    if (before !== undefined && this.#options.scanner.covers(path)) this.#sawBefore(path, before)
  }

  /** The app itself has changed the file, and left it so. */
  ownChange({ path, stat, bytes, at }: OwnChange): void {
    const { copies, scanner, now } = this.#options
    this.#own.end(path)
    const isCovered = stat !== undefined && scanner.covers(path)
    const read = isCovered ? copies.take(path, { expected: stat, isChange: true }) : undefined
    const isTold = read === undefined && isCovered && bytes !== undefined
    const taken = isTold ? { stat, content: copies.keep(bytes) } : read
    if (taken !== undefined) {
      this.#forget(path)
      this.#files.set(path, { ...taken, isRacy: isRacy(taken.stat, now()), seenAt: at })
      return
    }
    if (stat === undefined) this.#forget(path)
    if (this.#folders.stats.has(path)) this.#forgetGoneBelow(path)
    this.#own.leave(path, stat, at)
  }

  #forgetGoneBelow(folder: string): void {
    for (const path of this.#files.paths) {
      if (path.startsWith(folder + sep) && this.#leftAt(path) === 'absent') this.#forget(path)
    }
  }

  /** Files that were recorded by children themselves, each as its last operation left it. */
  recordedElsewhere(files: ReadonlyMap<string, RecordedState | undefined>): void {
    this.#own.recordedElsewhere(files)
  }

  /**
   * Finds what these children have changed, by id, each with the time of its end; `undefined`: it lives on. A child that has ended
   * is forgotten.
   */
  compare(children: ReadonlyMap<number, number | undefined>): Comparison {
    const endComparison = this.#own.beginComparison()
    const lookedAt = this.#options.now()
    const look = this.#options.scanner.look()
    this.#options.hear()
    const found = this.#differences(look, children, lookedAt)
    const { changes, filesNotRecorded } = this.#record(found, lookedAt)
    const isFirst = this.#lookedAt === undefined
    this.#lookedAt = lookedAt
    if (!look.isPartial) this.#windows.seen(lookedAt)
    const early = children.size > 0 ? this.#early : []
    if (children.size > 0) this.#early = []
    for (const [id, endedAt] of children) if (endedAt !== undefined) this.#windows.forget(id)
    endComparison()
    this.#options.copies.sweep()
    return {
      changes: [...early, ...changes],
      filesNotRecorded,
      filesCompared: look.files.size,
      changedByOthers: isFirst ? 0 : found.byOthers,
      skips: look.skips,
      isPartial: look.isPartial,
    }
  }

  /** Reads files that the index has not read, for `ms`, or until it is interrupted. */
  read(ms: number, isInterrupted: () => boolean = () => false): void {
    this.#files.read(ms, isInterrupted)
  }

  #differences(look: Look, children: ReadonlyMap<number, number | undefined>, lookedAt: number) {
    const written: Difference[] = []
    const gone: Difference[] = []
    let byOthers = 0
    const ending = this.#ending(children)
    const judge = (
      list: Difference[],
      { path, stat }: Pick<Difference, 'path' | 'stat'>,
      { windows, isExact, at }: Origin,
      adopt: () => void,
    ): void => {
      if (windows.length === 0) {
        byOthers += 1
        adopt()
      } else if (
        windows.some(({ id }) => children.has(id)) ||
        hasRival(ending, windows, { from: at, to: at })
      ) {
        const known = this.#files.get(path)
        const isUncertain = !isExact || this.#isUncertain(windows, at)
        list.push({ path, known, stat, windows, isUncertain, at })
      }
    }

    let goneInos: Set<number> | undefined
    const isGone = ({ ino }: FileStat): boolean => {
      goneInos ??= this.#files.inosWithout(look.files)
      return goneInos.has(ino)
    }
    for (const [path, stat] of look.files) {
      const known = this.#files.get(path)
      if (known !== undefined && isSame(known.stat, stat)) {
        if (!known.isRacy || !this.#files.isRewritten(path, known)) {
          known.seenAt = lookedAt
          continue
        }
      }
      if (this.#own.isTouched(path)) continue
      if (this.#own.isOwn(path, stat) || this.#own.isOfOwnFolder(path, stat))
        this.#adopt(path, stat)
      else {
        const isFirst = this.#lookedAt === undefined
        const isNew = known === undefined && !isFirst
        const time = isNew
          ? shownAt(path, stat, look.folders, this.#folders)
          : { from: stat.ctimeMs, to: stat.ctimeMs }
        const made = this.#origins.of(path, { stat, time, lookedAt }, () => isGone(stat))
        if (known === undefined && !made.wasAbsent) this.#files.setUnseen(path, stat)
        judge(written, { path, stat }, made, () => this.#adopt(path, stat))
      }
    }
    for (const path of this.#files.paths) {
      if (look.files.has(path) || this.#own.isTouched(path)) continue
      const left = this.#leftAt(path)
      // It is there, and is not compared any more, or was not reached.
      if (left === 'file') {
        if (!look.isPartial) this.#forget(path)
      } else if (left === 'absent' && this.#own.isOwn(path, undefined)) this.#forget(path)
      else {
        const found = { path, stat: undefined, time: this.#goneAt(path), lookedAt }
        judge(gone, found, this.#origins.of(path, found), () => this.#forget(path))
      }
    }
    this.#origins.endLook(look)
    this.#folders = knownFolders(look.folders)
    return { written, gone, byOthers }
  }

  /**
   * Children that end now. What one of them may have changed is recorded now, also if another child is likelier: that one may
   * change the file again, and the state in between would be lost.
   */
  #ending(children: ReadonlyMap<number, number | undefined>): ChildWindow[] {
    return [...children].flatMap(([id, endedAt]) => {
      const window = this.#windows.byId.get(id)
      return endedAt === undefined || window?.kind !== 'child' ? [] : window
    })
  }

  #record(
    {
      written,
      gone,
    }: { readonly written: readonly Difference[]; readonly gone: readonly Difference[] },
    lookedAt: number,
  ): Pick<Comparison, 'changes' | 'filesNotRecorded'> {
    const { changesMax } = this.#options
    const changes: FileChange[] = []
    const moved: Moved[] = []
    let filesNotRecorded = 0
    for (const difference of gone) {
      const { path, known } = difference
      if (known === undefined) continue
      if (difference.windows.every(({ isOfDatabases }) => isOfDatabases)) {
        // SQLite removes no database.
        this.#forget(path)
        continue
      }
      const isStale = this.#isStale(known, difference.windows)
      const before = isStale ? notCopiedSide : sideOf(known.content, known.stat)
      const left = this.#leftAt(path)
      if (left === 'other') {
        changes.push({ ...facts(difference), kind: 'write', before, after: notAFile })
      } else
        moved.push({
          difference: { ...facts(difference), kind: 'delete', before },
          stat: known.stat,
        })
      this.#forget(path)
    }
    const deletes = pairRenames(moved)
    for (const difference of written) {
      if (changes.length >= changesMax) {
        filesNotRecorded += 1
        this.#adoptFrom(difference.path)
        continue
      }
      const change = this.#writeOf(difference, lookedAt)
      if (change === undefined) continue
      const from = deletes.takeFor(change, this.#files.get(difference.path)?.stat)
      if (from === undefined) changes.push(change)
      else changes.push(renameOf(from, change))
    }
    const rest = deletes.rest()
    const room = Math.max(0, changesMax - changes.length)
    return {
      changes: [...changes, ...rest.slice(0, room)],
      filesNotRecorded: filesNotRecorded + Math.max(0, rest.length - room),
    }
  }

  /** Reads the file as it is now. `undefined`: its content is the same as before, or it is gone again. */
  #writeOf(difference: Difference, lookedAt: number): FileChange | undefined {
    const { copies, now } = this.#options
    const { path, known, windows } = difference
    const taken = copies.take(path, { isChange: true })
    this.#options.hear()
    if (taken === undefined) return this.#goneOf(difference, lookedAt)
    const { stat, content } = taken
    // The app itself writes it: the child's change was reported with that.
    if (this.#own.isTouched(path) || this.#files.get(path) !== known) {
      copies.release(content)
      return undefined
    }
    const isStale = known !== undefined && this.#isStale(known, windows)
    const before = isStale ? notCopiedSide : this.#before(path, known)
    const time = { from: stat.ctimeMs, to: stat.ctimeMs }
    const isLater = stat.ctimeMs > difference.at
    const isDatabase = content.isDatabase !== false || known?.content?.isDatabase === true
    const isOfNobody = !isDatabase && windows.every(({ isOfDatabases }) => isOfDatabases)
    if (isLater && this.#origins.isOfMore(windows, time)) {
      // Another child has changed it since the look, and may go on. That is compared when that child is.
      copies.release(content)
      this.#forget(path)
      this.#files.setUnseen(path, stat)
      if (isOfNobody) return undefined
      return { ...facts(difference), kind: 'write', before, after: changing }
    }
    const isUnchanged =
      known?.content?.sha256 !== undefined && known.content.sha256 === content.sha256
    this.#own.forget(path)
    this.#origins.forget(path)
    if (known?.content !== undefined) copies.release(known.content)
    const isYoung = isRacy(stat, Math.min(now(), lookedAt))
    this.#files.set(path, { stat, content, isRacy: isYoung, seenAt: lookedAt })
    if (isUnchanged && (isStale || before.state !== 'omitted')) return undefined
    if (isOfNobody) return undefined
    // Somebody else has changed it since: what the child left was not read.
    const isOfOthers = isLater && windowsOf(windows, time).length === 0
    const after: ChangeSide = isOfOthers ? changing : sideOf(content, stat)
    return { ...facts(difference), kind: 'write', before, after }
  }

  /**
   * The file was gone before it was read: what the child has left there was removed or moved by somebody else. A file that came
   * and went in the child's life, as temporary ones do, is no operation.
   */
  #goneOf({ stat, ...difference }: Difference, lookedAt: number): FileChange | undefined {
    const { path, known, windows } = difference
    if (stat === undefined || this.#own.isTouched(path) || this.#files.get(path) !== known) {
      return undefined
    }
    const isLeft = known !== undefined || windows.every(({ endedAt }) => endedAt !== undefined)
    if (!isLeft || windows.every(({ isOfDatabases }) => isOfDatabases)) return undefined
    const isStale = known !== undefined && this.#isStale(known, windows)
    const before = isStale ? notCopiedSide : this.#before(path, known)
    this.#forget(path)
    this.#files.set(path, { stat, content: undefined, isRacy: false, seenAt: lookedAt })
    return { ...facts(difference), kind: 'write', before, after: changing }
  }

  /**
   * Whether a person may have changed the file between the last look that saw it and the start of the child: no look has seen
   * it since that start, and the last one before is too long ago.
   */
  #isStale({ seenAt }: IndexedFile, windows: readonly ChildWindow[]): boolean {
    if (windows.some((window) => window.seenAt !== undefined)) return false
    const startedAt = Math.min(...windows.map((window) => window.startedAt))
    return seenAt < startedAt - this.#options.trustedMs()
  }

  #isUncertain(windows: readonly ChildWindow[], at: number): boolean {
    const time = { from: at, to: at }
    return windows.every(isVague) || hasRival(this.#windows.all, windows, time)
  }

  #before(path: string, known: IndexedFile | undefined): ChangeSide {
    const own = this.#own.stateOf(path)
    // The app itself has changed it since the last look, so the content in between was not read.
    if (own !== undefined) return unread(own)
    const elsewhere = this.#own.recordedStateOf(path)
    if (elsewhere !== undefined) {
      return { state: 'omitted', reason: 'not_copied', size: Number(elsewhere.size) }
    }
    if (known === undefined || this.#own.has(path)) return { state: 'absent' }
    return isUnseen(known) ? notCopiedSide : sideOf(known.content, known.stat)
  }

  /** The app is about to write a file, which holds something else than when it was last looked at. */
  #sawBefore(path: string, saw: OwnBefore): void {
    const { copies } = this.#options
    const { stat, bytes, at } = saw
    const known = this.#files.get(path)
    if (this.#isAsKnown(path, stat)) {
      this.#files.sawAgain(path, saw)
      return
    }
    const time = { from: stat?.ctimeMs ?? this.#lookedAt ?? at, to: stat?.ctimeMs ?? at }
    const made = this.#origins.of(path, { stat, time, lookedAt: at })
    const { windows } = made
    const left = stat && {
      stat,
      content: bytes === undefined ? notCopied(stat) : copies.keep(bytes),
      isRacy: false,
      seenAt: at,
    }
    const isUnchanged =
      known?.content?.sha256 !== undefined && known.content.sha256 === left?.content.sha256
    if (windows.length > 0 && !isUnchanged) {
      const isKnown = made.wasAbsent && !(known !== undefined && this.#isStale(known, windows))
      const before: ChangeSide = isKnown ? this.#before(path, known) : notCopiedSide
      const isUncertain = this.#isUncertain(windows, made.at)
      const change = { ...facts({ path, known, windows, isUncertain, at: made.at }), before }
      if (left === undefined) this.#early.push({ ...change, kind: 'delete' })
      else {
        this.#early.push({ ...change, kind: 'write', after: sideOf(left.content, left.stat) })
      }
    }
    this.#forget(path)
    if (left !== undefined) this.#files.set(path, left)
  }

  #isAsKnown(path: string, stat: FileStat | undefined): boolean {
    if (this.#own.has(path) && this.#own.isOwn(path, stat)) return true
    const known = this.#files.get(path)
    if (known === undefined || stat === undefined) return known === stat
    return isSame(known.stat, stat)
  }

  /** Takes the state on disk for the known one; its content is read later. */
  #adopt(path: string, stat: FileStat): void {
    this.#forget(path)
    this.#files.setUnread(path, stat)
  }

  #adoptFrom(path: string): void {
    const stat = this.#lstat(path)
    if (stat?.isFile() === true) this.#adopt(path, statOf(stat))
    else this.#forget(path)
  }

  #forget(path: string): void {
    this.#files.delete(path)
    this.#own.forget(path)
    this.#origins.forget(path)
  }

  /** Exact if a child lived at the time of the folder's last change; else since the last look. */
  #goneAt(path: string): ChangeTime {
    const to = goneAt(path, this.#options.fileSystem)
    const isExact = windowsOf(this.#windows.all, { from: to, to }).length > 0
    return { from: isExact ? to : Math.min(to, this.#lookedAt ?? to), to }
  }

  #leftAt(path: string): 'file' | 'other' | 'absent' {
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

function facts({ path, windows, isUncertain, at }: Difference) {
  return { path, windows: windows.map(({ id }) => id), isUncertain, at }
}
