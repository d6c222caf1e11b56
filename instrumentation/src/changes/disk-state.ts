/** What a path holds right now. Nothing is followed: a link is a link, whatever it points to. */

import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { errorCode } from '@turnlog/conventions/plain'
import type { FileSystem } from '../file-system.ts'
import type { RawHash } from './change.ts'

export type DiskState =
  | RawHash
  | 'absent'
  | 'directory'
  | 'symlink'
  | 'special'
  | 'too_large'
  | 'unreadable'

/** Contents above 16 MiB are never kept, so a larger file differs from every kept one without being read. */
export const fileBytesMax = 16 * 1024 ** 2

export function hashOf(bytes: Uint8Array): RawHash {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}

/** Reads and hashes a regular file of up to 16 MiB, in one go: at most about 30 ms. Never throws. */
export function readDiskState(fs: FileSystem, path: string): DiskState {
  try {
    const stat = fs.lstatSync(path)
    if (stat.isSymbolicLink()) return 'symlink'
    if (stat.isDirectory()) return 'directory'
    if (!stat.isFile()) return 'special'
    if (stat.size > fileBytesMax) return 'too_large'
    return readRegular(fs, path)
  } catch (error) {
    const code = errorCode(error)
    if (code === 'ENOENT' || code === 'ENOTDIR') return 'absent'
    return code === 'ELOOP' ? 'symlink' : 'unreadable'
  }
}

function readRegular(fs: FileSystem, path: string): DiskState {
  // Windows knows neither flag; there they are undefined, and 0 does nothing.
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
