/** A temporary file in the target's folder, written and synced before one rename or link makes it the target. */

import { randomBytes } from 'node:crypto'
import type { Stats } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { errorCode } from '@turnlog/conventions/plain'
import { attempt, type FileSystem, isFull, writeFully } from '../file-system.ts'

export interface TemporaryFile {
  /** Becomes the target. With `isNew` it throws `EEXIST` rather than replace a file that came meanwhile. */
  moveTo(to: string, options: { readonly isNew: boolean }): void
  /** Throws if it does not exist any more. */
  remove(): void
}

export interface TemporaryFileOptions {
  readonly folder: string
  /** An existing target gives the owner, and the permission bits if `mode` is undefined. */
  readonly target: string
  readonly bytes: Uint8Array
  readonly mode: number | undefined
  /** The target may be written itself: it stays where it is until then. */
  readonly mayWriteInPlace: boolean
  /** Called with the path before the temporary file is made. */
  readonly onMake?: (path: string) => void
}

/**
 * The file that will replace the target. It is the target itself when it has other names (hard links), which would keep the
 * other content, and on a full disk, where its own space is enough for content that is not larger. The store has what it
 * holds.
 */
export async function writeTemporaryFile(
  fs: FileSystem,
  options: TemporaryFileOptions,
): Promise<TemporaryFile> {
  const { target, bytes, mayWriteInPlace } = options
  if (!mayWriteInPlace) return writeBeside(fs, options)
  const present = attempt(() => fs.lstatSync(target))
  const inPlace: TemporaryFile = {
    moveTo: (to) => writeInPlace(fs, to, bytes),
    remove: () => undefined,
  }
  if (present?.isFile() === true && present.nlink > 1) return inPlace
  try {
    return await writeBeside(fs, options)
  } catch (error) {
    if (!isFull(error) || present?.isFile() !== true || present.size < bytes.byteLength) throw error
    return inPlace
  }
}

/** If it fails, the file is as before. A kill in between leaves both contents in part; the store has them whole. */
function writeInPlace(fs: FileSystem, path: string, bytes: Uint8Array): void {
  const present = fs.readFileSync(path)
  const descriptor = fs.openSync(path, 'r+')
  const overwrite = (content: Uint8Array): void => {
    fs.ftruncateSync(descriptor, Math.min(content.byteLength, present.byteLength))
    let written = 0
    while (written < content.byteLength) {
      const left = content.byteLength - written
      written += fs.writeSync(descriptor, content, written, left, written)
    }
    fs.fsyncSync(descriptor)
  }
  try {
    overwrite(bytes)
  } catch (error) {
    attempt(() => overwrite(present))
    throw error
  } finally {
    fs.closeSync(descriptor)
  }
}

/** Named `.turnlog-<16 hex digits>.tmp`. Leaves no file when it throws. */
async function writeBeside(
  fs: FileSystem,
  { folder, target, bytes, mode, onMake }: TemporaryFileOptions,
): Promise<TemporaryFile> {
  const path = join(folder, `.turnlog-${randomBytes(8).toString('hex')}.tmp`)
  onMake?.(path)
  const present = attempt(() => fs.lstatSync(target))
  const bits = mode ?? present?.mode
  // `wx`: never an existing file, never through a link. Private until its bits are set.
  const descriptor = fs.openSync(path, 'wx', bits === undefined ? 0o666 : 0o600)
  try {
    writeFully(fs, descriptor, bytes)
    if (present !== undefined) keepOwner(fs, descriptor, present)
    if (bits !== undefined) fs.fchmodSync(descriptor, bits & 0o7777)
    await promisify(fs.fsync)(descriptor)
  } catch (error) {
    fs.unlinkSync(path)
    throw error
  } finally {
    fs.closeSync(descriptor)
  }
  return {
    moveTo(to, { isNew }) {
      if (isNew && isLinked(fs, path, to)) fs.unlinkSync(path)
      else fs.renameSync(path, to)
    },
    remove: () => fs.unlinkSync(path),
  }
}

/** Only root may change the owner; otherwise the restored file belongs to this user, as with any editor. */
function keepOwner(fs: FileSystem, descriptor: number, { uid, gid }: Stats): void {
  const own = fs.fstatSync(descriptor)
  if (own.uid !== uid || own.gid !== gid) attempt(() => fs.fchownSync(descriptor, uid, gid))
}

/** False if the disk has no hard links (FAT, some network and container mounts). */
function isLinked(fs: FileSystem, from: string, to: string): boolean {
  try {
    fs.linkSync(from, to)
    return true
  } catch (error) {
    if (errorCode(error) === 'EEXIST') throw error
    return false
  }
}
