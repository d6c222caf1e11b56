/** The files of a journal (`journal.ts`): their names, and reading one. */
import type { FileSystem } from '../file-system.ts'
import { type JournalRecord, readRecord, seedOf } from './journal-record.ts'

/** The version of the files that this program writes. */
export const journalVersion = 1

export function journalPath(directory: string, number: number): string {
  return `${directory}/${String(number).padStart(8, '0')}.journal`
}

/**
 * Every valid record of the file, in order: corrupt ones are stepped over, and a torn one ends it. The whole file is in
 * memory while it is read. Throws what the disk throws.
 */
export function* readJournalFile(
  fileSystem: FileSystem,
  file: { readonly path: string; readonly recorder: string; readonly number: number },
): Generator<JournalRecord> {
  const bytes = fileSystem.readFileSync(file.path)
  const seed = seedOf(file.recorder, file.number)
  let offset = 0
  for (;;) {
    const result = readRecord(bytes, offset, seed)
    if (result.status === 'end' || result.status === 'torn') return
    if (result.status === 'record') yield result
    offset = result.next
  }
}

/** Whether the record is the header of a version newer than this program, which must not read the file. */
export function isOfNewerVersion({ head }: JournalRecord): boolean {
  return head.k === 'header' && typeof head.v === 'number' && head.v > journalVersion
}
