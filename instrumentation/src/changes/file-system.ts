/**
 * The disk calls this folder makes, taken when the module loads.
 *
 * The preload replaces functions on the `node:fs` object to see the host's file operations. Copies taken
 * before that stay the originals, so what is done here is never recorded as an operation of the host.
 */

import * as nodeFs from 'node:fs'

export type ChangesFileSystem = Pick<
  typeof nodeFs,
  | 'accessSync'
  | 'closeSync'
  | 'fchmodSync'
  | 'fchownSync'
  | 'fstatSync'
  | 'fsync'
  | 'linkSync'
  | 'lstatSync'
  | 'mkdirSync'
  | 'openSync'
  | 'readdirSync'
  | 'readFileSync'
  | 'realpathSync'
  | 'renameSync'
  | 'rmdirSync'
  | 'unlinkSync'
  | 'utimesSync'
  | 'writeSync'
>

export const capturedFileSystem: ChangesFileSystem = {
  accessSync: nodeFs.accessSync,
  closeSync: nodeFs.closeSync,
  fchmodSync: nodeFs.fchmodSync,
  fchownSync: nodeFs.fchownSync,
  fstatSync: nodeFs.fstatSync,
  fsync: nodeFs.fsync,
  linkSync: nodeFs.linkSync,
  lstatSync: nodeFs.lstatSync,
  mkdirSync: nodeFs.mkdirSync,
  openSync: nodeFs.openSync,
  readdirSync: nodeFs.readdirSync,
  readFileSync: nodeFs.readFileSync,
  realpathSync: nodeFs.realpathSync,
  renameSync: nodeFs.renameSync,
  rmdirSync: nodeFs.rmdirSync,
  unlinkSync: nodeFs.unlinkSync,
  utimesSync: nodeFs.utimesSync,
  writeSync: nodeFs.writeSync,
}

/** Writes all bytes at the descriptor's position: one `write` may take fewer. */
export function writeFully(fs: ChangesFileSystem, descriptor: number, bytes: Uint8Array): void {
  let written = 0
  while (written < bytes.byteLength) {
    written += fs.writeSync(descriptor, bytes, written, bytes.byteLength - written)
  }
}

/** Private (0600), complete or not there at all. Both paths are on one disk. Nothing is synced. */
export function replaceFile(
  fs: ChangesFileSystem,
  { path, temporary, bytes }: { path: string; temporary: string; bytes: Uint8Array },
): void {
  const descriptor = fs.openSync(temporary, 'wx', 0o600)
  try {
    writeFully(fs, descriptor, bytes)
  } finally {
    fs.closeSync(descriptor)
  }
  fs.renameSync(temporary, path)
}
