/**
 * `state.json`: how far a recorder is sealed, and where a new worker or an adopter continues. It is replaced as a whole after
 * the segments of a journal file are in place, and before the file is deleted.
 *
 * Law: 1 … `sealedThrough` = records in segments or landed + declared dropped + `undeclared`.
 */
import * as path from 'node:path'
import { isObject } from '@turnlog/conventions/plain'
import {
  type FileSystem,
  readJson,
  removeFile,
  replaceFile,
  syncFile,
  syncFolder,
} from '../file-system.ts'
import { quietly } from '../health.ts'
import { journalPath } from '../journal/journal-file.ts'
import { listJournalFiles } from '../spool/recorder-folder.ts'
import { isMissingRange, type MissingRange, withMissing } from './sequences.ts'
import type { TurnSums } from './turn.ts'

export interface SealState {
  /** Every record up to here is or was in a segment, or is known to be missing. */
  readonly sealedThrough: number
  /** Journal files up to this one are sealed. The ones still on disk have contents of open spans, or open starts. */
  readonly readThrough: number
  /** Ids of the open spans that have contents in those files. */
  readonly held: readonly string[]
  /** Missing, and not declared in a sealed record. */
  readonly undeclared: readonly MissingRange[]
  /** The time of the last record read, the recorder's last sign of life; 0 when there is none. */
  readonly time: number
  /** The recorder ended in good order, or was closed by its adopter. */
  readonly isEnded: boolean
  /** Sums of open turns, by span id. */
  readonly sums: Readonly<Record<string, TurnSums>>
}

/** A missing or damaged state means that nothing is sealed: records sealed again land once. Throws when it cannot be read. */
export function readState(fileSystem: FileSystem, folder: string): SealState {
  const value = readJson(fileSystem, path.join(folder, 'state.json')) ?? {}
  const { sealedThrough, readThrough, held, undeclared, time, isEnded, sums } = value
  return {
    sealedThrough: asCount(sealedThrough),
    readThrough: asCount(readThrough),
    held: Array.isArray(held) ? held.filter((id) => typeof id === 'string') : [],
    undeclared: Array.isArray(undeclared) ? undeclared.filter(isMissingRange) : [],
    time: typeof time === 'number' ? time : 0,
    isEnded: isEnded === true,
    sums: isObject(sums) ? (sums as SealState['sums']) : {},
  }
}

function asCount(value: unknown): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : 0
}

/** A point from which sealing can continue if this process dies: there is one after each journal file. */
export interface Checkpoint {
  readonly state: SealState
  /** Numbers of the journal files that must be read to continue from here. */
  readonly needed: ReadonlySet<number>
}

interface PendingCheckpoint {
  readonly point: Checkpoint
  /** Lost before the point, and found out after the point was made. */
  readonly lost: MissingRange[]
  isSafe: boolean
}

/**
 * Notes a point in `state.json` once everything sealed up to it is safe, or known to be lost, and then deletes the files that
 * only earlier points needed. Points are noted in order, so the state on disk is never ahead of what is safe.
 */
export class Checkpoints {
  readonly #fileSystem: FileSystem
  readonly #folder: string
  readonly #pending: PendingCheckpoint[] = []

  constructor(fileSystem: FileSystem, folder: string) {
    this.#fileSystem = fileSystem
    this.#folder = folder
  }

  add(point: Checkpoint): void {
    this.#pending.push({ point, lost: [], isSafe: false })
  }

  /** Everything up to the point is safe, except what is lost. Throws what the disk throws. */
  settle(settled: Checkpoint, lost: readonly MissingRange[]): void {
    const index = this.#pending.findIndex(({ point }) => point === settled)
    for (const later of this.#pending.slice(index)) later.lost.push(...lost)
    const own = this.#pending[index]
    if (own !== undefined) own.isSafe = true
    for (let next = this.#pending[0]; next?.isSafe === true; next = this.#pending[0]) {
      this.#note(next)
      this.#pending.shift()
    }
  }

  /** After this, records up to the point are not sealed again. */
  #note({ point: { state, needed }, lost }: PendingCheckpoint): void {
    const [fileSystem, folder] = [this.#fileSystem, this.#folder]
    const undeclared = withMissing(state.undeclared, lost)
    const text = JSON.stringify({ ...state, undeclared })
    replaceFile(fileSystem, path.join(folder, 'state.json'), text)
    syncFolder(fileSystem, folder)
    // A journal file that stays must be as safe as the segments.
    if (needed.has(state.readThrough)) {
      const last = journalPath(folder, state.readThrough)
      quietly('sync a journal file', () => syncFile(fileSystem, last))
    }
    for (const number of listJournalFiles(fileSystem, folder)) {
      if (number <= state.readThrough && !needed.has(number)) {
        removeFile(fileSystem, journalPath(folder, number))
      }
    }
  }
}
