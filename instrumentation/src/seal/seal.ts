/**
 * Sealing: closed journal files → segments, or an exporter. One recorder's files in their order; each file's records are
 * sealed, put in place and noted in `state.json` before the file goes. What an exporter has is in place when it says so
 * (`checkpoints.ts`); until then its file stays.
 *
 * A file stays as long as an open span has contents in it, and the last one read as long as anything is open: its
 * header and records tell what. So whoever goes on from `state.json` and the files that are there knows all that the
 * one before knew.
 *
 * Invariant: a crash between any two steps repeats work and never loses it. The same file gives the same segments
 * of records, and the contents they refer to;
 * records at or below `sealedThrough` are not sealed again; what was sent twice lands once.
 *
 * A disk that stays full, and of which nothing is sent that would make room, is made room on: the oldest file that only
 * open spans need goes. Those of them that end after all are then not whole, and say so.
 *
 * What the journal lost (a corrupt record, a missing file) shows as a hole in the sequence. A living recorder declares
 * it itself, as `seal` asks it to; for a dead one `closeDead` does. So it is with what an exporter gave up of a living
 * recorder; a dead one's is tried again from the disk.
 */
import type { AttributeName } from '@turnlog/conventions'
import { isObject } from '@turnlog/conventions/plain'
import type { ChangeStore } from '../changes/store.ts'
import { type FileSystem, isFull, removeFile } from '../file-system.ts'
import { failed, quietly } from '../health.ts'
import { isOfNewerVersion, journalPath, readJournalFile } from '../journal/journal.ts'
import type { JournalRecord } from '../journal/journal-record.ts'
import { readLog, readSpan } from '../journal/span-head.ts'
import type { OpenOutlet, SealedRecord } from '../otlp/outlet.ts'
import { SegmentWriter } from '../otlp/segment.ts'
import { joinRanges } from '../sequence-ranges.ts'
import { readRecordedMark } from '../spool/recorded-mark.ts'
import {
  listJournalFiles,
  listSegments,
  type RecorderIdentity,
  removeTemporaries,
} from '../spool/recorder-folder.ts'
import { sentFolder, setAsideLost } from '../spool/sent-folder.ts'
import { closingOf } from './abandoned-spans.ts'
import { type Checkpoint, createCheckpoints } from './checkpoints.ts'
import { createHeldContents } from './open-contents.ts'
import { createOpenStarts } from './open-starts.ts'
import { createRecordSealer, type SealResult } from './record-sealer.ts'
import { mayHeal } from './seal-span.ts'
import { readState, type SealState } from './seal-state.ts'
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
  /** Without it: segments in the folder. */
  readonly openOutlet?: OpenOutlet | undefined
  /** Nobody records any more: what an exporter gives up is tried again, not declared. */
  readonly isDead?: boolean
  /** Called when it has become known what became of what an exporter had; `isGivenUp`: it is sealed again from the disk. */
  readonly onSettled?: ((isGivenUp: boolean) => void) | undefined
}

/** How often in a row a disk may be full before room is made: of a living recorder about half a minute, of a dead one a round. */
const fullTimesMax = { living: 5, dead: 2 }

export type Sealer = ReturnType<typeof createSealer>

/**
 * Every verb throws what the disk throws. What is in memory then may be ahead of what is on disk, so it is given up, and
 * the next call begins with the disk again, as a new worker would.
 */
export function createSealer(options: SealerOptions) {
  let sealing: Sealing | undefined
  const told = new Set<string>()
  let fullTimes = 0

  let isInside = false

  function fromDisk<T>(step: (sealing: Sealing) => T): T {
    sealing ??= open()
    isInside = true
    try {
      return step(sealing)
    } catch (cause) {
      sealing = undefined
      if (isFull(cause)) quietly('make room', makeRoom)
      throw cause
    } finally {
      isInside = false
    }
  }

  /** For the next attempt. Not where segments are waiting: those make room when they are sent. */
  function makeRoom(): void {
    const { fileSystem, folder, isDead } = options
    fullTimes += 1
    if (fullTimes < (isDead === true ? fullTimesMax.dead : fullTimesMax.living)) return
    const waiting = [folder, sentFolder(folder)].flatMap((each) => listSegments(fileSystem, each))
    if (waiting.length > 0) return
    // The last that was sealed says what is open.
    const { readThrough } = readState(fileSystem, folder)
    const oldest = listJournalFiles(fileSystem, folder).find((number) => number < readThrough)
    if (oldest !== undefined) removeFile(fileSystem, journalPath(folder, oldest))
  }

  function sealOne(each: Sealing, through: number): boolean {
    const isSealed = each.sealNext(through)
    if (isSealed) fullTimes = 0
    return isSealed
  }

  function open(): Sealing {
    const opened: Sealing = openSealing(options, {
      settle(step) {
        // Segments are in place while the call that sealed them is under way: what it throws is that call's.
        if (isInside) step()
        else if (sealing === opened) settleLater(step)
      },
      retell: (range) => told.delete(keyOf(range)),
    })
    return opened
  }

  function settleLater(step: () => void): void {
    try {
      step()
    } catch (cause) {
      sealing = undefined
      failed('note what was exported', cause)
    }
    options.onSettled?.(sealing === undefined)
  }

  return {
    /** Seals the oldest file up to `through` that is not sealed; false when there is none. */
    sealNext: (through = Number.POSITIVE_INFINITY): boolean =>
      fromDisk((each) => sealOne(each, through)),
    /** So much is on its way that sealing should wait. */
    isFull: (): boolean => fromDisk((each) => each.isFull()),
    /**
     * Seals the closed files up to `through`, as long as there is room; returns what is missing, to be declared: each range
     * once, and not yet where nobody would be told (`isTold`).
     */
    seal: (through = Number.POSITIVE_INFINITY, isTold = () => true): MissingRange[] =>
      fromDisk((each) => {
        while (!each.isFull() && sealOne(each, through)) {
          // One file at a time is in memory.
        }
        if (!isTold()) return []
        return each.undeclared().filter((range) => {
          const key = keyOf(range)
          return !told.has(key) && told.add(key)
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

function keyOf({ first, last }: DeclaredRange): string {
  return `${first}-${last}`
}

type Sealing = ReturnType<typeof openSealing>
type Head = JournalRecord['head']

interface SealingOwner {
  /** Runs what follows once it is known what became of what was handed over. */
  settle(step: () => void): void
  /** A declaration was lost: the range has to be declared again. */
  retell(range: DeclaredRange): void
}

function openSealing(options: SealerOptions, { settle, retell }: SealingOwner) {
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
  const resource = (): object => ({
    ...identity.resource,
    ['turnlog.recorder.recorded_through' satisfies AttributeName]: sequences.through,
  })
  const { common } = identity
  const outlet =
    options.openOutlet?.({ resource, common }) ??
    new SegmentWriter({ fileSystem, folder, resource, common })
  const checkpoints = createCheckpoints(fileSystem, folder)
  /** What has been declared since the last point, by the sequences of the declarations: they may be lost as well. */
  let declarations = new Map<number, MissingRange>()
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
    outlet.begin(sequences.through + 1)
    readFile(number)
    if (isNewer) return false
    sequences.endFile()
    held.limit()
    readThrough = number
    handOver()
    return true
  }

  /** Once what was sealed is safe, or known to be lost, it is not sealed again. */
  function handOver(): void {
    const point = checkpoint()
    checkpoints.add(point)
    const declared = declarations
    declarations = new Map()
    outlet.finish((records) => settle(() => checkpoints.settle(point, lostOf(records, declared))))
  }

  /** What was lost on its way is missing from now on, and so is what it declared. */
  function lostOf(
    records: readonly SealedRecord[],
    declarations: ReadonlyMap<number, MissingRange>,
  ): MissingRange[] {
    if (records.length === 0) return []
    if (options.isDead === true) throw new Error('What a dead recorder left was not exported.')
    const lost = records.flatMap(({ sequence }) => {
      const declared = declarations.get(sequence)
      if (declared !== undefined) retell(declared)
      const own = { first: sequence, last: sequence, reason: 'export_failed' }
      return declared === undefined ? [own] : [own, declared]
    })
    lost.sort((a, b) => a.first - b.first)
    sequences.lose(lost)
    return lost
  }

  function checkpoint(): Checkpoint {
    for (const turn of sums.keys()) if (!starts.has(turn)) sums.delete(turn)
    const state: SealState = {
      sealedThrough: sequences.through,
      readThrough,
      held: held.ids(),
      undeclared: sequences.undeclared,
      time,
      isEnded,
      sums: Object.fromEntries(sums),
    }
    const files = listJournalFiles(fileSystem, folder)
    const needed = files.filter((number) => number <= readThrough && isNeeded(number))
    return { state, needed: new Set(needed) }
  }

  function isNeeded(number: number): boolean {
    return held.isUsed(journalPath(folder, number)) || (number === readThrough && starts.size > 0)
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
        // What was sealed before is accounted for in the state: also a declaration that was lost since.
        if (spans === undefined) takeLanding(record)
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
    if (drop !== undefined) {
      declarations.set(sequence, drop)
      return seal.drop(drop, Number(head.t), sequence)
    }
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
    else outlet.add(result)
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
    outlet.begin(sequences.through + 1)
    sequences.close(Math.max(sequences.through, ...closing.map(({ sequence }) => sequence)))
    for (const each of closing) place(each.sequence, () => sealClosing(each))
    for (const id of [...starts.ids(), ...held.ids()]) end(id)
    isEnded = true
    // What could not be sealed here is declared as well.
    if (sequences.undeclared.length > 0) {
      closeDead()
      return
    }
    handOver()
  }

  function lose(ranges: readonly MissingRange[]): void {
    sequences.lose(ranges)
    handOver()
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
    isFull: () => outlet.isFull(),
    closeDead,
    lose,
    undeclared: () => sequences.undeclared,
    forgetContents: () => outlet.forgetContents(),
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
