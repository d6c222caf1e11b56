/**
 * The folder of one recorder, inside its destination's folder in the spool:
 *
 *     recorder.json            the recorder's identity: written once, before the first record
 *     00000001.journal …       records that are not sealed, or belong to a span that has not ended
 *     state.json               how far the journal is sealed: replaced whole after each seal (seal/state.ts)
 *     *.json.gz                sealed segments that no endpoint has taken (segment-name.ts)
 *     sent/                    segments that an endpoint took and the receiver has not confirmed (sent-folder.ts)
 *     quarantine/              segments that were refused for good, each with its `.reason`; in `lost_in_transit/` those
 *                              that were declared lost on their way
 *     workspace/               copies of the workspace's files, which records refer to until they are sealed (workspace-copies.ts);
 *                              and `clock`, whose ctime is that of the last start or end of a child (workspace/file-clock.ts)
 *     recorded-000000000042    empty: so many sequences were given while the disk was full
 *     ended                    the recorder has ended, also while its process lives on
 *     adopter.*.json           the recorder that seals and sends for this one after its death (lock.ts)
 *
 * Folders are 0700, files 0600. Files with any other name were written by another version, and are left alone.
 */
import { createHash } from 'node:crypto'
import * as path from 'node:path'
import { isObject } from '@turnlog/conventions/plain'
import {
  type FileSystem,
  namesIn,
  readJson,
  removeFile,
  replaceFile,
  targetOfTemporary,
} from '../file-system.ts'
import { type Liveness, parseLiveness } from './liveness.ts'
import { compareSegments, parseSegmentName, type SegmentName } from './segment-name.ts'

/** The version of the folder and everything in it. A folder of a newer version is left alone. */
const folderVersion = 1

export interface RecorderIdentity {
  readonly recorder: string
  readonly session: string
  readonly startedAt: number
  readonly liveness: Liveness
  readonly resource: Readonly<Record<string, string | number>>
  /** Attributes of every record. */
  readonly common: Readonly<Record<string, string>>
}

/** Marks a recorder as ended, also while its process lives on, as when a worker thread ends. */
export const endedMarker = 'ended'

/** A destination is an endpoint and a user; without an endpoint, nothing is sent from its folder. */
export function destinationFolder(
  spoolDirectory: string,
  { endpoint, userId }: { endpoint: string | undefined; userId: string },
): string {
  const hash = createHash('sha256').update(`${endpoint ?? ''}\n${userId}`)
  return path.join(spoolDirectory, hash.digest('hex').slice(0, 16))
}

export function writeIdentity(
  fileSystem: FileSystem,
  folder: string,
  identity: RecorderIdentity,
): void {
  const content = JSON.stringify({ version: folderVersion, ...identity })
  replaceFile(fileSystem, identityFile(folder), content)
}

/** Undefined if it is missing, damaged or of a newer version. Throws when it cannot be read. */
export function readIdentity(fileSystem: FileSystem, folder: string): RecorderIdentity | undefined {
  const value = readJson(fileSystem, identityFile(folder)) ?? {}
  const liveness = parseLiveness(value.liveness)
  const { version, recorder, session, startedAt, resource, common } = value
  if (typeof version !== 'number' || version > folderVersion) return undefined
  if (typeof recorder !== 'string' || typeof session !== 'string') return undefined
  if (typeof startedAt !== 'number' || liveness === undefined) return undefined
  if (!isObject(resource) || !isObject(common)) return undefined
  const attributes = { resource, common } as Pick<RecorderIdentity, 'resource' | 'common'>
  return { recorder, session, startedAt, liveness, ...attributes }
}

export function hasEnded(fileSystem: FileSystem, folder: string): boolean {
  return fileSystem.existsSync(path.join(folder, endedMarker))
}

/** The numbers of the journal files, in order. */
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

/** Removes the files that a crash left half written; they are written again. */
export function removeTemporaries(fileSystem: FileSystem, folder: string): void {
  for (const name of namesIn(fileSystem, folder)) {
    const target = targetOfTemporary(name) ?? ''
    if (target === 'state.json' || parseSegmentName(target) !== undefined) {
      removeFile(fileSystem, path.join(folder, name))
    }
  }
}

const spentName =
  /^(recorder\.json|state\.json|ended|recorded-\d{12,}|adopter\..+\.json|.+\.[0-9a-f]{12}\.tmp)$/

/**
 * Removes the folder of a recorder that has nothing left to send; false if it has. The identity is removed first: a folder
 * without one belongs to nobody, so nobody adopts it meanwhile.
 */
export function removeEmptied(fileSystem: FileSystem, folder: string): boolean {
  const names = namesIn(fileSystem, folder)
  if (!names.every((name) => spentName.test(name))) return false
  removeFile(fileSystem, identityFile(folder))
  for (const name of names) removeFile(fileSystem, path.join(folder, name))
  fileSystem.rmdirSync(folder)
  return true
}

function identityFile(folder: string): string {
  return path.join(folder, 'recorder.json')
}

/** The largest number marked, or 0. Throws what the disk throws. */
export function readRecordedMark(fileSystem: FileSystem, folder: string): number {
  const marks = namesIn(fileSystem, folder).map((name) => /^recorded-(\d{12,})$/.exec(name)?.[1])
  return Math.max(0, ...marks.map((digits) => Number(digits ?? 0)))
}

/**
 * Marks one folder; each mark replaces the one before. Even a full disk usually accepts an empty file. The mark is set while
 * records are being lost, at most once a second, and at the end. The adopter declares everything missing up to it; a mark
 * below the last sealed sequence has no effect.
 */
export function createRecordedMark(fileSystem: FileSystem, folder: string) {
  let marked: string | undefined

  /** Throws what the disk throws. */
  return function mark(recorded: number): void {
    const path = `${folder}/recorded-${String(recorded).padStart(12, '0')}`
    if (path === marked) return
    if (marked === undefined) fileSystem.closeSync(fileSystem.openSync(path, 'w', 0o600))
    else fileSystem.renameSync(marked, path)
    marked = path
  }
}
