/**
 * The living recorders of the same destination: other processes, and other threads of this one. A round of the adoption
 * notes them; `haveChanged` finds out, with a few calls, whether one has come or ended since, so that the next round begins
 * within seconds. Above `livingMax` the others wait for the regular round.
 */
import { attempt, type FileSystem } from '../file-system.ts'
import { isThere } from '../spool/liveness.ts'
import { hasEnded } from '../spool/recorder-folder.ts'

const livingMax = 200

export interface NeighboursOptions {
  readonly fileSystem: FileSystem
  /** The destination's folder. A recorder that comes makes a folder in it. */
  readonly directory: string
}

export class Neighbours {
  readonly #options: NeighboursOptions
  readonly #pids = new Map<string, number>()
  #changedAt: number | undefined

  constructor(options: NeighboursOptions) {
    this.#options = options
  }

  /** A round begins: what comes from now on is new. */
  beginRound(): void {
    this.#pids.clear()
    this.#changedAt = this.#directoryChangedAt()
  }

  lives(folder: string, pid: number): void {
    if (this.#pids.size < livingMax) this.#pids.set(folder, pid)
  }

  haveChanged(): boolean {
    if (this.#directoryChangedAt() !== this.#changedAt) return true
    for (const [folder, pid] of this.#pids) {
      if (!isThere(pid) || hasEnded(this.#options.fileSystem, folder)) return true
    }
    return false
  }

  #directoryChangedAt(): number | undefined {
    const { fileSystem, directory } = this.#options
    return attempt(() => Number(fileSystem.statSync(directory).mtimeMs))
  }
}
