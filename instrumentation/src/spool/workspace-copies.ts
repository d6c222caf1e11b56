/**
 * Where a recorder keeps its copies of the workspace's files: `workspace/` in its folder, one file for each content, named
 * by its SHA-256. The workspace thread makes them, sealing reads them, and whoever adopts the dead recorder removes them.
 */
import * as path from 'node:path'
import { type FileSystem, namesIn, readBytes, removeFile } from '../file-system.ts'

export const copiesFolder = 'workspace'
/** The hash of an empty content, which needs no copy. */
export const emptySha256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'

/** The copy of this content; `undefined` if there is none. Throws when it cannot be read. */
export function readCopy(
  fileSystem: FileSystem,
  folder: string,
  sha256: string,
): Uint8Array | undefined {
  if (sha256 === emptySha256) return new Uint8Array()
  if (!/^[0-9a-f]{64}$/.test(sha256)) return undefined
  return readBytes(fileSystem, path.join(folder, copiesFolder, sha256))
}

/** Removes all copies, once every record that refers to them is sealed. Throws what the disk throws. */
export function removeCopies(fileSystem: FileSystem, folder: string): void {
  const copies = path.join(folder, copiesFolder)
  if (!fileSystem.existsSync(copies)) return
  for (const name of namesIn(fileSystem, copies)) removeFile(fileSystem, path.join(copies, name))
  fileSystem.rmdirSync(copies)
}
