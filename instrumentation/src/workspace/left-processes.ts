/**
 * Processes that a child has left behind, such as a shell's command in the background (`build &`). Their parent has ended, so they
 * are no descendants of the app any more, and only their environment shows where they come from: it has the mark that the child
 * was started with. Linux shows both; elsewhere none is found. As long as one lives, it is looked for once a second.
 */
import * as path from 'node:path'
import { attempt, type FileSystem } from '../file-system.ts'

const processesFolder = '/proc'
/** Environments are read up to here. */
const readBytesMax = 128 * 1024
/** A longer chain of parents is none. */
const parentsMax = 100
const lookEveryMs = 1_000

export interface LeftProcessesOptions {
  readonly fileSystem: Pick<FileSystem, 'readdirSync' | 'openSync' | 'readSync' | 'closeSync'>
  /** Never one of them. */
  readonly ownPid: number
  /** The last process that this child has left behind is gone. */
  readonly onGone: (id: number) => void
}

interface Left {
  readonly mark: string
  readonly pid: number
}

export class LeftProcesses {
  readonly #options: LeftProcessesOptions
  readonly #byChild = new Map<number, Left>()
  readonly #buffer = Buffer.allocUnsafe(readBytesMax)
  #timer: NodeJS.Timeout | undefined

  constructor(options: LeftProcessesOptions) {
    this.#options = options
  }

  /**
   * Whether a child that has ended, with this id and process number, has left processes behind: then they are followed.
   * `pid` 0: it is not known. Never throws.
   */
  look(id: number, mark: string, pid: number): boolean {
    if (!this.#isAlive({ mark, pid })) return false
    this.#byChild.set(id, { mark, pid })
    this.#timer ??= setInterval(() => this.#lookAgain(), lookEveryMs).unref()
    return true
  }

  forget(id: number): void {
    this.#byChild.delete(id)
    if (this.#byChild.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  #lookAgain(): void {
    for (const [id, left] of this.#byChild) {
      if (this.#isAlive(left)) continue
      this.forget(id)
      this.#options.onGone(id)
    }
  }

  /** Processes are numbered in the order of their starts, so those before the child are not read. */
  #isAlive({ mark, pid }: Left): boolean {
    const { fileSystem, ownPid } = this.#options
    const names = attempt(() => fileSystem.readdirSync(processesFolder)) ?? []
    return names.some((name) => {
      const each = Number(name)
      if (!(each > pid) || each === ownPid) return false
      return this.#read(each, 'environ')?.includes(mark) === true && this.#isLeft(each)
    })
  }

  /** Whether its parents lead to the system, and not to the app. Of a process that has ended meanwhile: no. */
  #isLeft(pid: number): boolean {
    const { ownPid } = this.#options
    let chain = [pid]
    for (let tries = 0; chain.length <= parentsMax && tries < 2 * parentsMax; tries += 1) {
      const parent = this.#parentOf(chain.at(-1) ?? 0)
      if (parent === ownPid) return false
      if (parent !== undefined && parent <= 1) return true
      if (parent !== undefined) chain.push(parent)
      // A parent has ended meanwhile, so the process has another one now.
      else if (chain.length > 1) chain = [pid]
      else return false
    }
    return false
  }

  /** `undefined` if the process is gone. */
  #parentOf(pid: number): number | undefined {
    // `pid (name) state parent …`; the name may contain anything (proc_pid_stat(5)).
    const stat = this.#read(pid, 'stat')?.toString('latin1')
    const parent = stat && Number(stat.slice(stat.lastIndexOf(')') + 1).split(' ')[2])
    return typeof parent === 'number' && Number.isInteger(parent) ? parent : undefined
  }

  /** `undefined` if the process is gone, or is somebody else's. */
  #read(pid: number, name: 'environ' | 'stat'): Buffer | undefined {
    const { fileSystem } = this.#options
    return attempt(() => {
      const descriptor = fileSystem.openSync(path.join(processesFolder, String(pid), name), 'r')
      try {
        let length = 0
        for (let count = 1; count > 0; length += count) {
          const room = readBytesMax - length
          count = fileSystem.readSync(descriptor, this.#buffer, length, room, null)
        }
        return this.#buffer.subarray(0, length)
      } finally {
        fileSystem.closeSync(descriptor)
      }
    })
  }
}
