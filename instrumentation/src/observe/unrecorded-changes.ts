/**
 * The app's own changes that are not recorded, such as those outside of any turn: they are no child process's either. While one
 * of them is in flight on a path, the path counts as being written, whatever else ends on it.
 */
import type { FileContent } from './host-files.ts'
import type { OwnChanges } from './path-states.ts'

export class UnrecordedChanges implements OwnChanges {
  readonly #changes: OwnChanges
  /** Calls in flight, by path. */
  readonly #inFlight = new Map<string, number>()

  constructor(changes: OwnChanges) {
    this.#changes = changes
  }

  get isPrepared(): boolean {
    return this.#changes.isPrepared
  }

  get isWatching(): boolean {
    return this.#changes.isWatching
  }

  leftByChild(stampedAt: number): boolean {
    return this.#changes.leftByChild(stampedAt)
  }

  writing(path: string, before?: FileContent): void {
    this.#changes.writing(path, before)
  }

  changed(path: string): void {
    if (!this.#inFlight.has(path)) this.#changes.changed(path)
  }

  /** A call begins. The returned function is called when it has returned. */
  begin(path: string, before: FileContent | undefined): () => void {
    const others = this.#inFlight.get(path) ?? 0
    this.#inFlight.set(path, others + 1)
    if (others === 0) this.#changes.writing(path, before)
    return () => {
      const left = (this.#inFlight.get(path) ?? 1) - 1
      if (left > 0) this.#inFlight.set(path, left)
      else {
        this.#inFlight.delete(path)
        this.#changes.changed(path)
      }
    }
  }
}
