/**
 * The mark of a destination's sender process: the file `sender` in the destination's folder, with the process's id and where it is valid. It keeps
 * processes that end at the same time from starting a sender each. It is no lock: if two senders run, the locks of the recorders
 * keep them apart (`spool/lock.ts`).
 *
 * A mark counts while its process lives and it is younger than a sender may become: its process id may have been given to another
 * program. One of another container or machine does not count.
 */
import * as path from 'node:path'
import { attempt, type FileSystem, isFull, readJson, removeFile } from '../file-system.ts'
import { isRunning, ownPlace } from '../spool/liveness.ts'

/** A sender ends after this time at the latest: as long as one request may take. */
export const senderMsMax = 60_000
/** A mark is made before the sender's process. */
const marginMs = 10_000

export interface SenderMarkOptions {
  readonly fileSystem: FileSystem
  /** The destination's folder. */
  readonly directory: string
  /** Milliseconds since 1970. */
  readonly now: () => number
}

export class SenderMark {
  readonly #options: SenderMarkOptions
  readonly #file: string

  constructor(options: SenderMarkOptions) {
    this.#options = options
    this.#file = path.join(options.directory, 'sender')
  }

  /**
   * Makes the mark for this process. False if another one that counts is there. A full disk takes no mark: then there is none, since
   * what is sent makes room. Throws what the disk throws otherwise.
   */
  claim(): boolean {
    const { fileSystem } = this.#options
    for (const isLast of [false, true]) {
      try {
        this.#write(process.pid, 'wx')
        return true
      } catch (cause) {
        const holder = this.#holder()
        if (holder === process.pid) return true
        if (holder !== undefined) return false
        if (isLast && !isFull(cause)) throw cause
        removeFile(fileSystem, this.#file)
        if (isFull(cause)) return true
      }
    }
    return false
  }

  /** This process's mark becomes that of another one. Without room there is no mark. */
  passTo(pid: number): void {
    attempt(() => this.#write(pid, 'w'))
  }

  /** Removes the mark, if it is this process's. */
  release(): void {
    if (this.#holder() === process.pid) {
      attempt(() => removeFile(this.#options.fileSystem, this.#file))
    }
  }

  #write(pid: number, flag: 'w' | 'wx'): void {
    const { fileSystem } = this.#options
    const content = JSON.stringify({ pid, ...ownPlace(fileSystem) })
    fileSystem.writeFileSync(this.#file, content, { flag, mode: 0o600 })
  }

  /** The process that a mark names, if it counts. */
  #holder(): number | undefined {
    const { fileSystem, now } = this.#options
    return attempt(() => {
      const { pid, ...place } = readJson(fileSystem, this.#file) ?? {}
      if (typeof pid !== 'number' || !isHere(place, fileSystem)) return undefined
      const ageMs = now() - Number(fileSystem.statSync(this.#file).mtimeMs)
      const isYoung = Math.abs(ageMs) < senderMsMax + marginMs
      return isYoung && isRunning(pid, fileSystem) ? pid : undefined
    })
  }
}

function isHere(place: Readonly<Record<string, unknown>>, fileSystem: FileSystem): boolean {
  return Object.entries(ownPlace(fileSystem)).every(([name, value]) => place[name] === value)
}
