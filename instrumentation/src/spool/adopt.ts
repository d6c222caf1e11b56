/**
 * Dead recorders of the same destination are adopted: under a lock, their journals are sealed by the same code, what
 * they left open is closed as abandoned, and their segments are sent. Emptied folders go.
 */
import * as path from 'node:path'
import type { ChangeStore } from '../changes/store.ts'
import type { FileSystem } from '../file-system.ts'
import { quietly } from '../health.ts'
import { type Liveness, livenessOf } from './liveness.ts'
import { releaseLock, takeLock } from './lock.ts'
import { list, readIdentity } from './recorder-folder.ts'
import { createSealer } from './seal.ts'
import type { Spool } from './spool.ts'

export interface AdoptionOptions {
  readonly fileSystem: FileSystem
  /** The destination's folder. */
  readonly directory: string
  /** This process's own recorder, never adopted. */
  readonly ownFolder: string
  readonly self: Liveness
  readonly contentBytesMax: number
  readonly changes: Pick<ChangeStore, 'record'> | undefined
  readonly spool: Spool
  /** Called when there is something new to send. */
  readonly onSealed: () => void
}

/** Marks a recorder's folder as ended, also while its process lives on: a worker thread that is done. */
export const endedMarker = 'ended'

export function createAdoption(options: AdoptionOptions) {
  const { fileSystem, directory, ownFolder, self, spool } = options
  const adopted = new Set<string>()

  /** Looks for dead recorders once. */
  function look(): void {
    for (const folder of adopted) quietly('drop an emptied recorder', () => removeEmptied(folder))
    for (const name of list(fileSystem, directory)) {
      const folder = path.join(directory, name)
      if (folder === ownFolder || adopted.has(folder)) continue
      quietly('adopt a recorder', () => adopt(folder))
    }
  }

  function adopt(folder: string): void {
    const identity = readIdentity(fileSystem, folder)
    if (identity === undefined) return
    const isEnded = fileSystem.existsSync(path.join(folder, endedMarker))
    if (!isEnded && livenessOf(identity.liveness, fileSystem) !== 'dead') return
    if (!takeLock(fileSystem, folder, self)) return
    const sealer = createSealer({ ...options, folder, identity })
    sealer.closeDead(sealer.seal())
    adopted.add(folder)
    spool.add(folder)
    options.onSealed()
  }

  function removeEmptied(folder: string): void {
    if (!spool.isEmpty(folder)) return
    spool.remove(folder)
    adopted.delete(folder)
    fileSystem.rmSync(folder, { recursive: true, force: true })
  }

  return {
    look,
    /** Lets others adopt what is left. */
    close(): void {
      for (const folder of adopted) releaseLock(fileSystem, folder)
    },
  }
}
