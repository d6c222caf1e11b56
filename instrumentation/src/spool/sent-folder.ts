/**
 * The folder `sent/` of a recorder: segments that an endpoint has taken and no ledger has confirmed.
 *
 *     {segment}            moved here by a rename when it was taken
 *     {segment}.note       JSON: when it was taken, how often so far, which sequences and contents it holds
 *
 * The note is written before the segment arrives and removed after it. A note without a segment either belongs to a
 * segment that is sent again, and is in the recorder's folder, or was left by a crash. A segment without a note is read.
 *
 * Invariant: at every moment a segment has one of its names, so a crash at any step repeats and never loses.
 */
import * as path from 'node:path'
import {
  type FileSystem,
  makePrivateFolder,
  namesIn,
  readJson,
  removeFile,
  replaceFile,
  syncFolder,
  targetOfTemporary,
} from '../file-system.ts'
import { quietly } from '../health.ts'
import {
  countOf,
  isRange,
  joinRanges,
  type SequenceRange,
  withoutRanges,
} from '../sequence-ranges.ts'
import { quarantineFolder } from './recorder-folder.ts'
import { readSegmentContents, type SegmentContents } from './segment-contents.ts'
import { parseSegmentName } from './segment-name.ts'

export interface SentNote extends SegmentContents {
  /** By the clock of the process that sent it. */
  readonly takenAt: number
  /** How often the endpoint has taken it. */
  readonly times: number
}

const noteVersion = 1
const noteSuffix = '.note'

export function sentFolder(folder: string): string {
  return path.join(folder, 'sent')
}

/** Moves a taken segment out of the queue. When it throws, the segment is still in the queue. */
export function moveToSent(
  fileSystem: FileSystem,
  { folder, name }: { readonly folder: string; readonly name: string },
  note: SentNote,
): void {
  const sent = sentFolder(folder)
  makePrivateFolder(fileSystem, sent)
  // Without its note the segment is read again, and counts as taken once.
  quietly('note that a segment was taken', () => {
    const content = JSON.stringify({ version: noteVersion, ...note })
    replaceFile(fileSystem, path.join(sent, name + noteSuffix), content)
  })
  fileSystem.renameSync(path.join(folder, name), path.join(sent, name))
  syncFolder(fileSystem, sent)
  syncFolder(fileSystem, folder)
}

/** The note of a segment in the queue that was taken just now. */
export function nextNote(
  fileSystem: FileSystem,
  { folder, name }: { readonly folder: string; readonly name: string },
  now: number,
): SentNote {
  const before = quietly('read a note', () => readNote(fileSystem, sentFolder(folder), name))
  const contained = before ?? readSegmentContents(fileSystem, path.join(folder, name), name)
  return { ...contained, takenAt: now, times: (before?.times ?? 0) + 1 }
}

/** The segments in `sent/`, as far as they can be read. Removes what a crash left there. */
export function listSent(
  fileSystem: FileSystem,
  folder: string,
): { readonly name: string; readonly bytes: number; readonly note: SentNote }[] {
  const sent = sentFolder(folder)
  const names = namesIn(fileSystem, sent)
  const present = new Set(names)
  for (const name of names) {
    const segment = name.endsWith(noteSuffix) ? name.slice(0, -noteSuffix.length) : undefined
    const isAlone =
      segment !== undefined &&
      parseSegmentName(segment) !== undefined &&
      !present.has(segment) &&
      !fileSystem.existsSync(path.join(folder, segment))
    if (isAlone || targetOfTemporary(name)?.endsWith(noteSuffix)) {
      quietly('remove a note', () => removeFile(fileSystem, path.join(sent, name)))
    }
  }
  return names.flatMap((name) => {
    if (parseSegmentName(name) === undefined) return []
    const file = path.join(sent, name)
    const stat = fileSystem.statSync(file, { throwIfNoEntry: false })
    if (stat === undefined) return []
    const note = quietly('read a note', () => readNote(fileSystem, sent, name)) ?? {
      ...readSegmentContents(fileSystem, file, name),
      takenAt: Number(stat.mtimeMs),
      times: 1,
    }
    return [{ name, bytes: Number(stat.size), note }]
  })
}

/** Moves a segment back into the queue. Its note stays, and counts on when the segment is taken again. */
export function requeueSent(fileSystem: FileSystem, folder: string, name: string): void {
  fileSystem.renameSync(path.join(sentFolder(folder), name), path.join(folder, name))
  syncFolder(fileSystem, folder)
}

/** Removes a segment and its note. */
export function removeSent(fileSystem: FileSystem, folder: string, name: string): void {
  removeFile(fileSystem, path.join(sentFolder(folder), name))
  removeNote(fileSystem, folder, name)
}

/** Removes the note of a segment that is not in `sent/`, and the folder when it is empty. */
export function removeNote(fileSystem: FileSystem, folder: string, name: string): void {
  const sent = sentFolder(folder)
  if (!fileSystem.existsSync(sent)) return
  removeFile(fileSystem, path.join(sent, name + noteSuffix))
  quietly('remove an empty folder', () => {
    if (namesIn(fileSystem, sent).length === 0) fileSystem.rmdirSync(sent)
  })
}

/**
 * Segments that were declared lost on their way. They are apart from refused ones, because the declaration already
 * accounts for their records.
 */
export function lostFolder(folder: string): string {
  return path.join(quarantineFolder(folder), 'lost_in_transit')
}

/** Moves a segment into `into`, with the reason beside it if the disk has room for that. */
export function setAside(
  fileSystem: FileSystem,
  { from, into, reason }: { readonly from: string; readonly into: string; readonly reason: string },
): void {
  makePrivateFolder(fileSystem, into)
  const aside = path.join(into, path.basename(from))
  fileSystem.renameSync(from, aside)
  quietly('write down why a segment was set aside', () =>
    fileSystem.writeFileSync(`${aside}.reason`, `${reason}\n`, { mode: 0o600 }),
  )
}

/** Finishes what a crash interrupted: sets aside the segments of sequences that were noted as lost. */
export function setAsideLost(
  fileSystem: FileSystem,
  folder: string,
  lost: readonly SequenceRange[],
): void {
  for (const { name, note } of listSent(fileSystem, folder)) {
    const rest = withoutRanges(note.sequences, lost)
    if (countOf(rest) === countOf(note.sequences)) continue
    const reason = 'lost_in_transit: interrupted before it was set aside'
    const from = path.join(sentFolder(folder), name)
    setAside(fileSystem, { from, into: lostFolder(folder), reason })
    removeNote(fileSystem, folder, name)
  }
}

/** Undefined if it is missing, damaged or of another version. */
function readNote(fileSystem: FileSystem, sent: string, name: string): SentNote | undefined {
  const value = readJson(fileSystem, path.join(sent, name + noteSuffix)) ?? {}
  const { version, takenAt, times, sequences, contents } = value
  if (version !== noteVersion || !isTime(takenAt) || !isTime(times)) return undefined
  if (!Array.isArray(sequences) || !sequences.every(isRange)) return undefined
  if (!Array.isArray(contents) || !contents.every((each) => typeof each === 'string')) {
    return undefined
  }
  return { takenAt, times, sequences: joinRanges(sequences), contents }
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0
}

/** The sequences of all segments in `sent/`, for the account. */
export function sentSequences(fileSystem: FileSystem, folder: string): SequenceRange[] {
  const sent = sentFolder(folder)
  const notes = namesIn(fileSystem, sent)
    .filter((name) => parseSegmentName(name) !== undefined)
    .map((name) => {
      const note = readNote(fileSystem, sent, name)
      return note ?? readSegmentContents(fileSystem, path.join(sent, name), name)
    })
  return joinRanges(notes.flatMap(({ sequences }) => sequences))
}
