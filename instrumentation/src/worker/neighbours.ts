/**
 * The living recorders of the same destination: other processes, and other threads of this one. A round of the adoption
 * notes them; `haveChanged` finds out, with a few calls, whether one has come or ended since, so that the next round begins
 * within seconds. Above `livingMax` the others wait for the regular round.
 */
import * as path from 'node:path'
import { attempt, type FileSystem, namesIn } from '../file-system.ts'
import { isStopped, isThere, livenessOf } from '../spool/liveness.ts'
import { hasEnded, readIdentity } from '../spool/recorder-folder.ts'

const livingMax = 200
/** Recorders that are looked at while the host waits. */
const looksMax = 100

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

/**
 * Whether another process with a recorder lives and is not stopped, whose worker finds what this process leaves. Beyond `looksMax` recorders it is not
 * known, and the answer is false.
 */
export function livesAnother(fileSystem: FileSystem, directory: string): boolean {
  return namesIn(fileSystem, directory)
    .slice(0, looksMax)
    .some((name) => {
      const folder = path.join(directory, name)
      if (hasEnded(fileSystem, folder)) return false
      const liveness = attempt(() => readIdentity(fileSystem, folder))?.liveness
      if (liveness === undefined || liveness.pid === process.pid) return false
      return livenessOf(liveness, fileSystem) === 'alive' && !isStopped(liveness.pid, fileSystem)
    })
}
