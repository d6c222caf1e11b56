/**
 * The last known state of every file of the workspace, and what changed since: by children, or by somebody else.
 *
 * A file whose stat differs from the index has changed. If the time of its change is within the life of a child, it is
 * that child's, and is recorded when that child is compared; until then the index keeps the state before. All other
 * changes only bring the index up to date. A file is never said to have had a content that was not read from it whole:
 * where it could not be read in time, the content before is unknown, with the reason.
 */
import { sep } from 'node:path'
import type { RecordedState } from '../record/child-report.ts'
import { notCopied, notCopiedSide, sideOf } from './change-sides.ts'
import {
  ChildChanges,
  type ChildChangesOptions,
  factsOf,
  type RecordedDifferences,
} from './child-changes.ts'
import type { Copies } from './copies.ts'
import { findDifferences } from './differences.ts'
import type { ChangeSide, FileChange } from './file-change.ts'
import { type FileStat, isRacy, isSame } from './file-stat.ts'
import { IndexState, type IndexStateOptions } from './index-state.ts'
import type { Start } from './open-windows.ts'
import type { OwnBefore, OwnChange, Weakness } from './protocol.ts'
import type { Scanner, Skips } from './scan.ts'

export interface IndexOptions
  extends IndexStateOptions,
    Pick<ChildChangesOptions, 'hear' | 'changesMax'> {
  readonly scanner: Pick<Scanner, 'look' | 'covers'>
  readonly copies: Pick<Copies, 'take' | 'keep' | 'release' | 'sweep'>
}

export interface Comparison extends RecordedDifferences {
  readonly filesCompared: number
  readonly changedByOthers: number
  readonly skips: Skips
  readonly isPartial: boolean
}

export class WorkspaceIndex {
  readonly #options: IndexOptions
  readonly #state: IndexState
  readonly #changes: ChildChanges
  /** Changes of children that the app itself found when it wrote the same file. */
  #early: FileChange[] = []

  constructor(options: IndexOptions) {
    this.#options = options
    this.#state = new IndexState(options)
    this.#changes = new ChildChanges({ ...options, state: this.#state })
  }

  get isEmpty(): boolean {
    return this.#state.lookedAt === undefined
  }

  /** How many files are still to be read. */
  get unread(): number {
    return this.#state.files.unread
  }

  /** A child starts, or has started. All that was seen before is not its own. Again with the same id, it replaces the first. */
  begin(start: Start): void {
    this.#state.windows.begin(start)
  }

  /** The child has ended. It is not forgotten before it is compared. */
  end(id: number, endedAt: number): void {
    this.#state.windows.change(id, { endedAt })
  }

  weaken(id: number, facts: Weakness): void {
    this.#state.windows.change(id, facts)
  }

  /** The child works on requests since then. */
  serves(id: number, servesSince: number): void {
    this.#state.windows.change(id, { servesSince })
  }

  /**
   * How long before the child's start the workspace was last looked at, in whole milliseconds; 0: at its start. `undefined`: never
   * before.
   */
  lookAgeOf(id: number): number | undefined {
    const { lookedBefore, startedAt = 0 } = this.#state.windows.byId.get(id) ?? {}
    return lookedBefore === undefined
      ? undefined
      : Math.max(0, Math.floor(startedAt - lookedBefore))
  }

  forgetChild(id: number): void {
    this.#state.windows.forget(id)
  }

  /** The app has looked at a file that a child may change. */
  saw(path: string, now: OwnBefore): void {
    this.#state.own.touch(path)
    if (this.#options.scanner.covers(path)) this.#sawBefore(path, now)
  }

  /** The app has begun to write the file. */
  writing(path: string, before: OwnBefore | undefined): void {
    this.#state.own.begin(path)
    if (before !== undefined && this.#options.scanner.covers(path)) this.#sawBefore(path, before)
  }

  /** The app itself has changed the file, and left it so. */
  ownChange({ path, stat, bytes, at }: OwnChange): void {
    const { copies, scanner, now } = this.#options
    this.#state.own.end(path)
    const isCovered = stat !== undefined && scanner.covers(path)
    const read = isCovered ? copies.take(path, { expected: stat, isChange: true }) : undefined
    const isTold = read === undefined && isCovered && bytes !== undefined
    const taken = isTold ? { stat, content: copies.keep(bytes) } : read
    if (taken !== undefined) {
      this.#state.forget(path)
      this.#state.files.set(path, { ...taken, isRacy: isRacy(taken.stat, now()), seenAt: at })
      return
    }
    if (stat === undefined) this.#state.forget(path)
    if (this.#state.folders.stats.has(path)) this.#forgetGoneBelow(path)
    this.#state.own.leave(path, stat, at)
  }

  #forgetGoneBelow(folder: string): void {
    for (const path of this.#state.files.paths) {
      if (path.startsWith(folder + sep) && this.#state.leftAt(path) === 'absent')
        this.#state.forget(path)
    }
  }

  /** Files that were recorded by children themselves, each as its last operation left it. */
  recordedElsewhere(files: ReadonlyMap<string, RecordedState | undefined>): void {
    this.#state.own.recordedElsewhere(files)
  }

  /**
   * Finds what these children have changed, by id, each with the time of its end; `undefined`: it lives on. A child that has ended
   * is forgotten.
   */
  compare(children: ReadonlyMap<number, number | undefined>): Comparison {
    const endComparison = this.#state.own.beginComparison()
    const lookedAt = this.#options.now()
    const look = this.#options.scanner.look()
    this.#options.hear()
    const { fileSystem } = this.#options
    const found = findDifferences({ state: this.#state, fileSystem, look, children, lookedAt })
    // Of one file those that are found while contents are read come later.
    const earlier = this.#early
    this.#early = []
    const { changes, filesNotRecorded } = this.#changes.of(found, lookedAt)
    const isFirst = this.#state.lookedAt === undefined
    this.#state.lookedAt = lookedAt
    if (!look.isPartial) this.#state.windows.seen(lookedAt)
    const all = [...earlier, ...changes, ...this.#early]
    // Without a child that is compared there are only early ones, which wait for it.
    this.#early = children.size > 0 ? [] : all
    for (const [id, endedAt] of children) if (endedAt !== undefined) this.#state.windows.forget(id)
    endComparison()
    this.#options.copies.sweep()
    return {
      changes: children.size > 0 ? all : [],
      filesNotRecorded,
      filesCompared: look.files.size,
      changedByOthers: isFirst ? 0 : found.byOthers,
      skips: look.skips,
      isPartial: look.isPartial,
    }
  }

  /** Reads files that the index has not read, for `ms`, or until it is interrupted. */
  read(ms: number, isInterrupted: () => boolean = () => false): void {
    this.#state.files.read(ms, isInterrupted)
  }

  /** The app is about to write a file, which holds something else than when it was last looked at. */
  #sawBefore(path: string, saw: OwnBefore): void {
    const { copies } = this.#options
    const { stat, bytes, at } = saw
    const known = this.#state.files.get(path)
    if (this.#isAsKnown(path, stat)) {
      this.#state.files.sawAgain(path, saw)
      return
    }
    const time = { from: stat?.ctimeMs ?? this.#state.lookedAt ?? at, to: stat?.ctimeMs ?? at }
    const made = this.#state.origins.of(path, { stat, time, lookedAt: at })
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
      const isKnown =
        made.wasAbsent && !(known !== undefined && this.#state.isStale(known, windows))
      const before: ChangeSide = isKnown ? this.#state.before(path, known) : notCopiedSide
      const isUncertain = this.#state.isUncertain(windows, made.at)
      const change = { ...factsOf({ path, known, windows, isUncertain, at: made.at }), before }
      if (left === undefined) this.#early.push({ ...change, kind: 'delete' })
      else {
        this.#early.push({ ...change, kind: 'write', after: sideOf(left.content, left.stat) })
      }
    }
    this.#state.forget(path)
    if (left !== undefined) this.#state.files.set(path, left)
  }

  #isAsKnown(path: string, stat: FileStat | undefined): boolean {
    if (this.#state.own.has(path) && this.#state.own.isOwn(path, stat)) return true
    const known = this.#state.files.get(path)
    if (known === undefined || stat === undefined) return known === stat
    return isSame(known.stat, stat)
  }
}
