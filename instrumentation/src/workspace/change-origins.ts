/**
 * Which children, or native code, a change may come from, as the times of the change and of the looks that have seen it
 * show.
 */
import type { Stats } from 'node:fs'
import { type ChangeTime, type ChildWindow, endedBefore, windowsOf } from './child-window.ts'
import { granularityMs } from './file-stat.ts'
import type { KnownFiles } from './known-files.ts'
import type { OpenWindows } from './open-windows.ts'
import type { OwnChanges } from './own-changes.ts'
import { type Found, type PossibleWindows, Sightings } from './sightings.ts'

/** Which windows a change may belong to. */
export interface Origin extends PossibleWindows {
  readonly isExact: boolean
  /** Milliseconds since 1970. */
  readonly at: number
  /** The file did not exist before the children started that may have changed it. */
  readonly wasAbsent: boolean
}

export interface ChangeOriginsOptions {
  readonly windows: OpenWindows
  readonly files: Pick<KnownFiles, 'get'>
  readonly own: Pick<OwnChanges, 'has' | 'stateOf'>
  /** How old a look may be that still shows the state before a child. */
  readonly trustedMs: () => number
  /** `undefined`: nothing is there. */
  readonly lstat: (path: string) => Pick<Stats, 'birthtimeMs'> | undefined
}

export class ChangeOrigins {
  readonly #options: ChangeOriginsOptions
  readonly #sightings: Sightings

  constructor(options: ChangeOriginsOptions) {
    this.#options = options
    this.#sightings = new Sightings(options.windows.byId)
  }

  /**
   * The origin of the change to a file that a look has found different from its known state. `isMoved`: it was known under another
   * path.
   */
  of(path: string, found: Found, isMoved: () => boolean = () => false): Origin {
    const known = this.#options.files.get(path)
    const isNew = known === undefined && found.stat !== undefined
    return this.#sightings.see(path, found, (time, open) => {
      if (isNew) return this.#originOfNew(path, time, open, isMoved)
      const made = this.#originOf(time, open)
      const { windows } = made
      if (known === undefined || windows.length === 0) return made
      // Those that had ended when the file was last seen have not changed it since.
      const ended = endedBefore(open, time).filter(({ endedAt = 0 }) => endedAt >= known.seenAt)
      return { ...made, windows: [...windows, ...ended] }
    })
  }

  #originOf(time: ChangeTime, open: readonly ChildWindow[]): Origin {
    const windows = windowsOf(open, time)
    return { windows, isExact: time.from === time.to, at: time.to, wasAbsent: true }
  }

  /** The origin of a file that no look has seen. If it came into being after the last look, the one that made it counts as well. */
  #originOfNew(
    path: string,
    time: ChangeTime,
    open: readonly ChildWindow[],
    isMoved: () => boolean,
  ): Origin {
    const changed = this.#originOf(time, open)
    if (this.#options.own.has(path))
      return { ...changed, wasAbsent: this.#options.own.stateOf(path) === undefined }
    if (this.#options.windows.seenAt === undefined && changed.windows.length === 0) return changed
    const stat = this.#options.lstat(path)
    // It came and went.
    if (stat === undefined) return changed
    const born = Number(stat.birthtimeMs)
    const seenAt = this.#options.windows.seenAt ?? Number.POSITIVE_INFINITY
    const makers = born > seenAt ? this.#originOf({ from: born, to: born }, open).windows : []
    const windows = [...new Set([...makers, ...changed.windows])]
    const wasAbsent = windows.some(
      ({ seenAt, startedAt, isStamped }) =>
        seenAt !== undefined || born >= startedAt - (isStamped ? 0 : granularityMs(born)),
    )
    // A moved file is older than its path.
    const trustedMs = this.#options.trustedMs()
    const wasSeenAbsent = windows.some(
      ({ startedAt, lookedBefore = 0 }) => lookedBefore >= startedAt - trustedMs,
    )
    const at = changed.windows.length > 0 ? changed.at : born
    return { ...changed, windows, at, wasAbsent: wasAbsent || (wasSeenAbsent && isMoved()) }
  }

  /** Whether others than these may have made a change at that time. */
  isOfMore(windows: readonly ChildWindow[], time: ChangeTime): boolean {
    return windowsOf(this.#options.windows.all, time).some((window) => !windows.includes(window))
  }

  endLook(look: { readonly isPartial: boolean }): void {
    this.#sightings.endLook(look)
  }

  /** The file's known state is its present one. */
  forget(path: string): void {
    this.#sightings.forget(path)
  }
}
