/**
 * Sealing: closed journal files → segments. One recorder's files in their order; each file's records are sealed, put
 * in place and noted in `state.json` before the file goes.
 *
 * A file stays as long as an open span has contents in it, and the last one read as long as anything is open: its
 * header and records tell what. So whoever goes on from `state.json` and the files that are there knows all that the
 * one before knew.
 *
 * Invariant: a crash between any two steps repeats work and never loses it. The same file gives the same segments
 * of records, and the contents they refer to;
 * records at or below `sealedThrough` are not sealed again; what was sent twice lands once.
 *
 * What the journal lost (a corrupt record, a missing file) shows as a hole in the sequence. A living recorder declares
 * it itself, as `seal` asks it to; for a dead one `closeDead` does.
 */
import type { AttributeName } from '@turnlog/conventions'
import type { ChangeStore } from '../changes/store.ts'
import { type FileSystem, removeFile, syncFile, syncFolder } from '../file-system.ts'
import { failed, quietly } from '../health.ts'
import { joinRanges } from '../sequence-ranges.ts'
import { closingOf } from './close-dead.ts'
import { createHeldContents } from './held-contents.ts'
import { journalPath } from './journal.ts'
import { isOfNewerVersion, readJournalFile } from './journal-file.ts'
import type { JournalRecord } from './journal-record.ts'
import { isObject } from './json-file.ts'
import { createOpenStarts } from './open-starts.ts'
import { readLog, readSpan } from './read-journaled.ts'
import { createRecordSealer, type SealResult } from './record-sealer.ts'
import { readRecordedMark } from './recorded-mark.ts'
import { listJournalFiles, type RecorderIdentity, removeTemporaries } from './recorder-folder.ts'
import { mayHeal } from './seal-span.ts'
import { readState, type SealState, writeState } from './seal-state.ts'
import { createSegmentWriter } from './segment.ts'
import { setAsideLost } from './sent-folder.ts'
import { createSequences, type DeclaredRange, type MissingRange } from './sequences.ts'
import type { TurnSums } from './turn-sums.ts'

export type { MissingRange } from './sequences.ts'

export interface SealerOptions {
  readonly fileSystem: FileSystem
  readonly folder: string
  readonly identity: RecorderIdentity
  readonly contentBytesMax: number
  readonly inlineBytesMax: number
  readonly changes: Pick<ChangeStore, 'record'> | undefined
}

export type Sealer = ReturnType<typeof createSealer>

/**
 * Every verb throws what the disk throws. What is in memory then may be ahead of what is on disk, so it is given up, and
 * the next call begins with the disk again, as a new worker would.
 */
export function createSealer(options: SealerOptions) {
  let sealing: Sealing | undefined
  const told = new Set<string>()

  function fromDisk<T>(step: (sealing: Sealing) => T): T {
    sealing ??= openSealing(options)
    try {
      return step(sealing)
    } catch (cause) {
      sealing = undefined
      throw cause
    }
  }

  return {
    /** Seals the oldest file up to `through` that is not sealed; false when there is none. */
    sealNext: (through = Number.POSITIVE_INFINITY): boolean =>
      fromDisk((each) => each.sealNext(through)),
    /** Seals every closed file up to `through`; returns what is missing, to be declared: each range once. */
    seal: (through = Number.POSITIVE_INFINITY): MissingRange[] =>
      fromDisk((each) => {
        while (each.sealNext(through)) {
          // One file at a time is in memory.
        }
        return each.undeclared().filter(({ first, last }) => {
          const range = `${first}-${last}`
          return !told.has(range) && told.add(range)
        })
      }),
    /** Closes a dead recorder, whose files are all sealed. Doing it twice gives the same records. */
    closeDead: (): void => fromDisk((each) => each.closeDead()),
    /** Sealed records were lost on their way: they are missing from now on, and `seal` or `closeDead` declares them. */
    lose: (ranges: readonly MissingRange[]): void => fromDisk((each) => each.lose(ranges)),
    /** Contents that went may be lost: those that are referred to from now on go again. */
    forgetContents: (): void => sealing?.forgetContents(),
    /** A newer version has written here: nothing of it was or will be touched. */
    isOfNewerVersion: (): boolean => fromDisk((each) => each.isOfNewerVersion()),
  }
}

type Sealing = ReturnType<typeof openSealing>
type Head = JournalRecord['head']

function openSealing(options: SealerOptions) {
  const { fileSystem, folder, identity, contentBytesMax, inlineBytesMax, changes } = options
  const state = readState(fileSystem, folder)
  let { readThrough, isEnded } = state
  let time = state.time === 0 ? identity.startedAt : state.time
  let isNewer = false
  const held = createHeldContents(fileSystem)
  const starts = createOpenStarts()
  const sums = new Map<string, TurnSums>(Object.entries(state.sums))
  const sequences = createSequences({ through: state.sealedThrough, undeclared: state.undeclared })
  const seal = createRecordSealer({
    identity,
    changes,
    rules: { contentBytesMax, inlineBytesMax },
    context: {
      held,
      sums,
      isOpen: starts.has,
      openTurnsOf: starts.turnsOf,
      contentBytesMax,
      sessionId: identity.session,
    },
  })
  const segments = createSegmentWriter({
    fileSystem,
    folder,
    common: identity.common,
    resource: () => ({
      ...identity.resource,
      ['turnlog.recorder.recorded_through' satisfies AttributeName]: sequences.through,
    }),
  })
  removeTemporaries(fileSystem, folder)
  if (state.undeclared.length > 0) {
    const lost = joinRanges(state.undeclared.map(({ first, last }) => [first, last]))
    quietly('set lost segments aside', () => setAsideLost(fileSystem, folder, lost))
  }
  for (const number of listJournalFiles(fileSystem, folder)) {
    if (number <= readThrough) readFile(number, new Set(state.held))
  }

  function sealNext(through: number): boolean {
    const number = listJournalFiles(fileSystem, folder).find((next) => next > readThrough)
    if (number === undefined || number > through || isNewer) return false
    segments.begin(sequences.through + 1)
    readFile(number)
    if (isNewer) return false
    sequences.endFile()
    segments.finish()
    held.limit()
    readThrough = number
    note()
    const path = journalPath(folder, number)
    // What stays is as safe as what is sealed.
    if (isNeeded(number)) quietly('sync a journal file', () => syncFile(fileSystem, path))
    removeFiles()
    return true
  }

  /** After this, what was sealed is not sealed again. */
  function note(): void {
    for (const turn of sums.keys()) if (!starts.has(turn)) sums.delete(turn)
    const next: SealState = {
      sealedThrough: sequences.through,
      readThrough,
      held: held.ids(),
      undeclared: sequences.undeclared,
      time,
      isEnded,
      sums: Object.fromEntries(sums),
    }
    writeState(fileSystem, folder, next)
    syncFolder(fileSystem, folder)
  }

  function isNeeded(number: number): boolean {
    return held.isUsed(journalPath(folder, number)) || (number === readThrough && starts.size > 0)
  }

  function removeFiles(): void {
    for (const number of listJournalFiles(fileSystem, folder)) {
      if (number <= readThrough && !isNeeded(number)) {
        removeFile(fileSystem, journalPath(folder, number))
      }
    }
  }

  /** Reads a file; of one that is sealed, only what `spans` hold in it. */
  function readFile(number: number, spans?: ReadonlySet<string>): void {
    const path = journalPath(folder, number)
    for (const record of readJournalFile(fileSystem, {
      path,
      recorder: identity.recorder,
      number,
    })) {
      if (isOfNewerVersion(record)) {
        isNewer = true
        return
      }
      take(record, path, spans)
    }
    held.leaveFile()
  }

  function take(record: JournalRecord, file: string, spans: ReadonlySet<string> | undefined): void {
    const { head, contents } = record
    if (spans === undefined && typeof head.t === 'number') time = head.t
    const id = String(head.id)
    const place = { id, exchange: Number(head.x), index: Number(head.i), file }
    const isHeld = spans === undefined || spans.has(id)
    switch (head.k) {
      case 'header':
        takeHeader(head)
        return
      case 'start':
        starts.begin(head)
        return
      case 'content':
        if (isHeld) for (const content of contents) held.add(place, content)
        return
      case 'wire':
        if (isHeld && isObject(head.facts)) held.addWire(place, head.facts)
        return
      case 'discard':
        end(id)
        return
      case 'end':
        isEnded = true
        return
      default:
        takeLanding(record)
        if (head.k === 'span') end(id)
    }
  }

  function takeHeader({ through, open }: Head): void {
    if (typeof through === 'number') sequences.header(through)
    for (const id of starts.replace(Array.isArray(open) ? open : [])) held.end(id)
  }

  function end(id: string): void {
    held.end(id)
    starts.end(id)
  }

  /** A record with a sequence. One that cannot be sealed never blocks those behind it: it is missing. */
  function takeLanding({ head, contents }: JournalRecord): void {
    const { s: sequence } = head
    if (typeof sequence !== 'number' || !Number.isSafeInteger(sequence)) return
    const drop = dropOf(head)
    if (!sequences.take(sequence, drop)) return
    place(sequence, () => sealLanding(head, contents, sequence, drop))
  }

  function sealLanding(
    head: Head,
    contents: JournalRecord['contents'],
    sequence: number,
    drop: MissingRange | undefined,
  ): SealResult {
    if (drop !== undefined) return seal.drop(drop, Number(head.t), sequence)
    if (head.k === 'log') return seal.log(readLog(head.log, contents), sequence)
    if (head.k !== 'span') return { refused: 'record_unsealable' }
    const notes = isObject(head.n) ? head.n : {}
    const pieces = typeof head.p === 'number' ? head.p : 0
    return seal.span({ span: readSpan(head.span, contents), notes, pieces }, sequence)
  }

  function place(sequence: number, toResult: () => SealResult): void {
    let result: SealResult | undefined
    try {
      result = toResult()
    } catch (cause) {
      if (mayHeal(cause)) throw cause
      failed('seal a record', cause)
    }
    if (result === undefined) sequences.spoil(sequence, 'record_unsealable')
    else if ('refused' in result) sequences.spoil(sequence, result.refused)
    else segments.add(result)
  }

  function closeDead(): void {
    if (isNewer) return
    sequences.marked(readRecordedMark(fileSystem, folder))
    const closing = closingOf({
      through: sequences.through,
      undeclared: sequences.undeclared,
      starts: starts.list(),
      isEnded,
    })
    segments.begin(sequences.through + 1)
    sequences.close(Math.max(sequences.through, ...closing.map(({ sequence }) => sequence)))
    for (const each of closing) place(each.sequence, () => sealClosing(each))
    segments.finish()
    for (const id of [...starts.ids(), ...held.ids()]) end(id)
    isEnded = true
    // What could not be sealed here is declared as well.
    if (sequences.undeclared.length > 0) {
      closeDead()
      return
    }
    note()
    removeFiles()
  }

  function lose(ranges: readonly MissingRange[]): void {
    sequences.lose(ranges)
    note()
  }

  function sealClosing(closing: ReturnType<typeof closingOf>[number]): SealResult {
    switch (closing.kind) {
      case 'drop':
        return seal.drop(closing.range, time, closing.sequence)
      case 'abandoned': {
        const { span } = closing.start
        const long = held.attributes(span.spanId)
        return seal.abandoned(readSpan(span, long), time, closing.sequence)
      }
      case 'session':
        return seal.abandonedSession(time, closing.sequence)
    }
  }

  return {
    sealNext,
    closeDead,
    lose,
    undeclared: () => sequences.undeclared,
    forgetContents: segments.forgetContents,
    isOfNewerVersion: () => isNewer,
  }
}

/** What a record declares dropped: the journal's own form of that log. */
function dropOf(head: Head): (DeclaredRange & MissingRange) | undefined {
  const { drop } = head
  if (!isObject(drop)) return undefined
  const { first, last, reason } = drop
  if (typeof first !== 'number' || typeof last !== 'number' || typeof reason !== 'string') {
    return undefined
  }
  return { first, last, reason }
}
