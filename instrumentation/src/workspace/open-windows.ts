/** The windows that are open: the lives of children, and the times of native code, that are not compared for the last time. */
import type { ChildWindow, WindowFacts } from './child-window.ts'

/** A child that starts. */
export interface Start {
  readonly id: number
  readonly at: number
  readonly facts: WindowFacts
}

type Changes = Partial<
  Pick<ChildWindow, 'endedAt' | 'hasExited' | 'hasLeft' | 'isTurnOver' | 'servesSince'>
>

export class OpenWindows {
  readonly #byId = new Map<number, ChildWindow>()
  /** Windows so far. */
  #opened = 0
  #seenAt: number | undefined

  /** By id. */
  get byId(): ReadonlyMap<number, ChildWindow> {
    return this.#byId
  }

  get all(): Iterable<ChildWindow> {
    return this.#byId.values()
  }

  /** When all files were looked at. */
  get seenAt(): number | undefined {
    return this.#seenAt
  }

  begin({ id, at, facts }: Start): void {
    const lookedAt = this.#seenAt
    const isSeen = lookedAt !== undefined && lookedAt >= at
    this.#opened += 1
    this.#byId.set(id, {
      ...facts,
      id,
      opened: this.#opened,
      startedAt: at,
      seenAt: isSeen ? lookedAt : undefined,
      lookedBefore: lookedAt,
      endedAt: undefined,
      hasExited: false,
      isTurnOver: false,
      hasLeft: false,
      servesSince: undefined,
    })
  }

  change(id: number, changes: Changes): void {
    const window = this.#byId.get(id)
    if (window !== undefined) Object.assign(window, changes)
  }

  forget(id: number): void {
    this.#byId.delete(id)
  }

  /** All files were looked at. */
  seen(lookedAt: number): void {
    this.#seenAt = lookedAt
    for (const window of this.#byId.values()) {
      if (lookedAt >= window.startedAt) window.seenAt ??= lookedAt
    }
  }
}
