/**
 * The folder of one recorder, inside its destination's folder in the spool:
 *
 *     recorder.json            who records: written once, before the first record
 *     00000001.journal …       what was recorded and is not sealed, or belongs to a span that has not ended
 *     state.json               how far it is sealed: replaced whole after each seal
 *     *.{traces,logs}.json.gz  sealed segments that the receiver has not acknowledged
 *     quarantine/              segments it refused for good, each with `.reason`
 *     adopter.json             who seals and sends for it, once it is dead (lock.ts)
 *
 * recorded = sealed + unsealed, sealed = acknowledged + waiting in segments + quarantined. `accountOf` tells them.
 */
import { createHash } from 'node:crypto'
import * as path from 'node:path'
import { type FileSystem, replaceFile } from '../file-system.ts'
import { readRecord } from './journal-record.ts'
import { type Liveness, parseLiveness } from './liveness.ts'
import { parseSegmentName, type SegmentName } from './segment.ts'
import type { TurnSums } from './turn-sums.ts'

export interface RecorderIdentity {
  readonly recorder: string
  readonly session: string
  readonly startedAt: number
  readonly liveness: Liveness
  readonly resource: Readonly<Record<string, string | number>>
  /** On every record. */
  readonly common: Readonly<Record<string, string>>
}

export interface SealState {
  /** Every record up to here is in a segment, or was. */
  readonly sealedThrough: number
  /** The recorder ended in good order, or was closed by its adopter. */
  readonly isEnded: boolean
  /** Of turns that are still open. */
  readonly sums: Readonly<Record<string, TurnSums>>
}

const initialState: SealState = { sealedThrough: 0, isEnded: false, sums: {} }

/** A destination is an endpoint and a user; without an endpoint, nothing is sent from its folder. */
export function destinationFolder(
  spoolDirectory: string,
  { endpoint, userId }: { endpoint: string | undefined; userId: string },
): string {
  const hash = createHash('sha256').update(`${endpoint ?? ''}\n${userId}`).digest('hex')
  return path.join(spoolDirectory, hash.slice(0, 16))
}

export function writeIdentity(
  fileSystem: FileSystem,
  folder: string,
  identity: RecorderIdentity,
): void {
  replaceFile(fileSystem, path.join(folder, 'recorder.json'), JSON.stringify(identity))
}

export function readIdentity(fileSystem: FileSystem, folder: string): RecorderIdentity | undefined {
  const value = readJson(fileSystem, path.join(folder, 'recorder.json'))
  const liveness = parseLiveness(value?.['liveness'])
  const { recorder, session, startedAt, resource, common } = value ?? {}
  if (typeof recorder !== 'string' || typeof session !== 'string') return undefined
  if (typeof startedAt !== 'number' || liveness === undefined) return undefined
  if (!isRecord(resource) || !isRecord(common)) return undefined
  return {
    recorder,
    session,
    startedAt,
    liveness,
    resource: resource as RecorderIdentity['resource'],
    common: common as RecorderIdentity['common'],
  }
}

export function readState(fileSystem: FileSystem, folder: string): SealState {
  const value = readJson(fileSystem, path.join(folder, 'state.json'))
  if (value === undefined || typeof value['sealedThrough'] !== 'number') return initialState
  return {
    sealedThrough: value['sealedThrough'],
    isEnded: value['isEnded'] === true,
    sums: isRecord(value['sums']) ? (value['sums'] as SealState['sums']) : {},
  }
}

export function writeState(fileSystem: FileSystem, folder: string, state: SealState): void {
  replaceFile(fileSystem, path.join(folder, 'state.json'), JSON.stringify(state))
}

/** Numbers of the journal files that are there, in order. */
export function listJournalFiles(fileSystem: FileSystem, folder: string): number[] {
  return list(fileSystem, folder)
    .map((name) => /^(\d{8,})\.journal$/.exec(name)?.[1])
    .filter((digits) => digits !== undefined)
    .map(Number)
    .sort((a, b) => a - b)
}

/** Sealed segments, oldest first. */
export function listSegments(fileSystem: FileSystem, folder: string): SegmentName[] {
  return list(fileSystem, folder)
    .map(parseSegmentName)
    .filter((segment) => segment !== undefined)
    .sort((a, b) => a.first - b.first || (a.signal < b.signal ? 1 : -1))
}

export interface RecorderAccount {
  /** Sequences given, as far as the journal tells. */
  readonly recorded: number
  readonly waiting: number
  readonly quarantined: number
}

/** What of a recorder is still on this machine. */
export function accountOf(fileSystem: FileSystem, folder: string): RecorderAccount {
  const { sealedThrough } = readState(fileSystem, folder)
  let recorded = sealedThrough
  for (const number of listJournalFiles(fileSystem, folder)) {
    recorded = Math.max(recorded, lastSequence(fileSystem, path.join(folder, fileName(number))))
  }
  const count = (directory: string): number =>
    listSegments(fileSystem, directory).reduce((sum, { records }) => sum + records, 0)
  return {
    recorded,
    waiting: recorded - sealedThrough + count(folder),
    quarantined: count(path.join(folder, 'quarantine')),
  }
}

function lastSequence(fileSystem: FileSystem, file: string): number {
  let last = 0
  try {
    const bytes = fileSystem.readFileSync(file)
    let offset = 0
    for (;;) {
      const result = readRecord(bytes, offset)
      if (result.status === 'end' || result.status === 'torn') return last
      if (result.status === 'record' && typeof result.head['s'] === 'number') {
        last = Math.max(last, result.head['s'])
      }
      offset = result.next
    }
  } catch {
    return last
  }
}

export function fileName(number: number): string {
  return `${String(number).padStart(8, '0')}.journal`
}

export function list(fileSystem: FileSystem, folder: string): string[] {
  try {
    return fileSystem.readdirSync(folder)
  } catch {
    return []
  }
}

export function readJson(
  fileSystem: FileSystem,
  file: string,
): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(fileSystem.readFileSync(file, 'utf8'))
    return isRecord(value) ? value : undefined
  } catch {
    return undefined
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
