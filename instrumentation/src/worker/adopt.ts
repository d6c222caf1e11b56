/**
 * Dead recorders of the same destination are adopted: under a lock, their journals are sealed by the same code, what
 * they left open is closed as abandoned, and their segments are sent. Emptied folders go. What a newer version wrote is
 * left to it.
 */
import * as path from 'node:path'
import type { ChangeStore } from '../changes/store.ts'
import { type FileSystem, namesIn } from '../file-system.ts'
import { quietly } from '../health.ts'
import type { OpenOutlet } from '../otlp/outlet.ts'
import { Sealer } from '../seal/sealer.ts'
import type { MissingRange } from '../seal/sequences.ts'
import { type Liveness, livenessOf } from '../spool/liveness.ts'
import { releaseLock, takeLock } from '../spool/lock.ts'
import { hasEnded, readIdentity, removeEmptied } from '../spool/recorder-folder.ts'
import type { Spool } from '../spool/spool.ts'

export interface AdoptionOptions {
  readonly fileSystem: FileSystem
  /** The destination's folder. */
  readonly directory: string
  /** This process's own recorder, never adopted. */
  readonly ownFolder: string
  readonly self: Liveness
  readonly contentBytesMax: number
  readonly inlineBytesMax: number
  readonly changes: Pick<ChangeStore, 'record'> | undefined
  readonly spool: Spool
  /** Without it: segments. */
  readonly openOutlet?: OpenOutlet | undefined
  /** Called when there is something new to send. */
  readonly onSealed: () => void
  /** Called when what was exported is known to be, or not to be: there may be room again. */
  readonly onSettled: () => void
}

export function createAdoption(options: AdoptionOptions) {
  const { fileSystem, directory, ownFolder, spool } = options
  const self = { folder: ownFolder, liveness: options.self }
  const adopted = new Set<string>()
  /** Those an exporter gave up in this round: they are taken again in the next. */
  const givenUp = new Set<string>()
  let round: Iterator<'more' | 'later'> | undefined

  /** One round through the destination's folder, a journal file at a time. */
  function* lookAround(): Generator<'more' | 'later'> {
    for (const folder of adopted) quietly('drop an emptied recorder', () => drop(folder))
    const names = quietly('look for dead recorders', () => namesIn(fileSystem, directory)) ?? []
    for (const name of names) {
      const folder = path.join(directory, name)
      if (folder === ownFolder || adopted.has(folder)) continue
      const sealer = quietly('take a dead recorder', () => take(folder))
      if (sealer === undefined) continue
      while (quietly('seal for a dead recorder', () => sealer.sealNext()) === true) {
        yield 'more'
        while (quietly('wait for room', () => sealer.isFull()) === true) yield 'later'
        if (givenUp.has(folder)) break
      }
      if (!givenUp.has(folder)) quietly('adopt a recorder', () => adopt(folder, sealer))
      yield 'more'
    }
  }

  /** Its segments are sent from now on, even if nothing can be sealed: on a full disk that makes room. */
  function take(folder: string): Sealer | undefined {
    const identity = readIdentity(fileSystem, folder)
    if (identity === undefined) return undefined
    const isOver =
      hasEnded(fileSystem, folder) || livenessOf(identity.liveness, fileSystem) === 'dead'
    if (!isOver || !takeLock(fileSystem, folder, self)) return undefined
    spool.add(folder)
    givenUp.delete(folder)
    options.onSealed()
    return new Sealer({
      ...options,
      folder,
      identity,
      isDead: true,
      onSettled(isGivenUp) {
        if (isGivenUp) {
          givenUp.add(folder)
          adopted.delete(folder)
        }
        options.onSettled()
      },
    })
  }

  /** What failed before fails here again, and is tried in the next round: the lock stays ours. */
  function adopt(folder: string, sealer: Sealer): void {
    while (sealer.sealNext()) {
      // What could not be sealed above.
    }
    if (sealer.isOfNewerVersion()) {
      spool.remove(folder)
      releaseLock(fileSystem, folder, self)
      return
    }
    sealer.closeDead()
    adopted.add(folder)
    options.onSealed()
  }

  function drop(folder: string): void {
    if (!removeEmptied(fileSystem, folder)) return
    spool.remove(folder)
    adopted.delete(folder)
  }

  return {
    /**
     * Does one piece of the work. There is `more`, which other work may come before; more `later`, once there is room; or
     * nothing until the next round. Never throws.
     */
    look(): 'more' | 'later' | 'done' {
      round ??= lookAround()
      const next = round.next()
      if (next.done !== true) return next.value
      round = undefined
      return 'done'
    },
    /** Declares what a dead recorder's segments had and was lost on its way, see `DeclareLost`. */
    declareLost(folder: string, ranges: readonly MissingRange[], setAside: () => void): void {
      const identity = adopted.has(folder) ? readIdentity(fileSystem, folder) : undefined
      if (identity === undefined) throw new Error('not adopted, or not yet')
      const sealer = new Sealer({ ...options, folder, identity })
      sealer.lose(ranges)
      try {
        setAside()
      } finally {
        sealer.closeDead()
        options.onSealed()
      }
    },
    /** Lets others adopt what is left. */
    close(): void {
      for (const folder of adopted) {
        quietly('release a lock', () => releaseLock(fileSystem, folder, self))
      }
    },
  }
}
