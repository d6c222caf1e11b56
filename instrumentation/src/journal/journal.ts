/**
 * The journal of one recorder: append-only, numbered files of records, written as things happen.
 *
 * `00000001.journal`, `00000002.journal` …; a new file every 8 MiB or 1 s after a file's first record. Each file
 * begins with a `header`: format version, recorder, the last sequence given before it, and the starts still open.
 * The records after it (`journal-record.ts` has the bytes; `k` is the kind, `t` the time in ms since 1970):
 *
 *     start    a turn, model call or tool call began; `id` its span id
 *     content  a piece of content of the span `id`: slot and bytes; pieces of one slot and exchange `x` follow each other
 *     wire     facts about exchange `x` of the span `id`: status, headers, completeness; later members win
 *     discard  the contents of the span `id` are not needed: it will not end
 *     span     a span ended; takes the next sequence `s`. With `open` it has not: this is how far it is, and it goes on
 *     log      a log record; takes the next sequence `s`
 *     end      the recorder ended in good order, after the last sequence `through`
 *
 * The `content` and `wire` records of one span are numbered `i` = 1, 2, 3 …, and its `span` says how many there were
 * (`p`), so that a lost piece is noticed. Readers skip unknown kinds and leave a file of a newer version alone.
 *
 * Records gather in one reused buffer that is written synchronously when the current JavaScript turn ends, at 256 KiB,
 * and when `flush` is called: what ended before the process is killed is in the page cache, and so safe from `kill -9`.
 * Only the pieces of a model's answer, which come many times a second, are gathered into one if they come within 50 ms after the last
 * one was written: for at most 50 ms, and until the next other record, such as what the app sends on to its user.
 * If an open span still needs a file after it was sealed, the file stays, and is synced to disk like a segment.
 *
 * A sequence that was given is in one of five states:
 *
 *     state      meaning                                             next
 *     buffered   its record is in the buffer                         written, or lost when the disk refuses
 *     written    its record is in a file                             lost, if the file is removed before it is closed for good
 *     lost       its record was refused; nothing says so yet         declaring, with the next record that is accepted
 *     declaring  a record in the buffer (`drop`) declares it lost    declared, or lost again when the disk refuses
 *     declared   the declaration is in a file                        –
 *
 * So the sequence has no silent hole. If nothing can be written any more, whoever adopts the recorder declares the loss
 * (`spool/recorder-folder.ts`). After a refusal nothing is tried for a second. Nothing here throws.
 *
 * Law: recorded = written + dropped + buffered, all counted in sequences; dropped = lost + declaring + declared.
 */
import { setBounded } from '../bounded-map.ts'
import {
  attempt,
  type FileSystem,
  makePrivateFolder,
  removeFile,
  writeFully,
} from '../file-system.ts'
import { quietly } from '../health.ts'
import { createRecordedMark } from '../spool/recorder-folder.ts'
import { GatheredPiece, type SmallPiece } from './gathered-piece.ts'
import { journalPath, journalVersion } from './journal-file.ts'
import {
  bodyBytesMax,
  bufferBytes,
  type ContentPiece,
  type JournalContent,
  type PreparedRecord,
  preparePiece,
  prepareRecord,
  RecordBuffer,
  seedOf,
} from './journal-record.ts'

const fileBytesMax = 8 * 1024 ** 2
const fileAgeMsMax = 1_000
/** Pieces of an answer are gathered for this long. */
const gatheredMsMax = 50
/** After the disk refused, nothing is tried for this long: a full disk must not cost the host a call per record. */
const retryAfterMs = 1_000
/** Starts repeated in each header. Above it the oldest is left out, so spans that never end cost at most a megabyte a second. */
const openStartsMax = 1_000

export type JournalHead = Readonly<Record<string, unknown>> & { readonly k: string }

export interface JournalOptions {
  readonly directory: string
  readonly recorder: string
  readonly fileSystem: FileSystem
  readonly now: () => number
  /** Called once, before the first record. What it appends comes before that record. */
  readonly onFirst?: () => void
  /** Called after file `number` was closed and may be sealed. */
  readonly onClosed: (number: number) => void
  /** Called when the folder was made, before the first file is opened, and again if the folder was removed. If it throws, the journal is unwritable. */
  readonly prepare?: () => void
  /** Called at most once: the first file cannot be opened. */
  readonly onUnusable?: (cause: unknown) => void
  /** Runs a timer that never keeps the host alive and has none of the host's async contexts. */
  readonly after: (ms: number, callback: () => void) => { cancel(): void }
  readonly defer?: (callback: () => void) => void
}

/** Why a record was not written, in the words of its declaration. */
type Refusal = 'journal_unwritable' | 'journal_removed' | 'record_too_large' | 'record_unsealable'

/** Sequences that were given and not written, or written in vain. */
interface LostRange {
  readonly first: number
  readonly last: number
  readonly reason: Refusal
}

interface OpenFile {
  readonly descriptor: number
  readonly number: number
  readonly seed: number
  readonly timer: { cancel(): void }
  /** The last sequence given before it. */
  readonly through: number
  bytes: number
}

export class Journal {
  readonly #options: JournalOptions
  readonly #defer: (callback: () => void) => void
  readonly #mark: (recorded: number) => void
  readonly #buffer = new RecordBuffer()
  readonly #openStarts = new Map<string, unknown>()
  #gathered: GatheredPiece | undefined
  #gathering: { cancel(): void } | undefined
  /** When a piece that can be gathered was written last. */
  #pieceWrittenAt = 0
  #recorded = 0
  /** The first sequence in the buffer; 0 when there is none. */
  #bufferedFirst = 0
  /** Lost: one range, because nothing is written between a loss and its declaration. */
  #lost: LostRange | undefined
  #declaring: LostRange | undefined
  /** How many sequences are declared. */
  #declared = 0
  #refusedAt: number | undefined
  #hasBegun: boolean = false
  #isPrepared: boolean = false
  /** A file was opened, or it was said that none can be. */
  #isKnown: boolean = false
  #isDeferred: boolean = false
  #isClosed: boolean = false
  #file: OpenFile | undefined
  #fileNumber = 0

  constructor(options: JournalOptions) {
    this.#options = options
    this.#defer = options.defer ?? atTurnsEnd
    this.#mark = createRecordedMark(options.fileSystem, options.directory)
  }

  /** The last sequence given. */
  get recorded(): number {
    return this.#recorded
  }

  /** Whether a turn, model call or tool call has begun and not ended. */
  get hasOpenStarts(): boolean {
    return this.#openStarts.size > 0
  }

  /** Records that were lost because the disk refused them, or they were too large. */
  get dropped(): number {
    return this.#declared + sizeOf(this.#declaring) + sizeOf(this.#lost)
  }

  append(head: JournalHead, contents: readonly JournalContent[] = []): void {
    if (this.#isClosed) return
    this.#endGathering()
    const time = this.#prepare()
    this.#write(head, contents, time)
    this.#trackStart(head, time)
    this.#flushSoon()
  }

  /** Appends a record of the kind `content`. */
  appendPiece(piece: ContentPiece): void {
    if (this.#isClosed) return
    this.#endGathering()
    const time = this.#prepare()
    this.#put(preparePiece(piece, time), this.#recorded, time)
    this.#flushSoon()
  }

  /** Begins to gather pieces, with this one, or writes it at once. */
  gather(first: SmallPiece & Pick<ContentPiece, 'index'>): void {
    if (this.#isClosed) return
    this.#endGathering()
    if (Math.abs(this.#options.now() - this.#pieceWrittenAt) >= gatheredMsMax) {
      this.#appendGathered(first)
      return
    }
    this.#gathered = new GatheredPiece(first)
    this.#gathering ??= this.#options.after(gatheredMsMax, this.#flushGathered)
  }

  /** Whether the piece was added to those that are gathered. */
  takes(piece: SmallPiece): boolean {
    return this.#gathered?.takes(piece) === true
  }

  readonly #flushGathered = (): void => {
    this.#gathering = undefined
    this.flush()
  }

  #endGathering(): void {
    const gathered = this.#gathered
    this.#gathered = undefined
    if (gathered !== undefined) this.#appendGathered(gathered.whole)
  }

  #appendGathered(piece: ContentPiece): void {
    this.#pieceWrittenAt = this.#options.now()
    this.appendPiece(piece)
  }

  /** Writes the buffer to the file. Records that cannot be written are lost and counted. */
  flush(): void {
    this.#endGathering()
    const file = this.#file
    if (this.#buffer.used === 0 || file === undefined) return
    const bytes = this.#buffer.take()
    try {
      writeFully(this.#options.fileSystem, file.descriptor, bytes)
      file.bytes += bytes.byteLength
      this.#declared += sizeOf(this.#declaring)
    } catch {
      const declaring = this.#declaring
      if (declaring !== undefined) this.#lose(declaring.first, declaring.last, declaring.reason)
      if (this.#bufferedFirst !== 0) {
        this.#lose(this.#bufferedFirst, this.#recorded, 'journal_unwritable')
      }
      this.#abandonFile(file)
      this.#refuse(this.#options.now())
    }
    this.#bufferedFirst = 0
    this.#declaring = undefined
  }

  /** Closes the current file, so that it can be sealed now. */
  rotate(): void {
    this.flush()
    this.#closeFile()
  }

  /** Writes everything and closes; appending afterwards does nothing. May be called twice. */
  close(): void {
    if (this.#isClosed) return
    this.flush()
    this.#loseRemovedFile()
    if (this.#lost !== undefined) {
      // The last chance to declare it, so the wait after a refusal is cut short.
      this.#refusedAt = undefined
      this.#declareLost(this.#lost, this.#options.now())
    }
    this.rotate()
    if (this.#lost !== undefined) this.#markRecorded()
    this.#isClosed = true
  }

  /** Before a record; returns its time. */
  #prepare(): number {
    if (!this.#hasBegun) {
      this.#hasBegun = true
      this.#options.onFirst?.()
    }
    const time = this.#options.now()
    if (this.#lost !== undefined && !this.#isRefusing(time)) this.#declareLost(this.#lost, time)
    return time
  }

  #flushSoon(): void {
    if (this.#buffer.used >= bufferBytes) this.flush()
    else if (this.#buffer.used > 0 && !this.#isDeferred) {
      this.#isDeferred = true
      this.#defer(this.#flushDeferred)
    }
  }

  readonly #flushDeferred = (): void => {
    this.#isDeferred = false
    this.flush()
  }

  #write(head: JournalHead, contents: readonly JournalContent[], time: number): boolean {
    const through = this.#recorded
    const lands = head.k === 'span' || head.k === 'log'
    if (lands) this.#recorded += 1
    const recorded = this.#recorded
    // The kind comes first: readers look for it where a file is damaged.
    const first = { k: head.k, s: lands ? recorded : undefined, t: time }
    const numbered = Object.assign(first, head)
    const record = prepareRecord(numbered, contents)
    const refusal = record === undefined ? 'record_unsealable' : this.#put(record, through, time)
    if (refusal !== undefined) {
      if (lands) this.#lose(recorded, recorded, refusal)
      return false
    }
    if (lands && this.#bufferedFirst === 0) this.#bufferedFirst = recorded
    return true
  }

  /** Puts a record into the buffer of an open file; undefined when it is there. */
  #put(record: PreparedRecord, through: number, time: number): Refusal | undefined {
    if (record.bodyBytesBound > bodyBytesMax) return 'record_too_large'
    if (this.#file !== undefined && this.#file.bytes + this.#buffer.used >= fileBytesMax) {
      this.rotate()
    }
    if (this.#file === undefined) this.#openFile(through, time)
    if (!this.#buffer.fits(record)) this.flush()
    // A write that failed has closed the file, and what was in the buffer is lost.
    if (this.#file === undefined) return 'journal_unwritable'
    this.#buffer.put(record, this.#file.seed)
    return undefined
  }

  #openFile(through: number, time: number): void {
    if (this.#isRefusing(time)) return
    const descriptor = this.#openNext() ?? this.#openNext({ isLast: true })
    if (descriptor === undefined) {
      this.#refuse(time)
      return
    }
    const { recorder, after } = this.#options
    const number = this.#fileNumber
    const seed = seedOf(recorder, number)
    const timer = after(fileAgeMsMax, () => this.rotate())
    this.#file = { descriptor, number, seed, timer, through, bytes: 0 }
    const open = [...this.#openStarts.values()]
    const header = { v: journalVersion, recorder, file: number, through, open }
    const record = prepareRecord({ k: 'header', t: time, ...header }, [])
    if (record !== undefined) this.#buffer.put(record, seed)
  }

  /** After a failure the folder is made again, in case it was removed. */
  #openNext({ isLast = false } = {}): number | undefined {
    const { directory, fileSystem, prepare, onUnusable } = this.#options
    try {
      if (!this.#isPrepared) {
        makePrivateFolder(fileSystem, directory)
        prepare?.()
        this.#isPrepared = true
      }
      this.#fileNumber += 1
      const descriptor = fileSystem.openSync(journalPath(directory, this.#fileNumber), 'wx', 0o600)
      this.#isKnown = true
      return descriptor
    } catch (cause) {
      this.#isPrepared = false
      if (isLast && !this.#isKnown) {
        this.#isKnown = true
        quietly('say that nothing can be written', () => onUnusable?.(cause))
      }
      return undefined
    }
  }

  /** A failed write leaves a torn record: it is cut off, and the records before it are kept. */
  #abandonFile({ descriptor, number, bytes }: OpenFile): void {
    const { directory, fileSystem } = this.#options
    try {
      if (bytes > 0) fileSystem.ftruncateSync(descriptor, bytes)
      else removeFile(fileSystem, journalPath(directory, number))
    } catch {
      // Readers recognise torn records.
    }
    this.#closeFile()
  }

  /**
   * If somebody has removed the spool, the records of the open file are lost, and declared. Those of earlier files are not known here:
   * the process that adopts the recorder finds that they are missing.
   */
  #loseRemovedFile(): void {
    const file = this.#file
    if (file === undefined || file.bytes === 0) return
    const { fileSystem } = this.#options
    const links = attempt(() => fileSystem.fstatSync(file.descriptor).nlink)
    if (links !== 0) return
    this.#file = undefined
    file.timer.cancel()
    attempt(() => fileSystem.closeSync(file.descriptor))
    // The folder is made again.
    this.#isPrepared = false
    if (file.through < this.#recorded) {
      this.#lose(file.through + 1, this.#recorded, 'journal_removed')
    }
  }

  #closeFile(): void {
    if (this.#file === undefined) return
    const { descriptor, number, bytes, timer } = this.#file
    this.#file = undefined
    timer.cancel()
    try {
      this.#options.fileSystem.closeSync(descriptor)
    } catch {
      // Nothing more can be done with it; what reached the disk will be read.
    }
    if (bytes > 0) quietly('announce a closed journal file', () => this.#options.onClosed(number))
  }

  /** Moves what is lost to declaring. If this record is refused as well, it is lost too. */
  #declareLost(range: LostRange, time: number): void {
    if (this.#write({ k: 'log', drop: range }, [], time)) {
      this.#declaring = range
      this.#lost = undefined
    }
  }

  /** Adds to what is lost; the range spans both, since nothing between them was written. */
  #lose(first: number, last: number, reason: Refusal): void {
    this.#lost = {
      first: Math.min(first, this.#lost?.first ?? first),
      last: Math.max(last, this.#lost?.last ?? last),
      reason,
    }
  }

  #refuse(time: number): void {
    this.#refusedAt = time
    this.#markRecorded()
  }

  /** By the distance in time in either direction: a clock that was set back ends the wait as well. */
  #isRefusing(time: number): boolean {
    return this.#refusedAt !== undefined && Math.abs(time - this.#refusedAt) < retryAfterMs
  }

  /** If nothing can be written again, the adopter declares what is missing up to here, and nothing after it. */
  #markRecorded(): void {
    quietly('mark how much was recorded', () => this.#mark(this.#recorded))
  }

  #trackStart(head: JournalHead, time: number): void {
    const { k: kind, id } = head
    if (typeof id !== 'string') return
    const isOver = kind === 'discard' || (kind === 'span' && head.open !== true)
    if (isOver) this.#openStarts.delete(id)
    if (kind !== 'start') return
    setBounded(this.#openStarts, id, { ...head, t: time }, openStartsMax)
  }
}

const settled = Promise.resolve()
/** The host may replace it. */
const { then } = Promise.prototype

/** `queueMicrotask` makes several objects each time. `callback` must not throw. */
function atTurnsEnd(callback: () => void): void {
  Reflect.apply(then, settled, [callback])
}

function sizeOf(range: LostRange | undefined): number {
  return range === undefined ? 0 : range.last - range.first + 1
}
