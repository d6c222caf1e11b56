/**
 * Adopts dead recorders of the same destination: under a lock, their journals are sealed, the spans they left open are
 * closed as abandoned, and their segments are sent. Emptied folders are deleted. A recorder of a newer version is left alone.
 *
 *     state     meaning                                                 next
 *     foreign   alive, locked by another process, or not looked at yet  taken, when it is dead and the lock is free; sending, if a
 *                                                                       full disk takes no lock
 *     sending   its segments are sent, which makes room; another        taken, in a later round
 *               process may send them, too
 *     taken     locked; its journal files are sealed one by one         adopted; taken again in the next round after an error,
 *                                                                       or when the exporter failed to send them; foreign, if
 *                                                                       a newer version wrote it
 *     adopted   closed; its segments are being sent                     dropped, when its folder is empty
 */
import * as path from 'node:path'
import type { ChangeStore } from '../changes/store.ts'
import { type FileSystem, isFull, namesIn } from '../file-system.ts'
import { quietly } from '../health.ts'
import type { OpenOutlet } from '../otlp/outlet.ts'
import { Sealer } from '../seal/sealer.ts'
import type { MissingRange } from '../seal/sequences.ts'
import { type Liveness, livenessOf } from '../spool/liveness.ts'
import { releaseLock, takeLock } from '../spool/lock.ts'
import {
  endedMarker,
  hasEnded,
  type RecorderIdentity,
  readIdentity,
  removeEmptied,
} from '../spool/recorder-folder.ts'
import type { Spool } from '../spool/spool.ts'
import { copiesFolder, removeCopies } from '../spool/workspace-copies.ts'
import type { Neighbours } from './neighbours.ts'

/** What a recorder leaves that could write no file with content. */
const namelessName = new RegExp(`^(?:${endedMarker}|recorded-\\d{12,}|${copiesFolder})$`)

export interface AdoptionOptions {
  readonly fileSystem: FileSystem
  /** The destination's folder. */
  readonly directory: string
  /** This process's own recorder, which is never adopted. */
  readonly ownFolder: string
  readonly self: Liveness
  readonly contentBytesMax: number
  readonly inlineBytesMax: number
  readonly changes: Pick<ChangeStore, 'record'> | undefined
  readonly spool: Spool
  /** If absent, records become segments. */
  readonly openOutlet?: OpenOutlet | undefined
  /** Is told the recorders that live. */
  readonly neighbours?: Pick<Neighbours, 'beginRound' | 'lives'> | undefined
  /** Called when there is something new to send. */
  readonly onSealed: () => void
  /** Called when the fate of exported records has become known: there may be room again. */
  readonly onSettled: () => void
}

export class Adoption {
  readonly #options: AdoptionOptions
  readonly #self: { readonly folder: string; readonly liveness: Liveness }
  readonly #adopted = new Set<string>()
  /** Recorders whose records an exporter gave up in this round. */
  readonly #givenUp = new Set<string>()
  #round: Iterator<'more' | 'later'> | undefined
  #hasLeft: boolean = false
  readonly #found = new Set<string>()
  #emptied = 0

  constructor(options: AdoptionOptions) {
    this.#options = options
    this.#self = { folder: options.ownFolder, liveness: options.self }
  }

  /** The last round has found recorders that have ended, and that another adopter has locked. */
  get hasLeft(): boolean {
    return this.#hasLeft
  }

  /** How many dead recorders were found, and how many of them are emptied and gone. */
  get progress(): number {
    return this.#found.size + this.#emptied
  }

  /**
   * Does one piece of the work. Returns `more` if there is more, after other work; `later` if there is more once there is
   * room; `done` if there is nothing until the next round. Never throws.
   */
  look(): 'more' | 'later' | 'done' {
    this.#round ??= this.#lookAround()
    const next = this.#round.next()
    if (next.done !== true) return next.value
    this.#round = undefined
    return 'done'
  }

  /** Declares ranges of a dead recorder that were sent and lost; see `DeclareLost`. */
  declareLost(folder: string, ranges: readonly MissingRange[], setAside: () => void): void {
    const { fileSystem, onSealed } = this.#options
    const identity = this.#adopted.has(folder) ? readIdentity(fileSystem, folder) : undefined
    if (identity === undefined) throw new Error('not adopted, or not yet')
    const sealer = new Sealer({ ...this.#options, folder, identity })
    sealer.lose(ranges)
    try {
      setAside()
    } finally {
      sealer.closeDead()
      onSealed()
    }
  }

  /** One round through the destination's folder, a journal file at a time. */
  *#lookAround(): Generator<'more' | 'later'> {
    const { fileSystem, directory, ownFolder } = this.#options
    this.#hasLeft = false
    this.#options.neighbours?.beginRound()
    for (const folder of this.#adopted)
      quietly('drop an emptied recorder', () => this.#drop(folder))
    const names = quietly('look for dead recorders', () => namesIn(fileSystem, directory)) ?? []
    for (const name of names) {
      const folder = path.join(directory, name)
      if (folder === ownFolder || this.#adopted.has(folder)) continue
      const sealer = quietly('take a dead recorder', () => this.#take(folder))
      if (sealer === undefined) continue
      while (quietly('seal for a dead recorder', () => sealer.sealNext()) === true) {
        yield 'more'
        while (quietly('wait for room', () => sealer.isFull()) === true) yield 'later'
        if (this.#givenUp.has(folder)) break
      }
      if (!this.#givenUp.has(folder)) {
        quietly('adopt a recorder', () => this.#adopt(folder, sealer))
      }
      yield 'more'
    }
  }

  /** From now on its segments are sent, even if nothing can be sealed: on a full disk that makes room. */
  #take(folder: string): Sealer | undefined {
    const { fileSystem, spool, onSealed, onSettled } = this.#options
    const identity = readIdentity(fileSystem, folder)
    if (identity === undefined) this.#removeNameless(folder)
    if (identity === undefined || this.#isAlive(folder, identity)) return undefined
    const isTaken = this.#lock(folder)
    if (isTaken === false) {
      this.#hasLeft = true
      return undefined
    }
    spool.add(folder)
    this.#found.add(folder)
    this.#givenUp.delete(folder)
    onSealed()
    if (isTaken === 'full') return undefined
    return new Sealer({
      ...this.#options,
      folder,
      identity,
      isDead: true,
      onSettled: (isGivenUp) => {
        if (isGivenUp) {
          this.#givenUp.add(folder)
          this.#adopted.delete(folder)
        }
        onSettled()
      },
    })
  }

  /** A recorder whose identity a full disk has never taken has recorded nothing, and has said so. */
  #removeNameless(folder: string): void {
    const { fileSystem } = this.#options
    const names = namesIn(fileSystem, folder)
    const isNameless = names.includes(endedMarker) && names.every((name) => namelessName.test(name))
    if (!isNameless) return
    removeCopies(fileSystem, folder)
    removeEmptied(fileSystem, folder)
  }

  /** Without room for a lock, what is sealed can be sent all the same: if two send it, it lands once. */
  #lock(folder: string): boolean | 'full' {
    try {
      return takeLock(this.#options.fileSystem, folder, this.#self)
    } catch (cause) {
      if (isFull(cause)) return 'full'
      throw cause
    }
  }

  /** Or it may be alive. */
  #isAlive(folder: string, { liveness }: RecorderIdentity): boolean {
    const { fileSystem, neighbours } = this.#options
    if (hasEnded(fileSystem, folder)) return false
    const state = livenessOf(liveness, fileSystem)
    if (state === 'alive') neighbours?.lives(folder, liveness.pid)
    return state !== 'dead'
  }

  /** Throws if sealing failed before and fails again; the lock is kept, and the next round tries again. */
  #adopt(folder: string, sealer: Sealer): void {
    const { fileSystem, spool, onSealed } = this.#options
    while (sealer.sealNext()) {
      // The files after the one that failed.
    }
    if (sealer.isOfNewerVersion()) {
      spool.remove(folder)
      releaseLock(fileSystem, folder, this.#self)
      return
    }
    sealer.closeDead()
    quietly('remove copies of the workspace', () => removeCopies(fileSystem, folder))
    this.#adopted.add(folder)
    onSealed()
  }

  #drop(folder: string): void {
    if (!removeEmptied(this.#options.fileSystem, folder)) return
    this.#options.spool.remove(folder)
    this.#adopted.delete(folder)
    this.#emptied += 1
  }
}
