/**
 * The disk calls the package makes for itself, taken before `node:fs` is patched: our own reads and writes
 * are never observed. Also the seam where a test puts a failing disk.
 */
import * as fs from 'node:fs'

const {
  closeSync,
  existsSync,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} = fs

/** The calls as they were when this module was loaded: the preload loads it before it patches anything. */
export const originalFs = {
  closeSync,
  existsSync,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} as const

export type FileSystem = typeof originalFs

/** Makes a folder only its owner may enter, parents included. */
export function makePrivateFolder(fileSystem: FileSystem, directory: string): void {
  fileSystem.mkdirSync(directory, { recursive: true, mode: 0o700 })
}

/** Writes a small private file whole or not at all: temporary file, sync, rename. */
export function replaceFile(
  fileSystem: FileSystem,
  file: string,
  content: string | Uint8Array,
): void {
  const temporary = `${file}.${process.pid}.tmp`
  const descriptor = fileSystem.openSync(temporary, 'w', 0o600)
  try {
    const bytes = typeof content === 'string' ? Buffer.from(content) : content
    writeFully(fileSystem, descriptor, bytes)
    fileSystem.fdatasyncSync(descriptor)
  } finally {
    fileSystem.closeSync(descriptor)
  }
  fileSystem.renameSync(temporary, file)
}

/** Writes all of `bytes`, however many calls it takes. */
export function writeFully(fileSystem: FileSystem, descriptor: number, bytes: Uint8Array): void {
  let written = 0
  while (written < bytes.byteLength) {
    written += fileSystem.writeSync(descriptor, bytes, written, bytes.byteLength - written)
  }
}

/** Makes a rename durable. Folders cannot be synced everywhere; where not, the rename is as safe as the system makes it. */
export function syncFolder(fileSystem: FileSystem, directory: string): void {
  try {
    const descriptor = fileSystem.openSync(directory, 'r')
    try {
      fileSystem.fsyncSync(descriptor)
    } finally {
      fileSystem.closeSync(descriptor)
    }
  } catch {
    // Windows, and some network disks.
  }
}
