/**
 * Reads the host's files without releasing the host's locks. When a process closes any descriptor of a file, the system
 * releases all POSIX locks that the process has on it. SQLite, LMDB, DuckDB and LevelDB rely on such locks: without them another
 * process may delete a write-ahead log that is in use, and committed data is lost.
 *
 * So a descriptor of a file that the process has open elsewhere is kept, and used again, until no other is open. At most
 * `keptMax` are kept; beyond it no file is opened. JavaScript itself cannot lock files, so a process without native code is
 * not checked, except for SQLite databases.
 */
import { constants } from 'node:fs'
import type { FileSystem } from '../file-system.ts'

const keptMax = 256
/** What became a pipe since it was looked at must not hang the thread, and what became a link is not followed. */
const readFlags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)
/** Where the system lists the descriptors of this process. Windows has no POSIX locks. */
const descriptorsFolder = process.platform === 'linux' ? '/proc/self/fd' : '/dev/fd'

type DescriptorFiles = Pick<
  FileSystem,
  'openSync' | 'closeSync' | 'fstatSync' | 'lstatSync' | 'readdirSync'
>

export class Descriptors {
  readonly #fileSystem: DescriptorFiles
  readonly #hasNativeCode: () => boolean
  /** By device and number of the file. */
  readonly #kept = new Map<string, number>()

  constructor(fileSystem: DescriptorFiles, hasNativeCode: () => boolean) {
    this.#fileSystem = fileSystem
    this.#hasNativeCode = hasNativeCode
  }

  /** For reading. */
  open(file: string): number {
    if (this.#kept.size > 0) {
      const kept = this.#kept.get(keyOf(this.#fileSystem.lstatSync(file)))
      if (kept !== undefined) return kept
      if (this.#kept.size >= keptMax) throw new Error('Too many files are open elsewhere.')
    }
    return this.#fileSystem.openSync(file, readFlags)
  }

  /** Whether closing it now, or another descriptor of its file, could release locks. */
  mayBeLocked(descriptor: number, isDatabase: boolean): boolean {
    if (process.platform === 'win32' || !(isDatabase || this.#hasNativeCode())) return false
    return this.#isOpenElsewhere(descriptor)
  }

  /** Closes it, now or later. */
  close(descriptor: number, isDatabase: boolean): void {
    const key = keyOf(this.#fileSystem.fstatSync(descriptor))
    if (this.#kept.get(key) === descriptor) return
    if (this.mayBeLocked(descriptor, isDatabase)) this.#kept.set(key, descriptor)
    else this.#fileSystem.closeSync(descriptor)
  }

  /** Closes what is not open elsewhere any more. */
  sweep(): void {
    for (const [key, descriptor] of this.#kept) {
      if (this.#isOpenElsewhere(descriptor)) continue
      this.#kept.delete(key)
      this.#fileSystem.closeSync(descriptor)
    }
  }

  #isOpenElsewhere(descriptor: number): boolean {
    const fileSystem = this.#fileSystem
    const key = keyOf(fileSystem.fstatSync(descriptor))
    let names: readonly string[]
    try {
      names = fileSystem.readdirSync(descriptorsFolder)
    } catch {
      return true
    }
    return names.some((name) => Number(name) !== descriptor && this.#keyOf(Number(name)) === key)
  }

  #keyOf(descriptor: number): string | undefined {
    try {
      return keyOf(this.#fileSystem.fstatSync(descriptor))
    } catch {
      // Closed meanwhile.
      return undefined
    }
  }
}

function keyOf({ dev, ino }: { readonly dev: number; readonly ino: number }): string {
  return `${dev}:${ino}`
}
