/**
 * The journal of one recorder: append-only, numbered files of records, written as things happen.
 *
 * `00000001.journal`, `00000002.journal` …; a new file every 8 MiB or 1 s after a file's first record. Each file
 * begins with a `header`: format version, recorder, the last sequence given before it, and the starts still open.
 * The records after it (`journal-record.ts` has the bytes; `k` is the kind, `t` the time in ms since 1970):
 *
 *     start    a turn, model call or tool call began; `id` its span id
 *     content  a piece of content of the span `id`: slot and bytes; pieces of one slot and exchange `x` follow each other
 *     wire     what is known of exchange `x` of the span `id`: status, headers, completeness; later members win
 *     discard  the contents of the span `id` are not needed: it will not end
 *     span     a span ended; takes the next sequence `s`
 *     log      a log record; takes the next sequence `s`
 *     end      the recorder ended in good order, after the last sequence `through`
 *
 * The `content` and `wire` records of one span are numbered `i` = 1, 2, 3 …, and its `span` says how many there were
 * (`p`): so a piece that was lost shows. Kinds that are not known are passed over; a file of a newer version is left
 * alone.
 *
 * Records gather in one reused buffer that is written synchronously when the current JavaScript turn ends, at 256 KiB,
 * and when `flush` is called: what ended before the process is killed is in the page cache, and so safe from `kill -9`.
 * A file that an open span needs is synced to disk when it is sealed, as segments are.
 *
 * When the disk refuses, what was in the buffer is lost, counted, and declared by the next record that can be
 * written (`turnlog.records.dropped`), so that the sequence has no silent hole; when none can any more, by whoever adopts
 * the recorder (`recorded-mark.ts`). Nothing here throws.
 *
 * Law: recorded = written + dropped + what is in the buffer, all counted in sequences.
 */
import { type FileSystem, makePrivateFolder, removeFile, writeFully } from '../file-system.ts'
import { quietly } from '../health.ts'
import { createRecordedMark } from '../spool/recorded-mark.ts'
import { bodyBytesMax, seedOf } from './journal-record.ts'
import {
  bufferBytes,
  createRecordBuffer,
  type JournalContent,
  type PreparedRecord,
  prepareRecord,
} from './record-buffer.ts'

export type { JournalContent } from './record-buffer.ts'

export const journalVersion = 1
const fileBytesMax = 8 * 1024 ** 2
const fileAgeMsMax = 1_000
/** After the disk refused, nothing is tried for this long: a full disk must not cost the host a call a record. */
const retryAfterMs = 1_000
/** Starts repeated in each header; the oldest goes first, so spans that never end cost at most a megabyte a second. */
const openStartsMax = 1_000

export type JournalHead = Readonly<Record<string, unknown>> & { readonly k: string }

export interface JournalOptions {
  readonly directory: string
  readonly recorder: string
  readonly fileSystem: FileSystem
  readonly now: () => number
  /** Called after file `number` was closed and may be sealed. */
  readonly onClosed: (number: number) => void
  /** Called before the first file is opened, and again when its folder has gone; makes it. May throw: the journal is then unwritable. */
  readonly prepare?: () => void
  /** Runs a timer that never holds the host and has no async context of the host's. */
  readonly after: (ms: number, callback: () => void) => { cancel(): void }
  readonly defer?: (callback: () => void) => void
}

/** Why a record was not written, as its declaration says it. */
type Refusal = 'journal_unwritable' | 'record_too_large' | 'record_unsealable'

/** Sequences that were given and not written. */
interface LostRange {
  readonly first: number
  readonly last: number
  readonly reason: Refusal
}

export type Journal = ReturnType<typeof openJournal>

export function openJournal(options: JournalOptions) {
  const { directory, recorder, fileSystem, now, onClosed, after } = options
  const defer = options.defer ?? queueMicrotask
  const buffer = createRecordBuffer()
  const mark = createRecordedMark(fileSystem, directory)
  let recorded = 0
  /** The first sequence in the buffer; 0 when there is none. */
  let bufferedFirst = 0
  /** What a record in the buffer declares. */
  let declaring: LostRange | undefined
  /** Lost and not declared: one range, since nothing is written between a loss and its declaration. */
  let lost: LostRange | undefined
  let declared = 0
  let refusedAt: number | undefined
  let isPrepared = false
  let isDeferred = false
  let isClosed = false
  let file: OpenFile | undefined
  let fileNumber = 0
  const openStarts = new Map<string, unknown>()

  interface OpenFile {
    readonly descriptor: number
    readonly number: number
    readonly seed: number
    readonly timer: { cancel(): void }
    bytes: number
  }

  function append(head: JournalHead, contents: readonly JournalContent[] = []): void {
    if (isClosed) return
    const time = now()
    if (lost !== undefined && !isRefusing(time)) declareLost(lost, time)
    write(head, contents, time)
    trackStart(head, time)
    if (buffer.used >= bufferBytes) flush()
    else if (buffer.used > 0 && !isDeferred) {
      isDeferred = true
      defer(flushDeferred)
    }
  }

  function flushDeferred(): void {
    isDeferred = false
    flush()
  }

  /** The first record that can be written again says what was lost before it. Refused again, it is lost as well. */
  function declareLost(range: LostRange, time: number): void {
    if (write({ k: 'log', drop: range }, [], time)) {
      declaring = range
      lost = undefined
    }
  }

  function write(head: JournalHead, contents: readonly JournalContent[], time: number): boolean {
    const through = recorded
    const lands = head.k === 'span' || head.k === 'log'
    if (lands) recorded += 1
    // The kind comes first: readers look for it where a file is damaged.
    const numbered = { k: head.k, ...(lands ? { s: recorded } : {}), t: time }
    const record = prepareRecord({ ...numbered, ...head }, contents)
    const refusal = record === undefined ? 'record_unsealable' : put(record, through, time)
    if (refusal !== undefined) {
      if (lands) lose(recorded, recorded, refusal)
      return false
    }
    if (lands && bufferedFirst === 0) bufferedFirst = recorded
    return true
  }

  /** Puts a record into the buffer of an open file; undefined when it is there. */
  function put(record: PreparedRecord, through: number, time: number): Refusal | undefined {
    if (record.bodyBytesBound > bodyBytesMax) return 'record_too_large'
    if (file !== undefined && file.bytes + buffer.used >= fileBytesMax) rotate()
    if (file === undefined) openFile(through, time)
    if (!buffer.fits(record)) flush()
    // A write that failed has closed the file, and what is in the buffer is lost.
    if (file === undefined) return 'journal_unwritable'
    buffer.put(record, file.seed)
    return undefined
  }

  function openFile(through: number, time: number): void {
    if (isRefusing(time)) return
    const descriptor = openNext() ?? openNext()
    if (descriptor === undefined) {
      refuse(time)
      return
    }
    const number = fileNumber
    const seed = seedOf(recorder, number)
    file = { descriptor, number, seed, timer: after(fileAgeMsMax, rotate), bytes: 0 }
    const open = [...openStarts.values()]
    const header = { v: journalVersion, recorder, file: number, through, open }
    const record = prepareRecord({ k: 'header', t: time, ...header }, [])
    if (record !== undefined) buffer.put(record, seed)
  }

  /** After a failure the folder is made again: it may have been removed under us. */
  function openNext(): number | undefined {
    try {
      if (!isPrepared) {
        options.prepare?.()
        makePrivateFolder(fileSystem, directory)
        isPrepared = true
      }
      fileNumber += 1
      return fileSystem.openSync(journalPath(directory, fileNumber), 'wx', 0o600)
    } catch {
      isPrepared = false
      return undefined
    }
  }

  /** Nothing is tried for a while. What is lost meanwhile is told only up to here, should nothing be written again. */
  function refuse(time: number): void {
    refusedAt = time
    quietly('mark how much was recorded', () => mark(recorded))
  }

  /** By the distance in time, whichever way: a clock that was set back ends the wait as well. */
  function isRefusing(time: number): boolean {
    return refusedAt !== undefined && Math.abs(time - refusedAt) < retryAfterMs
  }

  /** Writes what is in the buffer. What cannot be written is lost and counted. */
  function flush(): void {
    if (buffer.used === 0 || file === undefined) return
    const bytes = buffer.take()
    try {
      writeFully(fileSystem, file.descriptor, bytes)
      file.bytes += bytes.byteLength
      declared += sizeOf(declaring)
    } catch {
      if (declaring !== undefined) lose(declaring.first, declaring.last, declaring.reason)
      if (bufferedFirst !== 0) lose(bufferedFirst, recorded, 'journal_unwritable')
      abandonFile(file)
      refuse(now())
    }
    bufferedFirst = 0
    declaring = undefined
  }

  /** A failed write leaves a torn record: it is cut off, what stands before it is kept. */
  function abandonFile({ descriptor, number, bytes }: OpenFile): void {
    try {
      if (bytes > 0) fileSystem.ftruncateSync(descriptor, bytes)
      else removeFile(fileSystem, journalPath(directory, number))
    } catch {
      // The reader knows torn records.
    }
    closeFile()
  }

  function rotate(): void {
    flush()
    closeFile()
  }

  function closeFile(): void {
    if (file === undefined) return
    const { descriptor, number, bytes, timer } = file
    file = undefined
    timer.cancel()
    try {
      fileSystem.closeSync(descriptor)
    } catch {
      // Nothing more can be done with it; what reached the disk will be read.
    }
    if (bytes > 0) quietly('tell that a journal file is closed', () => onClosed(number))
  }

  /** Adds to what is lost; the range spans both, since nothing between them was written. */
  function lose(first: number, last: number, reason: Refusal): void {
    lost = {
      first: Math.min(first, lost?.first ?? first),
      last: Math.max(last, lost?.last ?? last),
      reason,
    }
  }

  function trackStart(head: JournalHead, time: number): void {
    const { k: kind, id } = head
    if (typeof id !== 'string') return
    if (kind === 'span' || kind === 'discard') openStarts.delete(id)
    if (kind !== 'start') return
    const oldest = openStarts.size >= openStartsMax ? openStarts.keys().next() : undefined
    if (oldest?.value !== undefined) openStarts.delete(oldest.value)
    openStarts.set(id, { ...head, t: time })
  }

  return {
    append,
    flush,
    /** Closes the current file, so that it can be sealed now. */
    rotate,
    /** The last sequence given. */
    get recorded() {
      return recorded
    },
    /** Whether a turn, model call or tool call has begun and not ended. */
    get hasOpenStarts() {
      return openStarts.size > 0
    },
    /** Records that were lost because the disk refused them, or they were too large. */
    get dropped() {
      return declared + sizeOf(declaring) + sizeOf(lost)
    },
    /** Writes everything and closes; appending afterwards does nothing. May be called twice. */
    close(): void {
      if (isClosed) return
      if (lost !== undefined) {
        // The last chance to say so.
        refusedAt = undefined
        declareLost(lost, now())
      }
      rotate()
      if (lost !== undefined) quietly('mark how much was recorded', () => mark(recorded))
      isClosed = true
    },
  }
}

export function journalPath(directory: string, number: number): string {
  return `${directory}/${String(number).padStart(8, '0')}.journal`
}

function sizeOf(range: LostRange | undefined): number {
  return range === undefined ? 0 : range.last - range.first + 1
}
