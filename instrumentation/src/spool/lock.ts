/**
 * The lock of a dead recorder's folder: one adopter at a time. An adopter is a recorder, too; its lock file is
 * `adopter.{its recorder}.json`.
 *
 * An adopter holds the lock if and only if its own lock file exists and that of no other living adopter does. So it
 * first writes its file, then looks for others. If two come at once, the one that looks last sees the other; if both see
 * each other, both withdraw and try again later. A file is removed only if the adopter that it names is dead, never because
 * of its age. An adopter that takes the lock again under the same name still has it.
 */
import * as path from 'node:path'
import { type FileSystem, namesIn, readJson, removeFile, replaceFile } from '../file-system.ts'
import { type Liveness, livenessOf, parseLiveness } from './liveness.ts'
import { hasEnded } from './recorder-folder.ts'

/** The recorder in `folder`, and its process. */
export interface Adopter {
  readonly folder: string
  readonly liveness: Liveness
}

/** False if another adopter holds the lock, or may hold it. Throws what the disk throws. */
export function takeLock(fileSystem: FileSystem, folder: string, self: Adopter): boolean {
  const own = lockName(self)
  if (othersIn(fileSystem, folder, own).some((name) => mayHold(fileSystem, folder, name))) {
    return false
  }
  replaceFile(fileSystem, path.join(folder, own), JSON.stringify(self.liveness))
  const others = othersIn(fileSystem, folder, own)
  if (others.some((name) => mayHold(fileSystem, folder, name))) {
    releaseLock(fileSystem, folder, self)
    return false
  }
  for (const name of others) removeFile(fileSystem, path.join(folder, name))
  return true
}

export function releaseLock(fileSystem: FileSystem, folder: string, self: Adopter): void {
  removeFile(fileSystem, path.join(folder, lockName(self)))
}

function lockName({ folder }: Adopter): string {
  return `adopter.${path.basename(folder)}.json`
}

function othersIn(fileSystem: FileSystem, folder: string, own: string): string[] {
  return namesIn(fileSystem, folder).filter(
    (name) => /^adopter\..+\.json$/.test(name) && name !== own,
  )
}

/** A recorder of a thread can end while its process lives on; then it holds nothing. */
function mayHold(fileSystem: FileSystem, folder: string, name: string): boolean {
  const liveness = parseLiveness(readJson(fileSystem, path.join(folder, name)))
  if (liveness === undefined) return false
  const recorder = name.slice('adopter.'.length, -'.json'.length)
  if (hasEnded(fileSystem, path.join(path.dirname(folder), recorder))) return false
  return livenessOf(liveness, fileSystem) !== 'dead'
}
