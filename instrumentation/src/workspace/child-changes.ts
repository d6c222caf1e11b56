/** What children have changed, with the contents before and after, made from the differences that a look has found. */
import { changing, notAFile, notCopiedSide, renameOf, sideOf } from './change-sides.ts'
import { windowsOf } from './child-window.ts'
import type { Copies } from './copies.ts'
import type { Difference, FoundDifferences } from './differences.ts'
import type { ChangeSide, FileChange } from './file-change.ts'
import { isRacy } from './file-stat.ts'
import type { IndexState } from './index-state.ts'
import { type Moved, pairRenames } from './renames.ts'

export interface ChildChangesOptions {
  readonly state: IndexState
  readonly copies: Pick<Copies, 'take' | 'release'>
  /** Reports what has become known meanwhile. */
  readonly hear: () => void
  readonly now: () => number
  /** Changes of one comparison that are recorded one by one; the rest is counted. */
  readonly changesMax: number
}

export interface RecordedDifferences {
  readonly changes: readonly FileChange[]
  /** Beyond `changesMax`. */
  readonly filesNotRecorded: number
}

export class ChildChanges {
  readonly #options: ChildChangesOptions

  constructor(options: ChildChangesOptions) {
    this.#options = options
  }

  /** `lookedAt`: when the look that has found them began, in milliseconds since 1970. */
  of({ written, gone }: FoundDifferences, lookedAt: number): RecordedDifferences {
    const { state, changesMax } = this.#options
    const changes: FileChange[] = []
    const moved: Moved[] = []
    let filesNotRecorded = 0
    for (const difference of gone) {
      const { path, known } = difference
      if (known === undefined) continue
      if (difference.windows.every(({ isOfDatabases }) => isOfDatabases)) {
        // SQLite removes no database.
        state.forget(path)
        continue
      }
      const isStale = state.isStale(known, difference.windows)
      const before = isStale ? notCopiedSide : sideOf(known.content, known.stat)
      const left = state.leftAt(path)
      if (left === 'other') {
        changes.push({ ...factsOf(difference), kind: 'write', before, after: notAFile })
      } else
        moved.push({
          difference: { ...factsOf(difference), kind: 'delete', before },
          stat: known.stat,
        })
      state.forget(path)
    }
    const deletes = pairRenames(moved)
    for (const difference of written) {
      if (changes.length >= changesMax) {
        filesNotRecorded += 1
        state.adoptFrom(difference.path)
        continue
      }
      const change = this.#writeOf(difference, lookedAt)
      if (change === undefined) continue
      const from = deletes.takeFor(change, state.files.get(difference.path)?.stat)
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
    const { state, copies, now } = this.#options
    const { path, known, windows } = difference
    const taken = copies.take(path, { isChange: true })
    this.#options.hear()
    if (taken === undefined) return this.#goneOf(difference, lookedAt)
    const { stat, content } = taken
    // The app itself writes it: the child's change was reported with that.
    if (state.own.isTouched(path) || state.files.get(path) !== known) {
      copies.release(content)
      return undefined
    }
    const isStale = known !== undefined && state.isStale(known, windows)
    const before = isStale ? notCopiedSide : state.before(path, known)
    const time = { from: stat.ctimeMs, to: stat.ctimeMs }
    const isLater = stat.ctimeMs > difference.at
    const isDatabase = content.isDatabase !== false || known?.content?.isDatabase === true
    const isOfNobody = !isDatabase && windows.every(({ isOfDatabases }) => isOfDatabases)
    if (isLater && state.origins.isOfMore(windows, time)) {
      // Another child has changed it since the look, and may go on. That is compared when that child is.
      copies.release(content)
      state.forget(path)
      state.files.setUnseen(path, stat)
      if (isOfNobody) return undefined
      return { ...factsOf(difference), kind: 'write', before, after: changing }
    }
    const isUnchanged =
      known?.content?.sha256 !== undefined && known.content.sha256 === content.sha256
    state.own.forget(path)
    state.origins.forget(path)
    if (known?.content !== undefined) copies.release(known.content)
    const isYoung = isRacy(stat, Math.min(now(), lookedAt))
    state.files.set(path, { stat, content, isRacy: isYoung, seenAt: lookedAt })
    if (isUnchanged && (isStale || before.state !== 'omitted')) return undefined
    if (isOfNobody) return undefined
    // Somebody else has changed it since: what the child left was not read.
    const isOfOthers = isLater && windowsOf(windows, time).length === 0
    const after: ChangeSide = isOfOthers ? changing : sideOf(content, stat)
    return { ...factsOf(difference), kind: 'write', before, after }
  }

  /**
   * The file was gone before it was read: what the child has left there was removed or moved by somebody else. A file that came
   * and went in the child's life, as temporary ones do, is no operation.
   */
  #goneOf({ stat, ...difference }: Difference, lookedAt: number): FileChange | undefined {
    const { state } = this.#options
    const { path, known, windows } = difference
    if (stat === undefined || state.own.isTouched(path) || state.files.get(path) !== known) {
      return undefined
    }
    const isLeft = known !== undefined || windows.every(({ endedAt }) => endedAt !== undefined)
    if (!isLeft || windows.every(({ isOfDatabases }) => isOfDatabases)) return undefined
    const isStale = known !== undefined && state.isStale(known, windows)
    const before = isStale ? notCopiedSide : state.before(path, known)
    state.forget(path)
    state.files.set(path, { stat, content: undefined, isRacy: false, seenAt: lookedAt })
    return { ...factsOf(difference), kind: 'write', before, after: changing }
  }
}

/** What all kinds of changes have. */
export function factsOf({ path, windows, isUncertain, at }: Difference) {
  return { path, windows: windows.map(({ id }) => id), isUncertain, at }
}
