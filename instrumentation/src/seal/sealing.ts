/**
 * The sealing of one recorder, from the point that `state.json` names: reads its journal files in order, seals their records
 * into an outlet, and makes a checkpoint after each file. `sealer.ts` says what is promised.
 *
 * Its memory is ahead of the disk until a checkpoint is noted. So after any error it must be dropped and opened again, which
 * reads everything it needs from the disk: the state, the contents of open spans, and the open starts.
 */
import type { AttributeName } from '@turnlog/conventions'
import { isObject } from '@turnlog/conventions/plain'
import type { ChangeStore } from '../changes/store.ts'
import type { FileSystem } from '../file-system.ts'
import { failed, quietly } from '../health.ts'
import { isOfNewerVersion, journalPath, readJournalFile } from '../journal/journal-file.ts'
import type { JournalRecord } from '../journal/journal-record.ts'
import { readLog, readSpan } from '../journal/span-head.ts'
import type { OpenOutlet, Outlet, SealedRecord } from '../otlp/outlet.ts'
import { SegmentWriter } from '../otlp/segment.ts'
import { joinRanges } from '../sequence-ranges.ts'
import {
  listJournalFiles,
  type RecorderIdentity,
  readRecordedMark,
  removeTemporaries,
} from '../spool/recorder-folder.ts'
import { setAsideLost } from '../spool/sent-folder.ts'
import { readCopy } from '../spool/workspace-copies.ts'
import { type Closing, closingOf } from './abandoned-spans.ts'
import { largeFileHashes } from './large-file.ts'
import { OpenContents } from './open-contents.ts'
import { OpenStarts } from './open-starts.ts'
import { mayHeal, RecordSealer, type SealResult } from './record-sealer.ts'
import { isMissingRange, type MissingRange, Sequences } from './sequences.ts'
import { type Checkpoint, Checkpoints, readState } from './state.ts'
import type { TurnSums } from './turn.ts'

export interface SealingOptions {
  readonly fileSystem: FileSystem
  readonly folder: string
  readonly identity: RecorderIdentity
  readonly contentBytesMax: number
  readonly inlineBytesMax: number
  readonly changes: Pick<ChangeStore, 'record'> | undefined
  /** If absent, records become segments in the folder. */
  readonly openOutlet?: OpenOutlet | undefined
  /** The recorder has died: records that an exporter gives up are tried again, not declared. */
  readonly isDead?: boolean
}

export interface SealingOwner {
  /** Runs the step that follows once the fate of exported records is known. */
  settle(step: () => void): void
  /** The declaration of this range was lost, so the range must be declared again. */
  declareAgain(range: MissingRange): void
}

type Head = JournalRecord['head']

export class Sealing {
  readonly #options: SealingOptions
  readonly #owner: SealingOwner
  readonly #starts = new OpenStarts()
  readonly #contents: OpenContents
  readonly #sequences: Sequences
  /** Sums of open turns, by span id. */
  readonly #sums: Map<string, TurnSums>
  readonly #records: RecordSealer
  readonly #outlet: Outlet
  readonly #checkpoints: Checkpoints
  #readThrough: number
  /** The time of the last record read, else of the recorder's start. */
  #time: number
  #isEnded: boolean
  #isNewer: boolean = false
  /** Declarations since the last checkpoint, by their sequences: the records that declare may be lost as well. */
  #declarations = new Map<number, MissingRange>()

  /** Throws what the disk throws. */
  constructor(options: SealingOptions, owner: SealingOwner) {
    const { fileSystem, folder, identity, contentBytesMax, inlineBytesMax, changes } = options
    const state = readState(fileSystem, folder)
    const { readThrough, undeclared } = state
    this.#options = options
    this.#owner = owner
    this.#readThrough = readThrough
    this.#time = state.time === 0 ? identity.startedAt : state.time
    this.#isEnded = state.isEnded
    this.#sums = new Map(Object.entries(state.sums))
    this.#contents = new OpenContents(fileSystem)
    this.#sequences = new Sequences({ through: state.sealedThrough, undeclared })
    this.#records = new RecordSealer({
      identity,
      changes,
      rules: { contentBytesMax, inlineBytesMax },
      context: {
        contents: this.#contents,
        copies: { read: (sha256) => readCopy(fileSystem, folder, sha256) },
        sums: this.#sums,
        isOpen: (spanId) => this.#starts.has(spanId),
        openTurnsOf: (traceId) => this.#starts.turnsOf(traceId),
        contentBytesMax,
        sessionId: identity.session,
        hashLargeFile: largeFileHashes(fileSystem),
      },
    })
    const outlet = {
      resource: () => ({
        ...identity.resource,
        ['turnlog.recorder.recorded_through' satisfies AttributeName]: this.#sequences.through,
      }),
      common: identity.common,
    }
    this.#outlet =
      options.openOutlet?.(outlet) ?? new SegmentWriter({ fileSystem, folder, ...outlet })
    this.#checkpoints = new Checkpoints(fileSystem, folder)
    removeTemporaries(fileSystem, folder)
    if (undeclared.length > 0) {
      const lost = joinRanges(undeclared.map(({ first, last }) => [first, last]))
      quietly('set lost segments aside', () => setAsideLost(fileSystem, folder, lost))
    }
    for (const number of listJournalFiles(fileSystem, folder)) {
      if (number <= readThrough) this.#readFile(number, new Set(state.held))
    }
  }

  get undeclared(): readonly MissingRange[] {
    return this.#sequences.undeclared
  }

  /** The journal has a file of a newer version, at which sealing stops. */
  get isOfNewerVersion(): boolean {
    return this.#isNewer
  }

  isFull(): boolean {
    return this.#outlet.isFull()
  }

  forgetContents(): void {
    this.#outlet.forgetContents()
  }

  /** Seals the oldest file up to `through` that is not sealed; false when there is none. */
  sealNext(through: number): boolean {
    const { fileSystem, folder } = this.#options
    const number = listJournalFiles(fileSystem, folder).find((next) => next > this.#readThrough)
    if (number === undefined || number > through || this.#isNewer) return false
    this.#outlet.begin(this.#sequences.through + 1)
    this.#readFile(number)
    if (this.#isNewer) return false
    this.#sequences.endFile()
    this.#contents.limit()
    this.#readThrough = number
    this.#handOver()
    return true
  }

  /** Declares and ends everything that a dead recorder left open. */
  closeDead(): void {
    if (this.#isNewer) return
    const { fileSystem, folder } = this.#options
    const sequences = this.#sequences
    sequences.mark(readRecordedMark(fileSystem, folder))
    const { through, undeclared } = sequences
    const starts = this.#starts.list()
    const closing = closingOf({ through, undeclared, starts, isEnded: this.#isEnded })
    this.#outlet.begin(through + 1)
    sequences.close(Math.max(through, ...closing.map(({ sequence }) => sequence)))
    for (const each of closing) this.#seal(each.sequence, () => this.#sealClosing(each))
    for (const id of [...this.#starts.ids(), ...this.#contents.ids()]) this.#end(id)
    this.#isEnded = true
    // A closing record that could not be sealed is declared as well.
    if (sequences.undeclared.length > 0) this.closeDead()
    else this.#handOver()
  }

  /** Sealed records were lost when they were sent. */
  lose(ranges: readonly MissingRange[]): void {
    this.#sequences.lose(ranges)
    this.#handOver()
  }

  /** Once the records are safe, or known to be lost, a checkpoint says so, and they are not sealed again. */
  #handOver(): void {
    const point = this.#checkpoint()
    this.#checkpoints.add(point)
    const declared = this.#declarations
    this.#declarations = new Map()
    this.#outlet.finish((records) =>
      this.#owner.settle(() => this.#checkpoints.settle(point, this.#lostOf(records, declared))),
    )
  }

  /** Records that an exporter gave up are missing from now on, and so are the ranges that they declared. */
  #lostOf(
    records: readonly SealedRecord[],
    declarations: ReadonlyMap<number, MissingRange>,
  ): MissingRange[] {
    if (records.length === 0) return []
    if (this.#options.isDead === true) throw new Error('A dead recorder was not exported.')
    const lost = records.flatMap(({ sequence }) => {
      const declared = declarations.get(sequence)
      if (declared !== undefined) this.#owner.declareAgain(declared)
      const own = { first: sequence, last: sequence, reason: 'export_failed' }
      return declared === undefined ? [own] : [own, declared]
    })
    lost.sort((a, b) => a.first - b.first)
    this.#sequences.lose(lost)
    return lost
  }

  #checkpoint(): Checkpoint {
    const { fileSystem, folder } = this.#options
    for (const turn of this.#sums.keys()) if (!this.#starts.has(turn)) this.#sums.delete(turn)
    const readThrough = this.#readThrough
    const needed = listJournalFiles(fileSystem, folder).filter(
      (number) =>
        (number <= readThrough && this.#contents.isUsed(journalPath(folder, number))) ||
        (number === readThrough && this.#starts.size > 0),
    )
    return {
      state: {
        sealedThrough: this.#sequences.through,
        readThrough,
        held: this.#contents.ids(),
        undeclared: this.#sequences.undeclared,
        time: this.#time,
        isEnded: this.#isEnded,
        sums: Object.fromEntries(this.#sums),
      },
      needed: new Set(needed),
    }
  }

  /** Reads a file. `openSpans` is set for a sealed file: then only the contents of these spans are read. */
  #readFile(number: number, openSpans?: ReadonlySet<string>): void {
    const { fileSystem, folder, identity } = this.#options
    const path = journalPath(folder, number)
    const { recorder } = identity
    for (const record of readJournalFile(fileSystem, { path, recorder, number })) {
      if (isOfNewerVersion(record)) {
        this.#isNewer = true
        return
      }
      this.#readRecord(record, path, openSpans)
    }
    this.#contents.leaveFile()
  }

  #readRecord(
    { head, contents }: JournalRecord,
    file: string,
    openSpans: ReadonlySet<string> | undefined,
  ): void {
    if (openSpans === undefined && typeof head.t === 'number') this.#time = head.t
    const id = String(head.id)
    const piece = { spanId: id, exchange: Number(head.x), index: Number(head.i), file }
    const isWanted = openSpans === undefined || openSpans.has(id)
    switch (head.k) {
      case 'header':
        this.#readHeader(head)
        return
      case 'start':
        this.#starts.begin(head)
        return
      case 'content':
        if (isWanted) for (const content of contents) this.#contents.add(piece, content)
        return
      case 'wire':
        if (isWanted && isObject(head.facts)) this.#contents.addWire(piece, head.facts)
        return
      case 'discard':
        this.#end(id)
        return
      case 'end':
        this.#isEnded = true
        return
      default:
        // The state accounts for records that were sealed before, also for a declaration that was lost since.
        if (openSpans === undefined) this.#sealRecord(head, contents)
        if (head.k === 'span' && head.open !== true) this.#end(id)
    }
  }

  #readHeader({ through, open }: Head): void {
    if (typeof through === 'number') this.#sequences.header(through)
    for (const id of this.#starts.replace(Array.isArray(open) ? open : [])) this.#contents.end(id)
  }

  #end(id: string): void {
    this.#contents.end(id)
    this.#starts.end(id)
    this.#sums.delete(id)
  }

  /** Seals a record that has a sequence. */
  #sealRecord(head: Head, contents: JournalRecord['contents']): void {
    const { s: sequence } = head
    if (typeof sequence !== 'number' || !Number.isSafeInteger(sequence)) return
    // A declaration has a short form in the journal.
    const drop = isMissingRange(head.drop) ? head.drop : undefined
    if (!this.#sequences.take(sequence, drop)) return
    this.#seal(sequence, () => {
      if (drop !== undefined) {
        this.#declarations.set(sequence, drop)
        return this.#records.drop(drop, Number(head.t), sequence)
      }
      if (head.k === 'log') return this.#records.log(readLog(head.log, contents), sequence)
      if (head.k !== 'span') return { refused: 'record_unsealable' }
      const notes = isObject(head.n) ? head.n : {}
      const pieces = typeof head.p === 'number' ? head.p : 0
      return this.#records.span({ span: readSpan(head.span, contents), notes, pieces }, sequence)
    })
  }

  #sealClosing(closing: Closing): SealResult {
    switch (closing.kind) {
      case 'drop':
        return this.#records.drop(closing.range, this.#time, closing.sequence)
      case 'abandoned': {
        const long = this.#contents.attributes(closing.span.spanId)
        const span = readSpan(closing.span, long)
        const notes = this.#starts.notes(span.spanId)
        const isPart = this.#starts.isPart(closing.span)
        return this.#records.abandoned({ span, notes, isPart }, this.#time, closing.sequence)
      }
      case 'session':
        return this.#records.abandonedSession(this.#time, closing.sequence)
    }
  }

  /** A record that cannot be sealed never blocks the ones after it: it is missing. */
  #seal(sequence: number, toResult: () => SealResult): void {
    let result: SealResult = { refused: 'record_unsealable' }
    try {
      result = toResult()
    } catch (cause) {
      if (mayHeal(cause)) throw cause
      failed('seal a record', cause)
    }
    if ('refused' in result) this.#sequences.spoil(sequence, result.refused)
    else this.#outlet.add(result)
  }
}
