/**
 * The mark of a destination's sender process: the file `sender` in the destination's folder, with the process's id. It keeps
 * processes that end at the same time from starting a sender each. It is no lock: if two senders run, the locks of the recorders
 * keep them apart (`spool/lock.ts`).
 *
 * A mark counts while its process lives and it is younger than a sender may become. By its age a mark is void where a process id
 * was given to another program, or says nothing, as from another container.
 */
import * as path from 'node:path'
import { attempt, type FileSystem, removeFile } from '../file-system.ts'
import { isRunning } from '../spool/liveness.ts'

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

  /** Makes the mark for this process. False if another one that counts is there. Throws what the disk throws. */
  claim(): boolean {
    const { fileSystem } = this.#options
    for (const isLast of [false, true]) {
      try {
        fileSystem.writeFileSync(this.#file, String(process.pid), { flag: 'wx', mode: 0o600 })
        return true
      } catch (cause) {
        const holder = this.#holder()
        if (holder === process.pid) return true
        if (holder !== undefined) return false
        if (isLast) throw cause
        removeFile(fileSystem, this.#file)
      }
    }
    return false
  }

  /** This process's mark becomes that of another one. Throws what the disk throws. */
  passTo(pid: number): void {
    this.#options.fileSystem.writeFileSync(this.#file, String(pid), { mode: 0o600 })
  }

  /** Removes the mark, if it is this process's. */
  release(): void {
    if (this.#holder() === process.pid) {
      attempt(() => removeFile(this.#options.fileSystem, this.#file))
    }
  }

  /** The process that a mark names which counts. */
  #holder(): number | undefined {
    const { fileSystem, now } = this.#options
    return attempt(() => {
      const pid = Number(fileSystem.readFileSync(this.#file, 'utf8'))
      const ageMs = now() - Number(fileSystem.statSync(this.#file).mtimeMs)
      const isOld = Math.abs(ageMs) > senderMsMax + marginMs
      return Number.isSafeInteger(pid) && pid > 0 && !isOld && isRunning(pid, fileSystem)
        ? pid
        : undefined
    })
  }
}
