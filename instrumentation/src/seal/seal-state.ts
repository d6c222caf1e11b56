/**
 * `state.json`: how far a recorder is sealed. Replaced whole after the segments of a journal file are in place, and
 * before the file goes; what a new worker, or an adopter, goes on from.
 *
 * Law: 1 … `sealedThrough` = records in segments, or landed + declared dropped + `undeclared`.
 */
import * as path from 'node:path'
import { isObject } from '@turnlog/conventions/plain'
import { type FileSystem, readJson, replaceFile } from '../file-system.ts'
import type { MissingRange } from './sequences.ts'
import type { TurnSums } from './turn-sums.ts'

export interface SealState {
  /** Every record up to here is in a segment, or was, or is known to be missing. */
  readonly sealedThrough: number
  /** Journal files up to this one are sealed. Those that are still there hold contents of open spans, or open starts. */
  readonly readThrough: number
  /** Open spans that have contents in those files. */
  readonly held: readonly string[]
  /** Missing, and not declared in a record that is sealed. */
  readonly undeclared: readonly MissingRange[]
  /** The time of the last record that was read: the recorder's last sign of life. 0: none. */
  readonly time: number
  /** The recorder ended in good order, or was closed by its adopter. */
  readonly isEnded: boolean
  /** Of turns that are still open. */
  readonly sums: Readonly<Record<string, TurnSums>>
}

const initialState: SealState = {
  sealedThrough: 0,
  readThrough: 0,
  held: [],
  undeclared: [],
  time: 0,
  isEnded: false,
  sums: {},
}

/** Nothing sealed, where there is no state or a damaged one: what is sealed again lands once. Throws when it cannot be read. */
export function readState(fileSystem: FileSystem, folder: string): SealState {
  const value = readJson(fileSystem, stateFile(folder)) ?? {}
  const { sealedThrough, readThrough, held, undeclared, time, sums } = value
  return {
    sealedThrough: asCount(sealedThrough),
    readThrough: asCount(readThrough),
    held: Array.isArray(held) ? held.filter((id) => typeof id === 'string') : [],
    undeclared: Array.isArray(undeclared) ? undeclared.filter(isMissingRange) : [],
    time: typeof time === 'number' ? time : initialState.time,
    isEnded: value.isEnded === true,
    sums: isObject(sums) ? (sums as SealState['sums']) : initialState.sums,
  }
}

export function writeState(fileSystem: FileSystem, folder: string, state: SealState): void {
  replaceFile(fileSystem, stateFile(folder), JSON.stringify(state))
}

function stateFile(folder: string): string {
  return path.join(folder, 'state.json')
}

function asCount(value: unknown): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : 0
}

function isMissingRange(value: unknown): value is MissingRange {
  if (!isObject(value) || typeof value.reason !== 'string') return false
  return Number.isSafeInteger(value.first) && Number.isSafeInteger(value.last)
}
