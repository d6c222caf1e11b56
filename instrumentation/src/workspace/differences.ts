/** Where a look at the workspace differs from what the index knows, and whose change each difference may be. */
import type { FileSystem } from '../file-system.ts'
import type { Origin } from './change-origins.ts'
import { goneAt, knownFolders, shownAt } from './change-time.ts'
import { type ChangeTime, type ChildWindow, hasRival, windowsOf } from './child-window.ts'
import { type FileStat, isSame } from './file-stat.ts'
import type { IndexState } from './index-state.ts'
import type { IndexedFile } from './known-files.ts'
import type { Look } from './scan.ts'

/** A file that differs, and whose change is recorded now. */
export interface Difference {
  readonly path: string
  readonly known: IndexedFile | undefined
  readonly windows: readonly ChildWindow[]
  readonly isUncertain: boolean
  readonly at: number
  /** As the look has seen it; `undefined`: gone. */
  readonly stat?: FileStat | undefined
}

export interface DifferencesOptions {
  readonly state: IndexState
  readonly fileSystem: FileSystem
  readonly look: Look
  /** The children that are compared, by id, each with the time of its end; `undefined`: it lives on. */
  readonly children: ReadonlyMap<number, number | undefined>
  /** When the look began, in milliseconds since 1970. */
  readonly lookedAt: number
}

export interface FoundDifferences {
  readonly written: readonly Difference[]
  readonly gone: readonly Difference[]
  /** How many files somebody else has changed. */
  readonly byOthers: number
}

/**
 * Finds them. A difference that only other children may have made stays one, until they are compared; what somebody else has
 * changed is taken for the known state.
 */
export function findDifferences(options: DifferencesOptions): FoundDifferences {
  const search = new Search(options)
  search.run()
  return search
}

class Search implements FoundDifferences {
  readonly #options: DifferencesOptions
  readonly #state: IndexState
  readonly #ending: readonly ChildWindow[]
  readonly written: Difference[] = []
  readonly gone: Difference[] = []
  byOthers = 0

  constructor(options: DifferencesOptions) {
    this.#options = options
    this.#state = options.state
    this.#ending = this.#endingChildren()
  }

  run(): void {
    const { look } = this.#options
    this.#findWritten()
    this.#findGone()
    this.#state.origins.endLook(look)
    this.#state.folders = knownFolders(look.folders)
  }

  #findWritten(): void {
    const { look, lookedAt } = this.#options
    const { files, own, origins, folders } = this.#state
    const isFirst = this.#state.lookedAt === undefined
    let goneInos: Set<number> | undefined
    const isGone = ({ ino }: FileStat): boolean => {
      goneInos ??= files.inosWithout(look.files)
      return goneInos.has(ino)
    }
    for (const [path, stat] of look.files) {
      const known = files.get(path)
      if (known !== undefined && isSame(known.stat, stat)) {
        if (!known.isRacy || !files.isRewritten(path, known)) {
          known.seenAt = lookedAt
          continue
        }
      }
      if (own.isTouched(path)) continue
      if (own.isOwn(path, stat) || own.isOfOwnFolder(path, stat)) {
        this.#state.adopt(path, stat)
        continue
      }
      const isNew = known === undefined && !isFirst
      const time = isNew
        ? shownAt(path, stat, look.folders, folders)
        : { from: stat.ctimeMs, to: stat.ctimeMs }
      const made = origins.of(path, { stat, time, lookedAt }, () => isGone(stat))
      if (known === undefined && !made.wasAbsent) files.setUnseen(path, stat)
      if (this.#isOfOthers(made)) this.#state.adopt(path, stat)
      else if (this.#isRecordedNow(made)) this.written.push(this.#difference(path, made, stat))
    }
  }

  #findGone(): void {
    const { look, lookedAt } = this.#options
    const { files, own, origins } = this.#state
    for (const path of files.paths) {
      if (look.files.has(path) || own.isTouched(path)) continue
      const left = this.#state.leftAt(path)
      // It is there, and is not compared any more, or was not reached.
      if (left === 'file') {
        if (!look.isPartial) this.#state.forget(path)
      } else if (left === 'absent' && own.isOwn(path, undefined)) this.#state.forget(path)
      else {
        const made = origins.of(path, { stat: undefined, time: this.#goneAt(path), lookedAt })
        if (this.#isOfOthers(made)) this.#state.forget(path)
        else if (this.#isRecordedNow(made)) this.gone.push(this.#difference(path, made))
      }
    }
  }

  #isOfOthers({ windows }: Origin): boolean {
    if (windows.length > 0) return false
    this.byOthers += 1
    return true
  }

  #isRecordedNow({ windows, at }: Origin): boolean {
    const { children } = this.#options
    return (
      windows.some(({ id }) => children.has(id)) ||
      hasRival(this.#ending, windows, { from: at, to: at })
    )
  }

  /**
   * Children that end now. What one of them may have changed is recorded now, also if another child is likelier: that one may
   * change the file again, and the state in between would be lost.
   */
  #endingChildren(): ChildWindow[] {
    return [...this.#options.children].flatMap(([id, endedAt]) => {
      const window = this.#state.windows.byId.get(id)
      return endedAt === undefined || window?.kind !== 'child' ? [] : window
    })
  }

  #difference(path: string, { windows, isExact, at }: Origin, stat?: FileStat): Difference {
    const known = this.#state.files.get(path)
    const isUncertain = !isExact || this.#state.isUncertain(windows, at)
    return { path, known, stat, windows, isUncertain, at }
  }

  /** Exact if a child lived at the time of the folder's last change; else since the last look. */
  #goneAt(path: string): ChangeTime {
    const { windows, lookedAt } = this.#state
    const to = goneAt(path, this.#options.fileSystem)
    const isExact = windowsOf(windows.all, { from: to, to }).length > 0
    return { from: isExact ? to : Math.min(to, lookedAt ?? to), to }
  }
}
