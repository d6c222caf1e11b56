/**
 * The host's files: what a path refers to, and what it holds. Never throws.
 *
 * Reads regular files only (a FIFO would hang the host), synchronously (an asynchronous read would reorder the host's
 * writes), into one reused buffer, up to `contentBytesMax`. A file that changes while it is read, or that another program
 * seems to be writing, is not taken for a state of the file. Reading a SQLite database releases none of the host's locks.
 */
import type { Dirent, Stats } from 'node:fs'
import * as path from 'node:path'
import { attempt, type FileSystem, originalFs } from '../file-system.ts'
import { Descriptors } from '../workspace/descriptors.ts'
import { isDatabase } from '../workspace/sqlite-files.ts'

/** Folders that tools fill with thousands of files, which nobody reviews. */
const ignoredFolders: ReadonlySet<string> = new Set(['.git', 'node_modules'])
const bufferBytes = 256 * 1024
/** A buffer that had to grow beyond this is released. */
const bufferBytesKept = 4 * 1024 ** 2
/** A file that changed this recently may still be written. */
const settlingMs = 100
/** The clocks of file systems are this coarse. */
const clockTickMs = 5
/** Programs truncate a file and write it in whole pages: in between its size is a multiple of one. */
const pageBytes = 4_096
/** A file that changes under each of these reads has no state that could be recorded. */
const readsMax = 3

export interface HostFilesOptions {
  /** Absolute; of files outside it only path, hash and size are recorded. */
  readonly workspace: string
  /** Turnlog's folders, never recorded. */
  readonly ownFolders: readonly string[]
  readonly contentBytesMax: number
  readonly now?: () => number
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

/** Changes whenever the file behind a path is written or replaced, as far as its file system says. */
export type FileStamp = string

/** What a path holds. `bytes` is valid until the next call. */
export type FileContent =
  | { readonly state: 'absent' }
  | {
      readonly state: 'content'
      readonly bytes: Uint8Array
      readonly size: number
      readonly mode: number
      readonly stamp: FileStamp
    }
  | {
      readonly state: 'omitted'
      readonly reason: 'too_large' | 'unreadable' | 'not_a_file' | 'being_written'
      readonly size?: number
      readonly mode?: number
      readonly isDirectory?: boolean
      readonly stamp?: FileStamp
    }

export interface ReadOptions {
  /** A link at the path's end is meant, and is not a file. */
  readonly isLink?: boolean
  /**
   * The stamp of the last state that is known to be complete. With it, a file that changed a moment ago, and is as long as
   * one that is only partly written, counts as `being_written`.
   */
  readonly lastKnown?: FileStamp | undefined
  /** A larger file is not read. */
  readonly bytesMax?: number
}

export interface FolderWalk {
  /** Regular files, relative to the folder. */
  readonly files: readonly string[]
  /** A limit was met: there may be more. */
  readonly isPartial: boolean
  /** Folders that were not entered, since what is in them is never recorded. */
  readonly ignored: number
}

interface WalkLimits {
  readonly filesMin: number
  readonly filesMax: number
  /** By `performance.now()`. */
  readonly until: number
}

export class HostFiles {
  readonly #fileSystem: FileSystem
  readonly #descriptors: Descriptors
  /** Turnlog's folders, with all links resolved. */
  readonly ownFolders: readonly string[]
  readonly #now: () => number
  #buffer = Buffer.allocUnsafeSlow(bufferBytes)
  /** As it is recorded with every operation: with all links resolved. */
  readonly workspace: string
  readonly contentBytesMax: number

  constructor({ fileSystem = originalFs, now = Date.now, ...options }: HostFilesOptions) {
    this.#fileSystem = fileSystem
    // Who changes another kind of locked file through `node:fs` closes descriptors of it himself.
    this.#descriptors = new Descriptors(fileSystem, () => false)
    this.#now = now
    this.workspace = this.#realPath(path.resolve(options.workspace))
    this.ownFolders = options.ownFolders.map((folder) => this.#realPath(folder))
    this.contentBytesMax = options.contentBytesMax
  }

  /** `given` is absolute. With `isLink`, a link at its end is meant, not its target. */
  locate(given: string, { isLink }: { readonly isLink: boolean }): FileLocation {
    return this.locateReal(isLink ? this.realParent(given) : this.#realPath(given), given)
  }

  /** `absolute` has no links in it. Does not ask the disk. */
  locateReal(absolute: string, given = absolute): FileLocation {
    const described = this.#describe(absolute)
    return { ...described, names: [...described.names, given] }
  }

  /** A file in a folder whose links are resolved. */
  locateIn(folder: FileLocation, relative: string): FileLocation {
    return this.#describe(path.join(folder.absolute, relative))
  }

  /** Whether the path is one of Turnlog's own. */
  isOwn(absolute: string): boolean {
    return this.ownFolders.some((own) => absolute === own || absolute.startsWith(own + path.sep))
  }

  /** The path with the links of its folders resolved, but not a link at its end. */
  realParent(absolute: string): string {
    const parent = path.dirname(absolute)
    return parent === absolute
      ? absolute
      : path.join(this.#realPath(parent), path.basename(absolute))
  }

  /** Reads what `path` leads to. */
  read(path: string, { isLink = false, lastKnown, bytesMax }: ReadOptions = {}): FileContent {
    const sizeMax = Math.min(this.contentBytesMax, bytesMax ?? this.contentBytesMax)
    for (let reads = 1; ; reads += 1) {
      const stat = this.#stat(path, isLink)
      if (stat === 'unreadable') return { state: 'omitted', reason: 'unreadable' }
      if (stat === undefined) return { state: 'absent' }
      const mode = stat.mode & 0o7777
      const [stamp, size] = [stampOf(stat), stat.size]
      if (!stat.isFile()) {
        const isDirectory = stat.isDirectory()
        return { state: 'omitted', reason: 'not_a_file', isDirectory, stamp }
      }
      if (size > sizeMax) {
        return { state: 'omitted', reason: 'too_large', size, mode, stamp }
      }
      if (lastKnown !== undefined && lastKnown !== stamp && this.#seemsUnfinished(stat)) {
        return { state: 'omitted', reason: 'being_written', size, mode, stamp }
      }
      try {
        const bytes = this.#readBytes(path, stat)
        if (bytes !== undefined) return { state: 'content', bytes, size, mode, stamp }
      } catch {
        return { state: 'omitted', reason: 'unreadable', size, mode, stamp }
      }
      if (reads === readsMax)
        return { state: 'omitted', reason: 'being_written', size, mode, stamp }
    }
  }

  /** Of a path that cannot be looked at, or holds nothing: '' */
  stamp(path: string, { isLink = false } = {}): FileStamp {
    const stat = this.#stat(path, isLink)
    return typeof stat === 'object' ? stampOf(stat) : ''
  }

  /** Whether anything has the name. */
  /** Whether the descriptor is still that of the path's file, which may have been removed or replaced since. */
  isOpenAs(descriptor: number, absolute: string): boolean {
    const open = attempt(() => this.#fileSystem.fstatSync(descriptor))
    const stat = attempt(() => this.#fileSystem.statSync(absolute))
    return stat !== undefined && open?.ino === stat.ino && open.dev === stat.dev
  }

  exists(path: string): boolean {
    return this.#stat(path, true) !== undefined
  }

  /** Whether the name is that of a regular file, or of a folder, and not of a link to one. */
  isFile(path: string): boolean {
    const stat = this.#stat(path, true)
    return typeof stat === 'object' && stat.isFile()
  }

  isFolder(path: string): boolean {
    const stat = this.#stat(path, true)
    return typeof stat === 'object' && stat.isDirectory()
  }

  /**
   * The regular files below a folder, without those that are never recorded: up to `filesMax` of them and `until`, but not
   * before `filesMin` names were seen.
   */
  walk(folder: string, { filesMin, filesMax, until }: WalkLimits): FolderWalk {
    const files: string[] = []
    const folders = ['']
    let [ignored, seen] = [0, 0]
    for (let next = folders.pop(); next !== undefined; next = folders.pop()) {
      for (const entry of this.#entries(path.join(folder, next))) {
        const relative = path.join(next, entry.name)
        seen += 1
        if (entry.isFile()) files.push(relative)
        else if (entry.isDirectory() && ignoredFolders.has(entry.name)) ignored += 1
        else if (entry.isDirectory()) folders.push(relative)
      }
      if (files.length > filesMax || (seen >= filesMin && performance.now() > until)) {
        return { files: files.slice(0, filesMax), isPartial: true, ignored }
      }
    }
    return { files, isPartial: false, ignored }
  }

  #describe(absolute: string): FileLocation {
    const relative = path.relative(this.workspace, absolute)
    const isOutside =
      relative === '' || /^\.\.(?:$|[\\/])/.test(relative) || path.isAbsolute(relative)
    const isInIgnored =
      !isOutside && relative.split(path.sep).some((folder) => ignoredFolders.has(folder))
    return {
      absolute,
      displayed: isOutside ? absolute : posix(relative),
      isOutside,
      isIgnored: isInIgnored || this.isOwn(absolute),
      names: [posix(relative), `./${posix(relative)}`, absolute],
    }
  }

  #entries(folder: string): Dirent[] {
    try {
      return this.#fileSystem.readdirSync(folder, { withFileTypes: true })
    } catch {
      return []
    }
  }

  #stat(path: string, isLink: boolean): Stats | undefined | 'unreadable' {
    try {
      const { lstatSync, statSync } = this.#fileSystem
      return (isLink ? lstatSync : statSync)(path, { throwIfNoEntry: false })
    } catch {
      return 'unreadable'
    }
  }

  #seemsUnfinished({ size, mtimeMs, birthtimeMs }: Stats): boolean {
    // An empty file that is new was truncated by nobody.
    const isNew = mtimeMs - birthtimeMs < clockTickMs
    return size % pageBytes === 0 && !isNew && Math.abs(this.#now() - mtimeMs) < settlingMs
  }

  /** `undefined` when the file changed meanwhile. */
  #readBytes(path: string, stat: Stats): Uint8Array | undefined {
    const { size } = stat
    if (this.#buffer.byteLength > bufferBytesKept)
      this.#buffer = Buffer.allocUnsafeSlow(bufferBytes)
    // One byte more than the size shows whether the file has grown since.
    if (size + 1 > this.#buffer.byteLength) this.#buffer = Buffer.allocUnsafeSlow(size + 1)
    this.#descriptors.sweep()
    const descriptor = this.#descriptors.open(path)
    let read = 0
    try {
      while (read <= size) {
        const left = size + 1 - read
        const count = this.#fileSystem.readSync(descriptor, this.#buffer, read, left, read)
        if (count === 0) break
        read += count
      }
      const isSame =
        read === size && stampOf(this.#fileSystem.fstatSync(descriptor)) === stampOf(stat)
      return isSame ? this.#buffer.subarray(0, size) : undefined
    } finally {
      this.#descriptors.close(descriptor, isDatabase(this.#buffer.subarray(0, read)))
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

function stampOf({ ino, size, mtimeMs, ctimeMs }: Stats): FileStamp {
  return `${ino} ${size} ${mtimeMs} ${ctimeMs}`
}

function posix(relative: string): string {
  return path.sep === '/' ? relative : relative.split(path.sep).join('/')
}
