/**
 * One adopter at a time for a dead recorder: `adopter.json` in its folder names the process. A lock whose holder is
 * dead is broken by renaming it away, which only one can do; a live one's is never.
 */
import * as path from 'node:path'
import type { FileSystem } from '../file-system.ts'
import { type Liveness, livenessOf, parseLiveness } from './liveness.ts'
import { readJson } from './recorder-folder.ts'

/** Takes the lock for `self`; false when somebody else has it, or may have it. */
export function takeLock(fileSystem: FileSystem, folder: string, self: Liveness): boolean {
  const lock = path.join(folder, 'adopter.json')
  const own = path.join(folder, `adopter.${self.pid}.${Date.now().toString(36)}.tmp`)
  try {
    fileSystem.writeFileSync(own, JSON.stringify(self), { mode: 0o600 })
    try {
      if (!link()) {
        const holder = parseLiveness(readJson(fileSystem, lock))
        if (holder !== undefined && livenessOf(holder, fileSystem) !== 'dead') return false
        fileSystem.renameSync(lock, `${own}.broken`)
        fileSystem.unlinkSync(`${own}.broken`)
        return link()
      }
      return true
    } finally {
      fileSystem.unlinkSync(own)
    }
  } catch {
    return false
  }

  /** A hard link appears whole, with its content, or not at all. */
  function link(): boolean {
    try {
      fileSystem.linkSync(own, lock)
      return true
    } catch (cause) {
      if (cause instanceof Error && Reflect.get(cause, 'code') === 'EEXIST') return false
      throw cause
    }
  }
}

export function releaseLock(fileSystem: FileSystem, folder: string): void {
  try {
    fileSystem.unlinkSync(path.join(folder, 'adopter.json'))
  } catch {
    // Gone with the folder.
  }
}
