/** What an operation's paths hold now. Only paths inside the workspace are read, and no link is followed. */

import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { errorCode } from '@turnlog/conventions/plain'
import { type FileSystem, isMissing } from '../file-system.ts'
import type { PathRole, RawHash, RecordedChange } from './change.ts'
import { type Location, locate } from './confine.ts'

export type DiskState =
  | RawHash
  | 'absent'
  | 'directory'
  | 'symlink'
  | 'special'
  | 'too_large'
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
  try {
    const [one, other] = [fs.lstatSync(path), fs.lstatSync(previous)]
    return one.ino === other.ino && one.dev === other.dev
  } catch {
    return false
  }
}
