/**
 * Changes that looks have seen, and that are not recorded yet because the child that may have made them lives on. A child
 * that started after a change was seen is not its author, however old the stamp of the change seems then. If the file changes
 * again, those who may have made either of the changes share it. Pure.
 */
import type { ChangeTime, ChildWindow } from './child-window.ts'
import { type FileStat, isRacy, isSame } from './file-stat.ts'

/** A file that a look has found different from its known state. */
export interface Found {
  /** `undefined`: there is no file. */
  readonly stat: FileStat | undefined
  readonly time: ChangeTime
  /** Milliseconds since 1970. */
  readonly lookedAt: number
}

export interface PossibleWindows {
  /** The windows that a change may belong to. */
  readonly windows: readonly ChildWindow[]
}

interface Sighting extends Found {
  /** The number of the last look that has seen it. */
  readonly look: number
  /** Another change right after it could have left the same stat: then only exact stamps show that a child is younger. */
  readonly isRacy: boolean
  /** The last window that was open then. */
  readonly lastOpened: number
  /** Of the file's changes before this one. */
  readonly earlier: readonly number[]
  /** Of all changes so far. */
  readonly all: readonly number[]
}

export class Sightings {
  readonly #open: ReadonlyMap<number, ChildWindow>
  readonly #byPath = new Map<string, Sighting>()
  #look = 0

  /** `open`: the windows that are open, by id, at any time. */
  constructor(open: ReadonlyMap<number, ChildWindow>) {
    this.#open = open
  }

  /** `originOf`: to which of these windows a change of that time may belong. Adds those of the file's earlier changes. */
  see<Origin extends PossibleWindows>(
    path: string,
    found: Found,
    originOf: (time: ChangeTime, open: readonly ChildWindow[]) => Origin,
  ): Origin {
    const { stat, lookedAt } = found
    const open = [...this.#open.values()]
    const last = this.#byPath.get(path)
    const isSeen = last !== undefined && isSameState(last.stat, stat)
    const { time, lastOpened, earlier } = isSeen ? last : { ...found, ...newest(open, last) }
    const then = open.filter(
      ({ kind, opened, isStamped }) =>
        // Native code may be known later than what it wrote.
        kind !== 'child' || opened <= lastOpened || (isStamped && last?.isRacy === true),
    )
    const origin = originOf(time, then)
    const others = earlier.flatMap((id) => this.#open.get(id) ?? [])
    const windows = [...new Set([...origin.windows, ...others])]
    this.#byPath.set(path, {
      stat,
      time,
      lookedAt,
      look: this.#look,
      isRacy: stat !== undefined && isRacy(stat, lookedAt),
      lastOpened,
      earlier,
      all: windows.map(({ id }) => id),
    })
    return { ...origin, windows }
  }

  /** A look is over. If it has seen all files, what it did not see is over as well, as with a file that came and went. */
  endLook({ isPartial }: { readonly isPartial: boolean }): void {
    for (const [path, { look }] of this.#byPath) {
      if (!isPartial && look < this.#look) this.#byPath.delete(path)
    }
    this.#look += 1
  }

  /** The file's known state is its present one. */
  forget(path: string): void {
    this.#byPath.delete(path)
  }
}

function newest(open: readonly ChildWindow[], last: Sighting | undefined) {
  return {
    lastOpened: Math.max(0, ...open.map(({ opened }) => opened)),
    earlier: last?.all ?? [],
  }
}

function isSameState(a: FileStat | undefined, b: FileStat | undefined): boolean {
  return a === undefined || b === undefined ? a === b : isSame(a, b)
}
