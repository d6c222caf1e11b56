/**
 * All calls to the disk that this package makes, and the few steps built on them. The calls are taken before `node:fs` is
 * patched, so that our own reads and writes are never observed. A test puts a failing disk here.
 */

import { randomBytes } from 'node:crypto'
import * as fs from 'node:fs'
import { makeFolder } from '@turnlog/conventions/folders'
import { errorCode, type JsonObject, parseObject } from '@turnlog/conventions/plain'

const { closeSync, openSync, writeSync } = fs

interface WriteOptions {
  readonly flag?: string
  readonly mode?: number
}

/** As Node's own, which calls `openSync` and so on through the module, where they are observed. */
function writeFileSync(
  file: string,
  content: string | Uint8Array,
  { flag = 'w', mode = 0o666 }: WriteOptions = {},
): void {
  const descriptor = openSync(file, flag, mode)
  try {
    writeFully({ writeSync }, descriptor, bytesOf(content))
  } finally {
    closeSync(descriptor)
  }
}

function bytesOf(content: string | Uint8Array): Uint8Array {
  return typeof content === 'string' ? Buffer.from(content) : content
}

/** The calls as they were when this module was loaded: the preload loads it before it patches anything. */
export const originalFs = {
  accessSync: fs.accessSync,
  chmodSync: fs.chmodSync,
  closeSync,
  copyFileSync: fs.copyFileSync,
  existsSync: fs.existsSync,
  fchmodSync: fs.fchmodSync,
  fchownSync: fs.fchownSync,
  fdatasyncSync: fs.fdatasyncSync,
  fstatSync: fs.fstatSync,
  fsync: fs.fsync,
  fsyncSync: fs.fsyncSync,
  ftruncateSync: fs.ftruncateSync,
  linkSync: fs.linkSync,
  lstatSync: fs.lstatSync,
  mkdirSync: fs.mkdirSync,
  openSync,
  readFileSync: fs.readFileSync,
  readSync: fs.readSync,
  readdirSync: fs.readdirSync,
  readlinkSync: fs.readlinkSync,
  realpathSync: fs.realpathSync,
  renameSync: fs.renameSync,
  rmdirSync: fs.rmdirSync,
  statSync: fs.statSync,
  unlinkSync: fs.unlinkSync,
  utimesSync: fs.utimesSync,
  writeFileSync,
  writeSync,
} as const

export type FileSystem = typeof originalFs

/** Makes a folder that only its owner may enter, and its missing parents. */
export function makePrivateFolder(fileSystem: FileSystem, directory: string): void {
  makeFolder(directory, { mode: 0o700, fileSystem })
}

export interface ReplaceOptions {
  /** On the same disk as the file. */
  readonly temporary?: string
  /** False: a power cut may lose the last seconds. */
  readonly isSynced?: boolean
}

/** Writes a private file whole or not at all: temporary file, sync, rename. Two that write at once do not mix. */
export function replaceFile(
  fileSystem: FileSystem,
  file: string,
  content: string | Uint8Array,
  {
    temporary = `${file}.${randomBytes(6).toString('hex')}.tmp`,
    isSynced = true,
  }: ReplaceOptions = {},
): void {
  const descriptor = fileSystem.openSync(temporary, 'wx', 0o600)
  try {
    try {
      writeFully(fileSystem, descriptor, bytesOf(content))
      if (isSynced) fileSystem.fdatasyncSync(descriptor)
    } finally {
      fileSystem.closeSync(descriptor)
    }
    fileSystem.renameSync(temporary, file)
  } catch (cause) {
    // A full disk needs the space back. If this fails, too, the first error is the one to report.
    attempt(() => fileSystem.unlinkSync(temporary))
    throw cause
  }
}

/** The file that a temporary one was to become; undefined for other names. A crash leaves temporary files. */
export function targetOfTemporary(name: string): string | undefined {
  return /^(.+)\.[0-9a-f]{12}\.tmp$/.exec(name)?.[1]
}

/** Writes all of `bytes`, however many calls it takes. Throws when a call writes nothing, rather than try for ever. */
export function writeFully(
  fileSystem: Pick<FileSystem, 'writeSync'>,
  descriptor: number,
  bytes: Uint8Array,
): void {
  let written = 0
  while (written < bytes.byteLength) {
    const count = fileSystem.writeSync(descriptor, bytes, written, bytes.byteLength - written)
    if (count === 0) throw new Error('The disk took nothing of a write.')
    written += count
  }
}

/** Undefined when the disk refuses, for whatever reason. */
export function attempt<Result>(step: () => Result): Result | undefined {
  try {
    return step()
  } catch {
    return undefined
  }
}

/** Undefined when there is no such file. Throws when it cannot be read. */
export function readText(fileSystem: FileSystem, file: string): string | undefined {
  try {
    return fileSystem.readFileSync(file, 'utf8')
  } catch (cause) {
    if (isMissing(cause)) return undefined
    throw cause
  }
}

/** Undefined when there is no such file. Throws when it cannot be read. */
export function readBytes(fileSystem: FileSystem, file: string): Uint8Array | undefined {
  try {
    return fileSystem.readFileSync(file)
  } catch (cause) {
    if (isMissing(cause)) return undefined
    throw cause
  }
}

/** Undefined when there is no such file, or it is not one JSON object. Throws when it cannot be read. */
export function readJson(fileSystem: FileSystem, file: string): JsonObject | undefined {
  return parseObject(readText(fileSystem, file) ?? '')
}

/** The names in a folder; none when there is no such folder. Throws when it cannot be read: that is not empty. */
export function namesIn(fileSystem: FileSystem, folder: string): string[] {
  try {
    return fileSystem.readdirSync(folder)
  } catch (cause) {
    if (isMissing(cause)) return []
    throw cause
  }
}

/** Removes a file, if it exists. */
export function removeFile(fileSystem: FileSystem, file: string): void {
  try {
    fileSystem.unlinkSync(file)
  } catch (cause) {
    if (!isMissing(cause)) throw cause
  }
}

/** Whether the error means that no file has that name. */
export function isMissing(cause: unknown): boolean {
  const code = errorCode(cause)
  return code === 'ENOENT' || code === 'ENOTDIR'
}

/** Whether the error means that the disk or the user's quota is full. */
export function isFull(cause: unknown): boolean {
  return /^(ENOSPC|EDQUOT)$/.test(errorCode(cause) ?? '')
}

/** Makes everything written to a file durable, whoever wrote it. */
export function syncFile(fileSystem: FileSystem, file: string): void {
  withOpen(fileSystem, file, fileSystem.fdatasyncSync)
}

/** Makes a rename durable, where the system can sync a folder. */
export function syncFolder(fileSystem: FileSystem, directory: string): void {
  // Windows and some network disks cannot.
  attempt(() => withOpen(fileSystem, directory, fileSystem.fsyncSync))
}

function withOpen(fileSystem: FileSystem, path: string, step: (descriptor: number) => void): void {
  const descriptor = fileSystem.openSync(path, 'r')
  try {
    step(descriptor)
  } finally {
    fileSystem.closeSync(descriptor)
  }
}
