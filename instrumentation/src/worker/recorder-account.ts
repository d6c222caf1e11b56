/**
 * Counts the records of one recorder that are still on this machine, from its folder alone.
 *
 * Law: recorded = landed + rejected + dropped (the receiver's ledger) + waiting + quarantined, at all times. A lost sequence
 * counts as waiting until the segment that declares it has landed. A record sent through a Collector counts as waiting until
 * the ledger has confirmed it. `unconfirmed` records are outside the law: each has landed, or is missing in the ledger.
 *
 * The counts are too high until the next file is sealed in two cases: a segment that was sent just before a crash counts as
 * waiting again, and without `state.json` everything does. Records that landed without a confirmation count twice, always.
 */
import * as path from 'node:path'
import type { FileSystem } from '../file-system.ts'
import { journalPath, readJournalFile } from '../journal/journal-file.ts'
import { readState } from '../seal/state.ts'
import { countOf, joinRanges, withoutRanges } from '../sequence-ranges.ts'
import {
  listJournalFiles,
  listSegments,
  quarantineFolder,
  readIdentity,
  readRecordedMark,
} from '../spool/recorder-folder.ts'
import { sentFolder, sentSequences } from '../spool/sent-folder.ts'
import { unconfirmedSequences } from '../spool/unconfirmed-log.ts'

export interface RecorderAccount {
  /** Sequences given, as far as the journal shows. */
  readonly recorded: number
  readonly waiting: number
  readonly quarantined: number
  /** Sent, and given up before a confirmation. */
  readonly unconfirmed: number
  /** Parts of contents, which have no sequence: those that wait, sent and unconfirmed ones included. */
  readonly partsWaiting: number
  readonly partsQuarantined: number
}

/** Reads one journal file after another. Throws what the disk throws. */
export function accountOf(fileSystem: FileSystem, folder: string): RecorderAccount {
  const { sealedThrough, readThrough, undeclared } = readState(fileSystem, folder)
  let recorded = Math.max(sealedThrough, readRecordedMark(fileSystem, folder))
  const recorder = readIdentity(fileSystem, folder)?.recorder ?? path.basename(folder)
  for (const number of listJournalFiles(fileSystem, folder)) {
    if (number <= readThrough) continue
    const file = { path: journalPath(folder, number), recorder, number }
    for (const { head } of readJournalFile(fileSystem, file)) {
      const given = head.k === 'header' ? head.through : head.s
      if (typeof given === 'number') recorded = Math.max(recorded, given)
    }
  }
  const count = (directory: string): number =>
    listSegments(fileSystem, directory)
      // A later one was written before a crash, and its records are still in the journal.
      .filter(({ first }) => first <= sealedThrough)
      .reduce((sum, { records, declares }) => sum + records + declares, 0)
  const countParts = (directory: string): number =>
    listSegments(fileSystem, directory).reduce((sum, { parts }) => sum + parts, 0)
  const lost = joinRanges(undeclared.map(({ first, last }) => [first, last]))
  const unsealed = [[sealedThrough + 1, Number.POSITIVE_INFINITY]] as const
  // A segment that is being declared lost may not have been set aside yet.
  const kept = withoutRanges(sentSequences(fileSystem, folder), lost)
  const declared = listSegments(fileSystem, sentFolder(folder)).map(({ declares }) => declares)
  const sent = declared.reduce((a, b) => a + b, countOf(withoutRanges(kept, unsealed)))
  const missing = undeclared.reduce((sum, { first, last }) => sum + last - first + 1, 0)
  return {
    recorded,
    waiting: recorded - sealedThrough + missing + count(folder) + sent,
    quarantined: count(quarantineFolder(folder)),
    unconfirmed: countOf(unconfirmedSequences(fileSystem, path.dirname(folder), recorder)),
    partsWaiting: countParts(folder) + countParts(sentFolder(folder)),
    partsQuarantined: countParts(quarantineFolder(folder)),
  }
}
