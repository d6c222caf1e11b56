/** One journal file, read: its records in their order. The whole file is in memory while it is read, and no other. */
import type { FileSystem } from '../file-system.ts'
import { journalVersion } from './journal.ts'
import { type JournalRecord, readRecord, seedOf } from './journal-record.ts'

export interface JournalFile {
  readonly path: string
  readonly recorder: string
  readonly number: number
}

/** Every valid record of the file; what is corrupt is stepped over, at what is torn it ends. Throws what the disk throws. */
export function* readJournalFile(
  fileSystem: FileSystem,
  { path, recorder, number }: JournalFile,
): Generator<JournalRecord> {
  const bytes = fileSystem.readFileSync(path)
  const seed = seedOf(recorder, number)
  let offset = 0
  for (;;) {
    const result = readRecord(bytes, offset, seed)
    if (result.status === 'end' || result.status === 'torn') return
    if (result.status === 'record') yield result
    offset = result.next
  }
}

/** Whether the record is the header of a version that came after this program: its file is not ours to read. */
export function isOfNewerVersion({ head }: JournalRecord): boolean {
  return head.k === 'header' && typeof head.v === 'number' && head.v > journalVersion
}
