/**
 * What of a recorder is still on this machine, told by its folder alone.
 *
 * Law: recorded = landed + rejected + dropped (the receiver's ledger) + waiting + quarantined, at all times. A sequence
 * that is lost waits as well, until the segment with its declaration has landed; a record that was sent through a
 * Collector waits until the ledger has confirmed it. What was given up unconfirmed is in none of these here: it has
 * landed, or is missing there.
 *
 * Three things blur it: a segment that was sent before a crash could note it waits again, and without `state.json`
 * nobody knows what has landed, each for as long as it takes to seal a file; and what has landed and is not known to
 * have is counted at both ends.
 */
import * as path from 'node:path'
import type { FileSystem } from '../file-system.ts'
import { journalPath, readJournalFile } from '../journal/journal.ts'
import { readState } from '../seal/state.ts'
import { countOf, joinRanges, withoutRanges } from '../sequence-ranges.ts'
import { readRecordedMark } from '../spool/recorded-mark.ts'
import {
  listJournalFiles,
  listSegments,
  quarantineFolder,
  readIdentity,
} from '../spool/recorder-folder.ts'
import { sentFolder, sentSequences } from '../spool/sent-folder.ts'
import { unconfirmedSequences } from '../spool/unconfirmed-log.ts'

export interface RecorderAccount {
  /** Sequences given, as far as the journal tells. */
  readonly recorded: number
  readonly waiting: number
  readonly quarantined: number
  /** Sent, and given up before it was learnt whether they have landed. */
  readonly unconfirmed: number
  /** Parts of contents, which have no sequence: waiting, those sent and not confirmed included. */
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
      // Written before a crash, and still in the journal as well.
      .filter(({ first }) => first <= sealedThrough)
      .reduce((sum, { records, declares }) => sum + records + declares, 0)
  const countParts = (directory: string): number =>
    listSegments(fileSystem, directory).reduce((sum, { parts }) => sum + parts, 0)
  const lost = joinRanges(undeclared.map(({ first, last }) => [first, last]))
  const unsealed = [[sealedThrough + 1, Number.POSITIVE_INFINITY]] as const
  // One that is being declared lost may not have been set aside yet.
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
