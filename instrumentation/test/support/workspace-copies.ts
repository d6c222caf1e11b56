/** Waits for what the workspace thread of an observed app does. */
import { createHash } from 'node:crypto'
import * as fs from 'node:fs'
import * as path from 'node:path'
import { expect } from 'vitest'
import { attempt, originalFs } from '../../src/file-system.ts'
import { journalPath, readJournalFile } from '../../src/journal/journal-file.ts'
import type { JournalRecord } from '../../src/journal/journal-record.ts'
import { readLog, readSpan } from '../../src/journal/span-head.ts'
import { listJournalFiles } from '../../src/spool/recorder-folder.ts'
import { type Attributes, readSegments, recorderFolders } from './recorded.ts'

const withinMs = 15_000

/** Resolves when each of these contents has a private copy. */
export async function copied(spool: string, contents: readonly (string | Buffer)[]): Promise<void> {
  const wanted = contents.map((content) => createHash('sha256').update(content).digest('hex'))
  await expect
    .poll(() => wanted.filter((name) => !copiesIn(spool).includes(name)), { timeout: withinMs })
    .toEqual([])
}

/** The names of all copies. */
export function copiesIn(spool: string): string[] {
  return filesIn(spool)
    .filter((file) => path.basename(path.dirname(file)) === 'workspace')
    .map((file) => path.basename(file))
}

/** Resolves when the app has recorded the start of `count` child processes. */
export async function processesStarted(spool: string, count: number): Promise<void> {
  await expect
    .poll(() => countRecords(spool, isProcessStart), { timeout: withinMs })
    .toBeGreaterThanOrEqual(count)
}

/** Resolves when the app has recorded the end of `count` child processes. */
export async function processesEnded(spool: string, count: number): Promise<void> {
  await expect
    .poll(() => countRecords(spool, isProcessEnd), { timeout: withinMs })
    .toBeGreaterThanOrEqual(count)
}

/** Resolves when the app has recorded `count` file operations. */
export async function operationsRecorded(spool: string, count: number): Promise<void> {
  await expect
    .poll(() => countRecords(spool, isOperation), { timeout: withinMs })
    .toBeGreaterThanOrEqual(count)
}

/** A record of an app that runs, in the journal or sealed. */
interface RunningRecord {
  readonly event?: string | undefined
  readonly attributes: Attributes
}

const isProcessStart = ({ event }: RunningRecord): boolean => event === 'turnlog.process.started'
const isProcessEnd = ({ event }: RunningRecord): boolean => event === 'turnlog.process.ended'
const isOperation = ({ attributes }: RunningRecord): boolean =>
  'turnlog.file_operation.source' in attributes

/** A record is in the journal, in a segment, or, while it is sealed, in both: it counts once, by its sequence. */
function countRecords(spool: string, isCounted: (record: RunningRecord) => boolean): number {
  return recorderFolders(spool)
    .map((folder) => [...recordsIn(folder).values()].filter(isCounted).length)
    .reduce((sum, count) => sum + count, 0)
}

/** The records of one recorder, by their sequences. */
function recordsIn(folder: string): Map<number, RunningRecord> {
  const records = new Map<number, RunningRecord>()
  const recorder = path.basename(folder)
  for (const number of listJournalFiles(originalFs, folder)) {
    const file = { path: journalPath(folder, number), recorder, number }
    // Sealed and removed meanwhile, if this fails.
    attempt(() => {
      for (const { head } of readJournalFile(originalFs, file)) {
        const record = journaledRecord(head)
        if (typeof head.s === 'number' && record !== undefined) records.set(head.s, record)
      }
    })
  }
  const sealed = readSegments(folder)
  for (const record of [...sealed.spans, ...sealed.logs]) {
    records.set(Number(record.attributes['turnlog.sequence']), record)
  }
  return records
}

function journaledRecord(head: JournalRecord['head']): RunningRecord | undefined {
  if (head.k === 'span') return readSpan(head.span, [])
  if (head.k !== 'log' || head.log === undefined) return undefined
  const { eventName, attributes } = readLog(head.log, [])
  return { event: eventName, attributes }
}

function filesIn(folder: string): string[] {
  if (!fs.existsSync(folder)) return []
  return fs
    .readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name))
}
