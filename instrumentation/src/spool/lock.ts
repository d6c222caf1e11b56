/**
 * One adopter at a time for a dead recorder: `adopter.{recorder}.json` in its folder names who, a recorder itself.
 *
 * Everybody has a lock file of their own, and holds the lock if and only if it is there and no other living one's is.
 * So: put it there first, then look. Of two that come at once, the one that looks last sees the other; both may see each
 * other, and then both step back and look again later. Nobody removes a file by judging an older one: what is broken
 * bears the name of the dead. A living holder's is never broken; who comes again under the same name has it still.
 */
import * as path from 'node:path'
import { type FileSystem, namesIn, removeFile, replaceFile } from '../file-system.ts'
import { readJson } from './json-file.ts'
import { type Liveness, livenessOf, parseLiveness } from './liveness.ts'
import { hasEnded } from './recorder-folder.ts'

/** Who takes a lock: the recorder in `folder`, and the process it lives in. */
export interface Adopter {
  readonly folder: string
  readonly liveness: Liveness
}

/** False when somebody else has it, or may have it. Throws what the disk throws. */
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

/** Also a thread's recorder that has ended while its process lives on holds nothing any more. */
function mayHold(fileSystem: FileSystem, folder: string, name: string): boolean {
  const liveness = parseLiveness(readJson(fileSystem, path.join(folder, name)))
  if (liveness === undefined) return false
  const recorder = name.slice('adopter.'.length, -'.json'.length)
  if (hasEnded(fileSystem, path.join(path.dirname(folder), recorder))) return false
  return livenessOf(liveness, fileSystem) !== 'dead'
}
