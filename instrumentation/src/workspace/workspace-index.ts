/**
 * The last known state of every file of the workspace, and what changed since: by children, or by somebody else.
 *
 * A file whose stat differs from the index has changed. If the time of its change is within the life of a child, it is
 * that child's, and is recorded when that child is compared; until then the index keeps the state before. All other
 * changes only bring the index up to date. A file is never said to have had a content that was not read from it whole:
 * where it could not be read in time, the content before is unknown, with the reason.
 */
import { constants } from 'node:fs'
import { dirname, sep } from 'node:path'
import { attempt, type FileSystem } from '../file-system.ts'
import type { RecordedState } from '../record/child-report.ts'
import { emptySha256 } from '../spool/workspace-copies.ts'
import { goneAt, type KnownFolders, knownFolders, shownAt } from './change-time.ts'
import {
  type ChangeTime,
  type ChildWindow,
  endedBefore,
  type WindowFacts,
  windowsOf,
} from './child-window.ts'
import type { Content, Copies } from './copies.ts'
import { type ChangeSide, type FileChange, sideOf } from './file-change.ts'
import { type FileStat, granularityMs, isRacy, isSame, statOf } from './file-stat.ts'
import type { OwnBefore, OwnChange, Weakness } from './protocol.ts'
import { type Moved, pairRenames } from './renames.ts'
import type { Look, Scanner, Skips } from './scan.ts'
import { type Found, type PossibleWindows, Sightings } from './sightings.ts'

/** Changes of the app's own that were not yet seen on the disk. */
const ownChangesMax = 10_000

interface IndexedFile {
  stat: FileStat
  /** `undefined` until it is read. */
  content: Content | undefined
  /** A change right after it was read could have left the same stat. */
  isRacy: boolean
}

export interface IndexOptions {
  readonly fileSystem: FileSystem
  readonly scanner: Pick<Scanner, 'look' | 'covers'>
  readonly copies: Pick<Copies, 'take' | 'keep' | 'release' | 'sweep'>
  /** Reports what has become known since a comparison began, by `writing`, `ownChange`, `begin` and `end`. */
  readonly hear: () => void
  readonly now: () => number
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

/** A child that starts. */
export interface Start {
  readonly id: number
  readonly at: number
  readonly facts: WindowFacts
}

/** Which windows a change may belong to. */
interface Origin extends PossibleWindows {
  readonly isExact: boolean
  /** Milliseconds since 1970. */
  readonly at: number
  /** The file did not exist before the children started that may have changed it. */
  readonly wasAbsent: boolean
}

/** A file that differs, and whose change is recorded now. */
interface Difference {
  readonly path: string
  readonly known: IndexedFile | undefined
  readonly windows: readonly ChildWindow[]
  readonly isUncertain: boolean
  readonly at: number
}

export class WorkspaceIndex {
  readonly #options: IndexOptions
  readonly #files = new Map<string, IndexedFile>()
  readonly #windows = new Map<number, ChildWindow>()
  readonly #sightings = new Sightings(this.#windows)
  /** What the app itself left, by path; `undefined`: no file. */
  readonly #own = new Map<string, FileStat | undefined>()
  /** Folders in which the app itself has changed files, and when: no file in them that was changed before is a child's. */
  readonly #ownFolders = new Map<string, number>()
  /** What children that record themselves left, during one comparison. */
  readonly #elsewhere = new Map<string, RecordedState | undefined>()
  /** Files that the app itself is writing. */
  readonly #busy = new Set<string>()
  /** Files that the app itself has written, or begun to, since this comparison has begun. */
  readonly #touched = new Set<string>()
  /** Windows so far. */
  #opened = 0
  /** Changes of children that the app itself found when it wrote the same file. */
  #early: FileChange[] = []
  #unread: string[] = []
  #folders: KnownFolders = knownFolders(new Map())
  #lookedAt: number | undefined
  /** When all files were looked at. */
  #seenAt: number | undefined

  constructor(options: IndexOptions) {
    this.#options = options
  }

  get isEmpty(): boolean {
    return this.#lookedAt === undefined
  }

  get hasUnread(): boolean {
    return this.#unread.length > 0
  }

  /** A child starts, or has started. All that was seen before is not its own. Again with the same id, it replaces the first. */
  begin({ id, at, facts }: Start): void {
    const isSeen = this.#seenAt !== undefined && this.#seenAt >= at
    this.#opened += 1
    this.#windows.set(id, {
      ...facts,
      id,
      opened: this.#opened,
      startedAt: at,
      seenAt: isSeen ? this.#seenAt : undefined,
      endedAt: undefined,
      hasExited: false,
      isTurnOver: false,
      servesSince: undefined,
    })
  }

  /** The child has ended. It is not forgotten before it is compared. `undefined`: it lives on. */
  end(id: number, endedAt: number | undefined): void {
    const window = this.#windows.get(id)
    if (window !== undefined) window.endedAt = endedAt
  }

  weaken(id: number, facts: Weakness): void {
    const window = this.#windows.get(id)
    if (window !== undefined) Object.assign(window, facts)
  }

  /** The child works on requests since then. */
  serves(id: number, since: number): void {
    const window = this.#windows.get(id)
    if (window !== undefined) window.servesSince = since
  }

  forgetChild(id: number): void {
    this.#windows.delete(id)
  }

  /** The app has begun to write the file. */
  writing(path: string, before: OwnBefore | undefined): void {
    this.#busy.add(path)
    this.#touched.add(path)
    if (before !== undefined && this.#options.scanner.covers(path)) this.#sawBefore(path, before)
  }

  /** The app itself has changed the file, and left it so. */
  ownChange({ path, stat, bytes, at }: OwnChange): void {
    const { copies, scanner, now } = this.#options
    this.#busy.delete(path)
    this.#touched.add(path)
    this.#own.delete(path)
    const isCovered = stat !== undefined && scanner.covers(path)
    const read = isCovered ? copies.take(path, { expected: stat, isChange: true }) : undefined
    const isTold = read === undefined && isCovered && bytes !== undefined
    const taken = isTold ? { stat, content: copies.keep(bytes) } : read
    if (taken !== undefined) {
      this.#forget(path)
      this.#files.set(path, { ...taken, isRacy: isRacy(taken.stat, now()) })
      return
    }
    if (stat === undefined) this.#forget(path)
    if (this.#folders.stats.has(path)) this.#forgetGoneBelow(path)
    if (stat !== undefined && isFolder(stat)) this.#ownFolders.set(path, at)
    else this.#own.set(path, stat)
    const oldest = this.#own.size > ownChangesMax ? this.#own.keys().next() : undefined
    if (oldest?.value !== undefined) this.#own.delete(oldest.value)
  }

  #forgetGoneBelow(folder: string): void {
    for (const path of this.#files.keys()) {
      if (path.startsWith(folder + sep) && this.#leftAt(path) === 'absent') this.#forget(path)
    }
  }

  /** Files that were recorded by children themselves, each as its last operation left it. */
  recordedElsewhere(files: ReadonlyMap<string, RecordedState | undefined>): void {
    for (const [path, state] of files) this.#elsewhere.set(path, state)
  }

  /**
   * Finds what these children have changed, by id, each with the time of its end; `undefined`: it lives on. A child that has ended
   * is forgotten.
   */
  compare(children: ReadonlyMap<number, number | undefined>): Comparison {
    this.#touched.clear()
    const ownFolders = [...this.#ownFolders]
    const lookedAt = this.#options.now()
    const look = this.#options.scanner.look()
    this.#options.hear()
    const found = this.#differences(look, children, lookedAt)
    const { changes, filesNotRecorded } = this.#record(found, lookedAt)
    const isFirst = this.#lookedAt === undefined
    this.#lookedAt = lookedAt
    if (!look.isPartial) {
      this.#seenAt = lookedAt
      for (const window of this.#windows.values()) {
        if (lookedAt >= window.startedAt) window.seenAt ??= lookedAt
      }
    }
    const early = children.size > 0 ? this.#early : []
    if (children.size > 0) this.#early = []
    for (const [id, endedAt] of children) if (endedAt !== undefined) this.#windows.delete(id)
    this.#elsewhere.clear()
    for (const [folder, at] of ownFolders) {
      if (this.#ownFolders.get(folder) === at) this.#ownFolders.delete(folder)
    }
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

  /** Reads files that the index has not read, for `ms`. */
  read(ms: number): void {
    const { now, copies } = this.#options
    const until = now() + ms
    for (let path = this.#unread.pop(); path !== undefined; path = this.#unread.pop()) {
      const file = this.#files.get(path)
      if (file !== undefined && file.content === undefined) {
        const taken = copies.take(path, { expected: file.stat })
        if (taken !== undefined) {
          file.content = taken.content
          file.isRacy = isRacy(taken.stat, now())
        }
      }
      if (now() >= until) return
    }
  }

  #differences(look: Look, children: ReadonlyMap<number, unknown>, lookedAt: number) {
    const written: Difference[] = []
    const gone: Difference[] = []
    let byOthers = 0
    const judge = (list: Difference[], path: string, made: Origin, adopt: () => void): void => {
      const { windows, isExact, at } = made
      if (windows.length === 0) {
        byOthers += 1
        adopt()
      } else if (windows.some(({ id }) => children.has(id))) {
        const known = this.#files.get(path)
        const isUncertain = !isExact || windows.every(isVague)
        list.push({ path, known, windows, isUncertain, at })
      }
    }

    for (const [path, stat] of look.files) {
      const known = this.#files.get(path)
      if (known !== undefined && isSame(known.stat, stat)) {
        if (!known.isRacy || !this.#isRewritten(path, known)) continue
      }
      if (this.#isTouched(path)) continue
      if (this.#isOwn(path, stat) || this.#isOfOwnFolder(path, stat)) this.#adopt(path, stat)
      else {
        const isFirst = this.#lookedAt === undefined
        const isNew = known === undefined && !isFirst
        const time = isNew
          ? shownAt(path, stat, look.folders, this.#folders)
          : { from: stat.ctimeMs, to: stat.ctimeMs }
        const made = this.#origin(path, { stat, time, lookedAt })
        if (known === undefined && !made.wasAbsent) this.#files.set(path, unseen(stat))
        judge(written, path, made, () => this.#adopt(path, stat))
      }
    }
    for (const path of this.#files.keys()) {
      if (look.files.has(path) || this.#isTouched(path)) continue
      const left = this.#leftAt(path)
      // It is there, and is not compared any more, or was not reached.
      if (left === 'file') {
        if (!look.isPartial) this.#forget(path)
      } else if (left === 'absent' && this.#isOwn(path, undefined)) this.#forget(path)
      else {
        const found = { stat: undefined, time: this.#goneAt(path), lookedAt }
        judge(gone, path, this.#origin(path, found), () => this.#forget(path))
      }
    }
    this.#sightings.endLook(look)
    this.#folders = knownFolders(look.folders)
    return { written, gone, byOthers }
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
      const before = sideOf(known.content, known.stat)
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
    if (taken === undefined) return undefined
    const { stat, content } = taken
    this.#options.hear()
    // The app itself writes it: the child's change was reported with that.
    if (this.#isTouched(path) || this.#files.get(path) !== known) {
      copies.release(content)
      return undefined
    }
    const before = this.#before(path, known)
    const time = { from: stat.ctimeMs, to: stat.ctimeMs }
    const isLater = stat.ctimeMs > difference.at
    const isDatabase = content.isDatabase !== false || known?.content?.isDatabase === true
    const isOfNobody = !isDatabase && windows.every(({ isOfDatabases }) => isOfDatabases)
    if (isLater && this.#isOfMore(windows, time)) {
      // Another child has changed it since the look, and may go on. That is compared when that child is.
      copies.release(content)
      this.#forget(path)
      this.#files.set(path, unseen(stat))
      if (isOfNobody) return undefined
      return { ...facts(difference), kind: 'write', before, after: changing }
    }
    const isUnchanged =
      known?.content?.sha256 !== undefined && known.content.sha256 === content.sha256
    this.#own.delete(path)
    this.#sightings.forget(path)
    if (known?.content !== undefined) copies.release(known.content)
    this.#files.set(path, { stat, content, isRacy: isRacy(stat, Math.min(now(), lookedAt)) })
    if (isUnchanged && before.state !== 'omitted') return undefined
    if (isOfNobody) return undefined
    // Somebody else has changed it since: what the child left was not read.
    const isOfOthers = isLater && windowsOf(windows, time).length === 0
    const after: ChangeSide = isOfOthers ? changing : sideOf(content, stat)
    return { ...facts(difference), kind: 'write', before, after }
  }

  #isOfMore(windows: readonly ChildWindow[], time: ChangeTime): boolean {
    return windowsOf(this.#windows.values(), time).some((window) => !windows.includes(window))
  }

  #before(path: string, known: IndexedFile | undefined): ChangeSide {
    const own = this.#own.get(path)
    // The app itself has changed it since the last look, so the content in between was not read.
    if (own !== undefined) return unread(own)
    const elsewhere = this.#elsewhere.get(path)
    if (elsewhere !== undefined) {
      return { state: 'omitted', reason: 'not_copied', size: Number(elsewhere.size) }
    }
    if (known === undefined || this.#own.has(path)) return { state: 'absent' }
    return known.stat.ino === unseenIno ? notCopiedSide : sideOf(known.content, known.stat)
  }

  /** The app is about to write a file, which holds something else than when it was last looked at. */
  #sawBefore(path: string, { stat, bytes, at }: OwnBefore): void {
    const { copies } = this.#options
    const known = this.#files.get(path)
    if (this.#isAsKnown(path, stat)) return
    const time = { from: stat?.ctimeMs ?? this.#lookedAt ?? at, to: stat?.ctimeMs ?? at }
    const made = this.#origin(path, { stat, time, lookedAt: at })
    const { windows } = made
    const left = stat && {
      stat,
      content: bytes === undefined ? notCopied(stat) : copies.keep(bytes),
      isRacy: false,
    }
    const isUnchanged =
      known?.content?.sha256 !== undefined && known.content.sha256 === left?.content.sha256
    if (windows.length > 0 && !isUnchanged) {
      const before: ChangeSide = made.wasAbsent ? this.#before(path, known) : notCopiedSide
      const isUncertain = windows.every(isVague)
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
    if (this.#own.has(path) && this.#isOwn(path, stat)) return true
    const known = this.#files.get(path)
    if (known === undefined || stat === undefined) return known === stat
    return isSame(known.stat, stat)
  }

  /** Of a file that a look has found different from its known state. */
  #origin(path: string, found: Found): Origin {
    const isKnown = this.#files.has(path)
    const isNew = !isKnown && found.stat !== undefined
    return this.#sightings.see(path, found, (time, open) => {
      if (isNew) return this.#originOfNew(path, time, open)
      const made = this.#originOf(time, open)
      const { windows } = made
      if (!isKnown || windows.length === 0) return made
      return { ...made, windows: [...windows, ...endedBefore(open, time)] }
    })
  }

  #originOf(time: ChangeTime, open: readonly ChildWindow[]): Origin {
    const windows = windowsOf(open, time)
    return { windows, isExact: time.from === time.to, at: time.to, wasAbsent: true }
  }

  /** Of a file that no look has seen. If it came into being after the last look, the one that made it counts as well. */
  #originOfNew(path: string, time: ChangeTime, open: readonly ChildWindow[]): Origin {
    const changed = this.#originOf(time, open)
    if (this.#own.has(path)) return { ...changed, wasAbsent: this.#own.get(path) === undefined }
    if (this.#seenAt === undefined && changed.windows.length === 0) return changed
    const stat = this.#lstat(path)
    // It came and went.
    if (stat === undefined) return changed
    const born = Number(stat.birthtimeMs)
    const seenAt = this.#seenAt ?? Number.POSITIVE_INFINITY
    const makers = born > seenAt ? this.#originOf({ from: born, to: born }, open).windows : []
    const windows = [...new Set([...makers, ...changed.windows])]
    const wasAbsent = windows.some(
      ({ seenAt, startedAt, isStamped }) =>
        seenAt !== undefined || born >= startedAt - (isStamped ? 0 : granularityMs(born)),
    )
    const at = changed.windows.length > 0 ? changed.at : born
    return { ...changed, windows, at, wasAbsent }
  }

  /** The stat is the same; is the content? Looks only at files that were read right after they were written. */
  #isRewritten(path: string, known: IndexedFile): boolean {
    const { copies, now } = this.#options
    const taken = copies.take(path, { expected: known.stat })
    if (taken === undefined) return true
    copies.release(taken.content)
    if (taken.content.sha256 !== known.content?.sha256) return known.content !== undefined
    known.isRacy = isRacy(taken.stat, now())
    return false
  }

  /** Whether the app itself writes the file or one of its folders, or has since the comparison has begun. */
  #isTouched(path: string): boolean {
    return pathAndFolders(path).some((each) => this.#busy.has(each) || this.#touched.has(each))
  }

  #isOfOwnFolder(path: string, { ctimeMs }: FileStat): boolean {
    if (this.#ownFolders.size === 0) return false
    return pathAndFolders(dirname(path)).some(
      (each) => ctimeMs <= (this.#ownFolders.get(each) ?? 0),
    )
  }

  /** Whether the file is as the app itself left it, or a child that records itself. */
  #isOwn(path: string, stat: FileStat | undefined): boolean {
    if (this.#elsewhere.has(path) && isRecorded(this.#elsewhere.get(path), stat)) return true
    if (!this.#own.has(path)) return false
    const own = this.#own.get(path)
    if (own === undefined || stat === undefined) return own === stat
    return isSame(own, stat)
  }

  /** Takes the state on disk for the known one; its content is read later. */
  #adopt(path: string, stat: FileStat): void {
    this.#forget(path)
    this.#files.set(path, { stat, content: undefined, isRacy: false })
    this.#unread.push(path)
  }

  #adoptFrom(path: string): void {
    const stat = this.#lstat(path)
    if (stat?.isFile() === true) this.#adopt(path, statOf(stat))
    else this.#forget(path)
  }

  #forget(path: string): void {
    const content = this.#files.get(path)?.content
    if (content !== undefined) this.#options.copies.release(content)
    this.#files.delete(path)
    this.#own.delete(path)
    this.#sightings.forget(path)
  }

  /** Exact if a child lived at the time of the folder's last change; else since the last look. */
  #goneAt(path: string): ChangeTime {
    const to = goneAt(path, this.#options.fileSystem)
    const isExact = windowsOf(this.#windows.values(), { from: to, to }).length > 0
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

function isFolder({ mode }: FileStat): boolean {
  return (mode & constants.S_IFMT) === constants.S_IFDIR
}

/** The innermost folder first. */
function pathAndFolders(path: string): string[] {
  const parent = dirname(path)
  return parent === path ? [path] : [path, ...pathAndFolders(parent)]
}

/** Somebody else may have changed files as well in such a time. */
function isVague({ kind, isTurnOver }: ChildWindow): boolean {
  return isTurnOver || kind === 'turn'
}

const notCopiedSide: ChangeSide = { state: 'omitted', reason: 'not_copied' }
function notCopied({ size }: FileStat): Content {
  return { sha256: undefined, size, omitted: 'not_copied' }
}

const changing: ChangeSide = { state: 'omitted', reason: 'changing' }
const notAFile: ChangeSide = { state: 'omitted', reason: 'not_a_file' }
function unread({ size, mode }: FileStat): ChangeSide {
  const permissions = mode & 0o7777
  return size === 0
    ? { state: 'stored', sha256: emptySha256, size, mode: permissions }
    : { state: 'omitted', reason: 'not_copied', size, mode: permissions }
}

/** Nanoseconds lose their last digits as milliseconds. */
const stampToleranceMs = 0.001

function isRecorded(state: RecordedState | undefined, stat: FileStat | undefined): boolean {
  if (state === undefined || stat === undefined) return state === stat
  const apart = Math.abs(Number(state.mtimeNs) / 1e6 - stat.mtimeMs)
  const isSameFile = Number(state.ino) === stat.ino && Number(state.size) === stat.size
  return isSameFile && apart < stampToleranceMs
}

/** No file has this number. */
const unseenIno = -1

function unseen(stat: FileStat): IndexedFile {
  return { stat: { ...stat, ino: unseenIno }, content: undefined, isRacy: false }
}

function facts({ path, windows, isUncertain, at }: Difference) {
  return { path, windows: windows.map(({ id }) => id), isUncertain, at }
}

/** The file keeps its content; what it replaced is kept. */
function renameOf(from: FileChange, to: FileChange): FileChange {
  const { path, windows, isUncertain, at, before, after } = to
  return {
    kind: 'rename',
    path,
    previousPath: from.path,
    before: after?.state === 'stored' ? after : from.before,
    ...(before.state === 'absent' ? {} : { overwritten: before }),
    windows,
    isUncertain,
    at,
  }
}
