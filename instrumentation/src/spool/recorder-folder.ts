/**
 * The folder of one recorder, inside its destination's folder in the spool:
 *
 *     recorder.json            who records: written once, before the first record
 *     00000001.journal …       what was recorded and is not sealed, or belongs to a span that has not ended
 *     state.json               how far it is sealed: replaced whole after each seal (seal-state.ts)
 *     *.json.gz                sealed segments that the receiver has not acknowledged (segment-name.ts)
 *     sent/                    segments that an endpoint took and the receiver has not confirmed (sent-folder.ts)
 *     quarantine/              segments it refused for good, each with `.reason`; in `lost_in_transit/` those that were
 *                              declared lost on their way
 *     recorded-000000000042    empty: that many sequences were given when the disk would take nothing (recorded-mark.ts)
 *     ended                    the recorder has ended, also while its process lives on
 *     adopter.*.json           who seals and sends for it, once it is dead (lock.ts)
 *
 * Folders are 0700, files 0600. What stands there under any other name was put there by another version, and stays.
 */
import { createHash } from 'node:crypto'
import * as path from 'node:path'
import { isObject } from '@turnlog/conventions/plain'
import {
  type FileSystem,
  namesIn,
  removeFile,
  replaceFile,
  targetOfTemporary,
} from '../file-system.ts'
import { readJson } from './json-file.ts'
import { type Liveness, parseLiveness } from './liveness.ts'
import { parseRecordedMark } from './recorded-mark.ts'
import { compareSegments, parseSegmentName, type SegmentName } from './segment-name.ts'

/** Of the folder and everything in it. One that is newer is left alone. */
const folderVersion = 1

export interface RecorderIdentity {
  readonly recorder: string
  readonly session: string
  readonly startedAt: number
  readonly liveness: Liveness
  readonly resource: Readonly<Record<string, string | number>>
  /** On every record. */
  readonly common: Readonly<Record<string, string>>
}

/** Marks a recorder's folder as ended, also while its process lives on: a worker thread that is done. */
export const endedMarker = 'ended'

/** A destination is an endpoint and a user; without an endpoint, nothing is sent from its folder. */
export function destinationFolder(
  spoolDirectory: string,
  { endpoint, userId }: { endpoint: string | undefined; userId: string },
): string {
  const hash = createHash('sha256')
    .update(`${endpoint ?? ''}\n${userId}`)
    .digest('hex')
  return path.join(spoolDirectory, hash.slice(0, 16))
}

export function writeIdentity(
  fileSystem: FileSystem,
  folder: string,
  identity: RecorderIdentity,
): void {
  const content = JSON.stringify({ version: folderVersion, ...identity })
  replaceFile(fileSystem, identityFile(folder), content)
}

/** Undefined where there is none, a damaged one, or one of a newer version. Throws when it cannot be read. */
export function readIdentity(fileSystem: FileSystem, folder: string): RecorderIdentity | undefined {
  const value = readJson(fileSystem, identityFile(folder)) ?? {}
  const liveness = parseLiveness(value.liveness)
  const { version, recorder, session, startedAt, resource, common } = value
  if (typeof version !== 'number' || version > folderVersion) return undefined
  if (typeof recorder !== 'string' || typeof session !== 'string') return undefined
  if (typeof startedAt !== 'number' || liveness === undefined) return undefined
  if (!isObject(resource) || !isObject(common)) return undefined
  return {
    recorder,
    session,
    startedAt,
    liveness,
    resource: resource as RecorderIdentity['resource'],
    common: common as RecorderIdentity['common'],
  }
}

export function hasEnded(fileSystem: FileSystem, folder: string): boolean {
  return fileSystem.existsSync(path.join(folder, endedMarker))
}

/** Numbers of the journal files that are there, in order. */
export function listJournalFiles(fileSystem: FileSystem, folder: string): number[] {
  return namesIn(fileSystem, folder)
    .map((name) => /^(\d{8,})\.journal$/.exec(name)?.[1])
    .filter((digits) => digits !== undefined)
    .map(Number)
    .sort((a, b) => a - b)
}

/** Sealed segments, oldest first. */
export function listSegments(fileSystem: FileSystem, folder: string): SegmentName[] {
  return namesIn(fileSystem, folder)
    .map(parseSegmentName)
    .filter((segment) => segment !== undefined)
    .sort(compareSegments)
}

export function quarantineFolder(folder: string): string {
  return path.join(folder, 'quarantine')
}

/** What a crash left half written is of no use: it is written again. */
export function removeTemporaries(fileSystem: FileSystem, folder: string): void {
  for (const name of namesIn(fileSystem, folder)) {
    const target = targetOfTemporary(name)
    if (
      target !== undefined &&
      (target === 'state.json' || parseSegmentName(target) !== undefined)
    ) {
      removeFile(fileSystem, path.join(folder, name))
    }
  }
}

/**
 * Removes a recorder of which nothing is left to send; false when something is. Who records goes first: the folder is
 * nobody's then, and nobody adopts it while it goes.
 */
export function removeEmptied(fileSystem: FileSystem, folder: string): boolean {
  const names = namesIn(fileSystem, folder)
  if (!names.every(isSpent)) return false
  removeFile(fileSystem, identityFile(folder))
  for (const name of names) removeFile(fileSystem, path.join(folder, name))
  fileSystem.rmdirSync(folder)
  return true
}

function isSpent(name: string): boolean {
  return (
    name === 'recorder.json' ||
    name === 'state.json' ||
    name === endedMarker ||
    parseRecordedMark(name) !== undefined ||
    /^adopter\..+\.json$/.test(name) ||
    targetOfTemporary(name) !== undefined
  )
}

function identityFile(folder: string): string {
  return path.join(folder, 'recorder.json')
}
