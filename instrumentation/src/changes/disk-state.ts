/**
 * Finds where an operation's paths really are, and what they hold now. Refuses every path outside the workspace, and follows
 * no link of the last part of a path.
 */

import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path'
import { errorCode, errorName } from '@turnlog/conventions/plain'
import { attempt, type FileSystem, isMissing } from '../file-system.ts'
import { isInUse } from '../workspace/sqlite-files.ts'
import type { PathRole, RawHash, RecordedChange } from './change.ts'

export type DiskState =
  | RawHash
  | 'absent'
  | 'directory'
  | 'symlink'
  | 'special'
  | 'too_large'
  /** A SQLite database with a write-ahead log or a journal beside it. */
  | 'open_database'
  | 'unreadable'

/** Larger contents are never stored, so a larger file differs from every stored content without being read. */
export const fileBytesMax = 16 * 1024 ** 2

export function hashOf(bytes: Uint8Array): RawHash {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}

/** Reads and hashes a regular file of up to 16 MiB at once: at most about 30 ms. Never throws. */
function readDiskState(fs: FileSystem, path: string): DiskState {
  try {
    const stat = fs.lstatSync(path)
    if (stat.isSymbolicLink()) return 'symlink'
    if (stat.isDirectory()) return 'directory'
    if (!stat.isFile()) return 'special'
    if (stat.size > fileBytesMax) return 'too_large'
    // Reading it, and closing it again, would release the locks that this process has on it.
    if (isInUse(path, fs)) return 'open_database'
    return readRegular(fs, path)
  } catch (error) {
    if (isMissing(error)) return 'absent'
    return errorCode(error) === 'ELOOP' ? 'symlink' : 'unreadable'
  }
}

function readRegular(fs: FileSystem, path: string): DiskState {
  // Windows has neither flag: there they are undefined, and 0 does nothing.
  const flags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)
  const descriptor = fs.openSync(path, flags)
  try {
    const stat = fs.fstatSync(descriptor)
    if (!stat.isFile()) return 'special'
    if (stat.size > fileBytesMax) return 'too_large'
    return hashOf(fs.readFileSync(descriptor))
  } finally {
    fs.closeSync(descriptor)
  }
}

export type Paths = Pick<RecordedChange, 'absolutePath' | 'previousAbsolutePath' | 'workspace'>

export type Look =
  | { readonly status: 'seen'; readonly state: DiskState; readonly location: InsideLocation }
  | { readonly status: 'refused'; readonly reason: string }

export type InsideLocation = Extract<Location, { status: 'inside' }>

export function lookAt(fs: FileSystem, paths: Paths, role: PathRole): Look {
  const path = role === 'path' ? paths.absolutePath : paths.previousAbsolutePath
  if (path === undefined) return { status: 'refused', reason: 'The previous path is not known.' }
  const location = locate(fs, paths.workspace, path)
  if (location.status === 'refused') return location
  const isFree = role === 'previousPath' && isOneFile(fs, paths)
  const state = isFree ? 'absent' : readDiskState(fs, location.target)
  return { status: 'seen', state, location }
}

/** On a disk that ignores case, `Name` and `name` are one file; then the previous path is free. */
export function isOneFile(fs: FileSystem, paths: Paths): boolean {
  const { absolutePath: path, previousAbsolutePath: previous } = paths
  if (previous?.toLowerCase() !== path.toLowerCase()) return false
  const [one, other] = [path, previous].map((each) => attempt(() => fs.lstatSync(each)))
  return one !== undefined && one.ino === other?.ino && one.dev === other.dev
}

type Location =
  | {
      readonly status: 'inside'
      /** The path with every link in its folders resolved. */
      readonly target: string
      readonly folder: string
      /** Folders that do not exist, outermost first. */
      readonly foldersMissing: readonly string[]
    }
  | { readonly status: 'refused'; readonly reason: string }

const outside: Location = { status: 'refused', reason: 'The path is outside the workspace.' }

/**
 * Follows the links of the path's folders; the real folder must be inside the workspace. The last part of the path is not
 * followed. For a missing folder the nearest existing one counts. Another process could still replace a folder by a link
 * between this check and the write.
 */
function locate(fs: FileSystem, workspace: string, path: string): Location {
  try {
    return resolveInside(fs, workspace, path)
  } catch (error) {
    return { status: 'refused', reason: `The path cannot be followed (${errorName(error)}).` }
  }
}

function resolveInside(fs: FileSystem, workspace: string, path: string): Location {
  if (path.includes('\0') || !isAbsolute(path) || resolve(path) !== path) {
    return { status: 'refused', reason: 'The path is not absolute and plain.' }
  }
  const root = realPath(fs, workspace)
  if (root === undefined) return { status: 'refused', reason: 'The workspace is not there.' }
  const missing: string[] = []
  let ancestor = dirname(path)
  let real = realPath(fs, ancestor)
  while (real === undefined && ancestor !== dirname(ancestor)) {
    missing.unshift(basename(ancestor))
    ancestor = dirname(ancestor)
    real = realPath(fs, ancestor)
  }
  if (real === undefined || !isInside(root, real)) return outside
  const folder = join(real, ...missing)
  const foldersMissing = missing.map((_, index) => join(real, ...missing.slice(0, index + 1)))
  return { status: 'inside', target: join(folder, basename(path)), folder, foldersMissing }
}

function isInside(root: string, path: string): boolean {
  const way = relative(root, path)
  return way === '' || !(way === '..' || way.startsWith(`..${sep}`) || isAbsolute(way))
}

/** Undefined when there is no such path. */
function realPath(fs: FileSystem, path: string): string | undefined {
  try {
    return fs.realpathSync(path)
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}
