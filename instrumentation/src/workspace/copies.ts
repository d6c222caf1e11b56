/**
 * Private copies of the workspace's files, by the SHA-256 of their content: `copies/<64 hex digits>` in the recorder's
 * folder, 0600. A copy shares its blocks with the file where the file system can do that (a reflink); it is never a hard
 * link, which would change with its file.
 *
 * A content is accepted only if the file was the same before and after it was read. Real copies take at most `bytesMax`;
 * beyond it only the hash is known. A copy that nothing refers to any more is removed `graceMs` later, since a record that
 * needs it may not be sealed yet.
 */
import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import * as path from 'node:path'
import { errorCode } from '@turnlog/conventions/plain'
import { attempt, type FileSystem, isFull, makePrivateFolder, removeFile } from '../file-system.ts'
import { emptySha256 } from '../spool/workspace-copies.ts'
import { Descriptors } from './descriptors.ts'
import { type FileStat, isSame, statOf } from './file-stat.ts'
import { isDatabase, isInTransaction } from './sqlite-files.ts'

/** A file above this is not hashed: its size and times are all that is compared. */
const hashedBytesMax = 64 * 1024 ** 2
/** Sealing takes seconds; a full disk may delay it. */
const graceMs = 10 * 60_000
/** A file that changes during every attempt is being written. */
const attemptsMax = 3
const bufferBytesKept = 4 * 1024 ** 2
/** As many as the names of formats have. */
const headerBytes = 16

/** The content of a file: its hash, or the reason why it is not known. `isDatabase`: of SQLite; `undefined`: not known. */
export type Content = { readonly isDatabase?: boolean } & ContentFacts

type ContentFacts =
  | {
      readonly sha256: string
      readonly size: number
      /** Undefined: there is a copy. */
      readonly omitted: 'too_large' | 'not_copied' | undefined
    }
  | { readonly sha256: undefined; readonly size: number; readonly omitted: ContentReason }

export type ContentReason = 'too_large' | 'unreadable' | 'not_copied' | 'changing'

export interface CopiesOptions {
  readonly fileSystem: FileSystem
  readonly folder: string
  readonly contentBytesMax: number
  readonly bytesMax: number
  readonly now: () => number
  /** Native code of the process may have locked files. */
  readonly hasNativeCode: () => boolean
}

interface Copy {
  readonly bytes: number
  users: number
}

export class Copies {
  readonly #options: CopiesOptions
  readonly #descriptors: Descriptors
  readonly #copies = new Map<string, Copy>()
  /** Copies without users, with the time at which they may be removed, in that order. */
  readonly #unused = new Map<string, number>()
  #bytes = 0
  #canClone: boolean = true
  #isFolderMade: boolean = false
  #buffer = Buffer.allocUnsafeSlow(256 * 1024)

  constructor(options: CopiesOptions) {
    this.#options = options
    this.#descriptors = new Descriptors(options.fileSystem, options.hasNativeCode)
  }

  /** The bytes of real copies. */
  get bytes(): number {
    return this.#bytes
  }

  /**
   * Reads the file, and keeps a copy until `release`. `expected`: only in this state. Contents that changed have a budget of their
   * own, as large as that of the workspace.
   */
  take(
    file: string,
    { expected, isChange = false }: { readonly expected?: FileStat; readonly isChange?: boolean },
  ): { readonly stat: FileStat; readonly content: Content } | undefined {
    const bytesMax = this.#options.bytesMax * (isChange ? 2 : 1)
    let last: FileStat | undefined
    for (let tried = 0; tried < attemptsMax; tried += 1) {
      const stat = this.#statOf(file)
      if (stat === undefined || (expected !== undefined && !isSame(stat, expected)))
        return undefined
      last = stat
      const content = this.#read(file, stat, bytesMax)
      const after = this.#statOf(file)
      if (after !== undefined && isSame(stat, after)) return { stat, content }
      this.release(content)
    }
    if (last === undefined) return undefined
    return { stat: last, content: { sha256: undefined, size: last.size, omitted: 'changing' } }
  }

  /** Keeps a copy of these bytes until `release`. */
  keep(bytes: Uint8Array): Content {
    const { contentBytesMax, bytesMax } = this.#options
    const size = bytes.byteLength
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    if (size > contentBytesMax) return { sha256, size, omitted: 'too_large' }
    return this.#store(sha256, bytes, bytesMax * 2)
  }

  /** Nothing refers to it any more, except records that may not be sealed yet. */
  release({ sha256, omitted }: Content): void {
    const copy = sha256 === undefined || omitted ? undefined : this.#copies.get(sha256)
    if (sha256 === undefined || copy === undefined) return
    copy.users -= 1
    if (copy.users === 0) this.#unused.set(sha256, this.#options.now() + graceMs)
  }

  /** Removes copies whose time has come. */
  sweep(): void {
    this.#descriptors.sweep()
    for (const [sha256, until] of this.#unused) {
      if (until > this.#options.now()) return
      this.#unused.delete(sha256)
      this.#bytes -= this.#copies.get(sha256)?.bytes ?? 0
      this.#copies.delete(sha256)
      attempt(() => removeFile(this.#options.fileSystem, this.#pathOf(sha256)))
    }
  }

  #statOf(file: string): FileStat | undefined {
    const found = attempt(() => this.#options.fileSystem.lstatSync(file, { throwIfNoEntry: false }))
    return found?.isFile() === true ? statOf(found) : undefined
  }

  #read(file: string, { size }: FileStat, bytesMax: number): Content {
    if (size > hashedBytesMax) return { sha256: undefined, size, omitted: 'too_large' }
    if (size === 0) return { sha256: emptySha256, size, omitted: undefined }
    try {
      const descriptor = this.#descriptors.open(file)
      let isOfSqlite = false
      try {
        isOfSqlite = isDatabase(this.#bytesOf(descriptor, headerBytes))
        if (isOfSqlite && isInTransaction(file, this.#options.fileSystem)) {
          return { sha256: undefined, size, omitted: 'changing', isDatabase: true }
        }
        const content = this.#contentOf(file, descriptor, { size, bytesMax, isOfSqlite })
        return { ...content, isDatabase: isOfSqlite }
      } finally {
        this.#descriptors.close(descriptor, isOfSqlite)
      }
    } catch (cause) {
      if (isFull(cause)) return { sha256: undefined, size, omitted: 'not_copied' }
      return { sha256: undefined, size, omitted: 'unreadable' }
    }
  }

  #contentOf(
    file: string,
    descriptor: number,
    facts: { readonly size: number; readonly bytesMax: number; readonly isOfSqlite: boolean },
  ): Content {
    const { size, bytesMax, isOfSqlite } = facts
    if (size > this.#options.contentBytesMax) {
      const { sha256 } = hashOf(this.#bytesOf(descriptor, size))
      return { sha256, size, omitted: 'too_large' }
    }
    // To clone it opens and closes it.
    const canClone = this.#canClone && !this.#descriptors.mayBeLocked(descriptor, isOfSqlite)
    const clone = canClone ? this.#clone(file, size) : undefined
    return clone ?? this.#copy(descriptor, size, bytesMax)
  }

  /** A copy that shares its blocks; `undefined` where the file system has none. */
  #clone(file: string, size: number): Content | undefined {
    const { fileSystem } = this.#options
    const temporary = this.#pathOf('clone.tmp')
    try {
      this.#makeFolder()
      fileSystem.copyFileSync(file, temporary, constants.COPYFILE_FICLONE_FORCE)
    } catch (cause) {
      // The file itself may be unreadable; then copying says so.
      if (!/^(EACCES|EPERM|ENOENT)$/.test(errorCode(cause) ?? '')) this.#canClone = false
      attempt(() => removeFile(fileSystem, temporary))
      return undefined
    }
    const descriptor = fileSystem.openSync(temporary, 'r')
    const { sha256 } = hashOf(this.#bytesOf(descriptor, size))
    fileSystem.closeSync(descriptor)
    if (this.#use(sha256, 0)) attempt(() => removeFile(fileSystem, temporary))
    else {
      fileSystem.chmodSync(temporary, 0o600)
      fileSystem.renameSync(temporary, this.#pathOf(sha256))
    }
    return { sha256, size, omitted: undefined }
  }

  #copy(descriptor: number, size: number, bytesMax: number): Content {
    const { sha256, bytes } = hashOf(this.#bytesOf(descriptor, size))
    return this.#store(sha256, bytes, bytesMax)
  }

  #store(sha256: string, bytes: Uint8Array, bytesMax: number): Content {
    const { fileSystem } = this.#options
    const size = bytes.byteLength
    if (this.#copies.has(sha256)) {
      this.#use(sha256, 0)
      return { sha256, size, omitted: undefined }
    }
    if (this.#bytes + size > bytesMax) return { sha256, size, omitted: 'not_copied' }
    this.#makeFolder()
    try {
      fileSystem.writeFileSync(this.#pathOf(sha256), bytes, { mode: 0o600 })
    } catch {
      // A full disk: the copy would be torn.
      attempt(() => removeFile(fileSystem, this.#pathOf(sha256)))
      return { sha256, size, omitted: 'not_copied' }
    }
    this.#use(sha256, size)
    return { sha256, size, omitted: undefined }
  }

  /** Counts a user; true if there was a copy. */
  #use(sha256: string, bytes: number): boolean {
    const known = this.#copies.get(sha256)
    this.#unused.delete(sha256)
    if (known === undefined) {
      this.#copies.set(sha256, { bytes, users: 1 })
      this.#bytes += bytes
    } else known.users += 1
    return known !== undefined
  }

  /** The first `size` bytes, in a buffer that is used again. */
  #bytesOf(descriptor: number, size: number): Uint8Array {
    const { fileSystem } = this.#options
    if (this.#buffer.byteLength > bufferBytesKept) this.#buffer = Buffer.allocUnsafeSlow(256 * 1024)
    if (this.#buffer.byteLength < size) this.#buffer = Buffer.allocUnsafeSlow(size)
    let read = 0
    while (read < size) {
      const count = fileSystem.readSync(descriptor, this.#buffer, read, size - read, read)
      if (count === 0) break
      read += count
    }
    return this.#buffer.subarray(0, read)
  }

  #makeFolder(): void {
    if (this.#isFolderMade) return
    makePrivateFolder(this.#options.fileSystem, this.#options.folder)
    this.#isFolderMade = true
  }

  #pathOf(name: string): string {
    return path.join(this.#options.folder, name)
  }
}

function hashOf(bytes: Uint8Array): { readonly sha256: string; readonly bytes: Uint8Array } {
  return { sha256: createHash('sha256').update(bytes).digest('hex'), bytes }
}
