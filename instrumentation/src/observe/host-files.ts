/**
 * The host's files: what a path refers to, and what it holds. Never throws.
 *
 * Reads regular files only (a FIFO would hang the host), synchronously (an asynchronous read would reorder the host's
 * writes), into one reused buffer, up to `contentBytesMax`.
 */
import * as path from 'node:path'
import { type FileSystem, originalFs } from '../file-system.ts'

/** Folders that tools fill with thousands of files, which nobody reviews. */
const ignoredFolders: ReadonlySet<string> = new Set(['.git', 'node_modules'])
const bufferBytes = 256 * 1024
/** A buffer that had to grow beyond this is released. */
const bufferBytesKept = 4 * 1024 ** 2

export interface HostFilesOptions {
  /** Absolute; of files outside it only path, hash and size are recorded. */
  readonly workspace: string
  /** Turnlog's folders, never recorded. */
  readonly ownFolders: readonly string[]
  readonly contentBytesMax: number
  readonly fileSystem?: FileSystem
}

export interface FileLocation {
  readonly absolute: string
  /** As it is recorded: relative to the workspace, with `/`; absolute outside it. */
  readonly displayed: string
  readonly isOutside: boolean
  readonly isIgnored: boolean
  /** The forms in which a tool's argument may write it. */
  readonly names: readonly string[]
}

/** What a path holds. `bytes` is valid until the next call. */
export type FileContent =
  | { readonly state: 'absent' }
  | { readonly state: 'content'; readonly bytes: Uint8Array; readonly mode: number }
  | {
      readonly state: 'omitted'
      readonly reason: 'too_large' | 'unreadable' | 'not_a_file'
      readonly size?: number
      readonly mode?: number
      readonly isDirectory?: boolean
    }

export class HostFiles {
  readonly #fileSystem: FileSystem
  readonly #ownFolders: readonly string[]
  #buffer = Buffer.allocUnsafeSlow(bufferBytes)
  /** As it is recorded with every operation: with all links resolved. */
  readonly workspace: string
  readonly contentBytesMax: number

  constructor({ fileSystem = originalFs, ...options }: HostFilesOptions) {
    this.#fileSystem = fileSystem
    this.workspace = this.#realPath(path.resolve(options.workspace))
    this.#ownFolders = options.ownFolders.map((folder) => this.#realPath(folder))
    this.contentBytesMax = options.contentBytesMax
  }

  /** `given` is absolute. With `isLink`, a link at its end is meant, not its target. */
  locate(given: string, { isLink }: { readonly isLink: boolean }): FileLocation {
    const absolute = isLink ? this.realParent(given) : this.#realPath(given)
    const relative = path.relative(this.workspace, absolute)
    const isOutside = relative === '' || relative.startsWith('..') || path.isAbsolute(relative)
    const isInIgnored =
      !isOutside && relative.split(path.sep).some((folder) => ignoredFolders.has(folder))
    return {
      absolute,
      displayed: isOutside ? absolute : posix(relative),
      isOutside,
      isIgnored:
        isInIgnored ||
        this.#ownFolders.some((own) => absolute === own || absolute.startsWith(own + path.sep)),
      names: [posix(relative), `./${posix(relative)}`, absolute, given],
    }
  }

  /** The path with the links of its folders resolved, but not a link at its end. */
  realParent(absolute: string): string {
    const parent = path.dirname(absolute)
    return parent === absolute
      ? absolute
      : path.join(this.#realPath(parent), path.basename(absolute))
  }

  /** Reads what `path` leads to. With `isLink`, a link at its end is meant, and is not a file. */
  read(path: string, { isLink = false } = {}): FileContent {
    let stat: ReturnType<FileSystem['statSync']> | undefined
    try {
      const { lstatSync, statSync } = this.#fileSystem
      stat = (isLink ? lstatSync : statSync)(path, { throwIfNoEntry: false })
    } catch {
      return { state: 'omitted', reason: 'unreadable' }
    }
    if (stat === undefined) return { state: 'absent' }
    const mode = Number(stat.mode) & 0o7777
    if (!stat.isFile()) {
      return { state: 'omitted', reason: 'not_a_file', isDirectory: stat.isDirectory() }
    }
    const size = Number(stat.size)
    if (size > this.contentBytesMax) return { state: 'omitted', reason: 'too_large', size, mode }
    try {
      return { state: 'content', bytes: this.#readBytes(path, size), mode }
    } catch {
      return { state: 'omitted', reason: 'unreadable', size, mode }
    }
  }

  #readBytes(path: string, size: number): Uint8Array {
    if (this.#buffer.byteLength > bufferBytesKept)
      this.#buffer = Buffer.allocUnsafeSlow(bufferBytes)
    // One byte more than the size shows whether the file has grown since.
    if (size + 1 > this.#buffer.byteLength) this.#buffer = Buffer.allocUnsafeSlow(size + 1)
    const descriptor = this.#fileSystem.openSync(path, 'r')
    try {
      let read = 0
      while (read <= size) {
        const left = size + 1 - read
        const count = this.#fileSystem.readSync(descriptor, this.#buffer, read, left, read)
        if (count === 0) break
        read += count
      }
      return this.#buffer.subarray(0, Math.min(read, size))
    } finally {
      this.#fileSystem.closeSync(descriptor)
    }
  }

  /** The path with every link resolved, also where its last parts do not exist yet. */
  #realPath(absolute: string): string {
    try {
      return this.#fileSystem.realpathSync.native(absolute)
    } catch {
      return this.realParent(absolute)
    }
  }
}

function posix(relative: string): string {
  return path.sep === '/' ? relative : relative.split(path.sep).join('/')
}
