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
 * Records gather in one reused buffer that is written synchronously when the current JavaScript turn ends, at 256 KiB,
 * and when `flush` is called: what ended before the process is killed is in the page cache, and so safe from `kill -9`.
 * Files are synced to disk when they are closed, by the sealer, which is the only reader.
 *
 * When the disk refuses, what was in the buffer is lost, counted, and declared by the next record that can be
 * written (`turnlog.records.dropped`), so that the sequence has no silent hole. Nothing here throws.
 */
import { isStringOneByteRepresentation } from 'node:v8'
import { crc32 } from 'node:zlib'
import { type FileSystem, makePrivateFolder, writeFully } from '../file-system.ts'
import { bodyBytesMax, type ContentEncoding, framingBytes } from './journal-record.ts'

export const journalVersion = 1
const fileBytesMax = 8 * 1024 ** 2
const fileAgeMsMax = 1_000
const bufferBytes = 256 * 1024
/** A buffer that had to grow beyond this for one record is given back afterwards. */
const bufferBytesKept = 4 * 1024 ** 2
/** After the disk refused, nothing is tried for this long: a full disk must not cost the host a call a record. */
const retryAfterMs = 1_000
/** Starts repeated in each header; the oldest goes first, so spans that never end do not leak. */
const openStartsMax = 10_000

export type JournalContent = readonly [slot: string, value: string | Uint8Array]
export type JournalHead = Readonly<Record<string, unknown>> & { readonly k: string }

export interface JournalOptions {
  readonly directory: string
  readonly recorder: string
  readonly fileSystem: FileSystem
  readonly now: () => number
  /** Called after file `number` was closed and may be sealed. */
  readonly onClosed: (number: number) => void
  /** Called once before the first file is opened; makes the recorder's folder. May throw: the journal is then unwritable. */
  readonly prepare?: () => void
  /** Runs a timer that never holds the host and has no async context of the host's. */
  readonly after: (ms: number, callback: () => void) => { cancel(): void }
  readonly defer?: (callback: () => void) => void
}

interface Range {
  readonly first: number
  readonly last: number
  readonly reason: string
}

export type Journal = ReturnType<typeof openJournal>

export function openJournal(options: JournalOptions) {
  const { directory, recorder, fileSystem, now, onClosed, after } = options
  const defer = options.defer ?? queueMicrotask
  let scratch = Buffer.allocUnsafeSlow(bufferBytes)
  let used = 0
  let recorded = 0
  /** Lands of the buffer that are not yet written. */
  let unwrittenFirst = 0
  let dropped = 0
  /** Lost and not yet declared: one range, since nothing is written between a loss and its declaration. */
  let lost: Range | undefined
  /** Declared in the buffer, not yet written. */
  let declaring: Range | undefined
  let unwritableUntil = Number.NEGATIVE_INFINITY
  let isPrepared = false
  let isDeferred = false
  let isClosed = false
  let file: { descriptor: number; number: number; bytes: number } | undefined
  let fileNumber = 0
  let fileTimer: { cancel(): void } | undefined
  const openStarts = new Map<string, unknown>()

  function append(head: JournalHead, contents: readonly JournalContent[] = []): void {
    if (isClosed) return
    if (lost !== undefined) declareDrop(lost)
    write(head, contents)
  }

  function write(head: JournalHead, contents: readonly JournalContent[]): void {
    const lands = head.k === 'span' || head.k === 'log'
    const sequence = lands ? ++recorded : undefined
    trackStart(head)
    if (!openFile(lands ? recorded - 1 : recorded)) {
      if (sequence !== undefined) lose(sequence, sequence, 'journal_unwritable')
      return
    }
    const isPut = put(
      sequence === undefined ? { ...head, t: now() } : { ...head, s: sequence, t: now() },
      contents,
    )
    if (!isPut) {
      if (sequence !== undefined) lose(sequence, sequence, 'record_too_large')
      return
    }
    if (sequence !== undefined && unwrittenFirst === 0) unwrittenFirst = sequence
    if (used >= bufferBytes) flush()
    else if (!isDeferred) {
      isDeferred = true
      defer(flushDeferred)
    }
  }

  function flushDeferred(): void {
    isDeferred = false
    flush()
  }

  /** Puts a record into the buffer; false when it is larger than a record may be. */
  function put(head: object, contents: readonly JournalContent[]): boolean {
    const entries: (readonly [string, ContentEncoding, number])[] = []
    let contentBytes = 0
    for (const [slot, value] of contents) {
      const entry = describe(slot, value)
      entries.push(entry)
      contentBytes += entry[2]
    }
    const text = stringify(entries.length === 0 ? head : { ...head, c: entries })
    const bodyBytesBound = 4 + text.length * 3 + contentBytes
    if (bodyBytesBound > bodyBytesMax) return false
    reserve(framingBytes + bodyBytesBound)
    const start = used + framingBytes
    const headBytes = scratch.write(text, start + 4, 'utf8')
    scratch.writeUInt32LE(headBytes, start)
    let position = start + 4 + headBytes
    contents.forEach(([, value], index) => {
      position += copy(value, entries[index]?.[1] ?? 'bytes', position)
    })
    scratch.writeUInt32LE(position - start, used)
    scratch.writeUInt32LE(crc32(scratch.subarray(start, position)), used + 4)
    used = position
    return true
  }

  function copy(value: string | Uint8Array, encoding: ContentEncoding, position: number): number {
    if (typeof value !== 'string') {
      scratch.set(value, position)
      return value.byteLength
    }
    return scratch.write(value, position, encoding === 'latin1' ? 'latin1' : 'utf16le')
  }

  function reserve(bytes: number): void {
    if (used + bytes <= scratch.byteLength) return
    flush()
    if (bytes > scratch.byteLength) scratch = Buffer.allocUnsafeSlow(bytes)
  }

  function openFile(through: number): boolean {
    if (file !== undefined && file.bytes + used < fileBytesMax) return true
    if (file !== undefined) rotate()
    const time = now()
    // The clock may have been set back: a wait longer than the rule allows is over.
    if (time < unwritableUntil && unwritableUntil - time <= retryAfterMs) return false
    try {
      if (!isPrepared) {
        options.prepare?.()
        makePrivateFolder(fileSystem, directory)
        isPrepared = true
      }
      const number = ++fileNumber
      const path = journalPath(directory, number)
      file = { descriptor: fileSystem.openSync(path, 'wx', 0o600), number, bytes: 0 }
    } catch {
      unwritableUntil = time + retryAfterMs
      // The folder may have been removed under us.
      isPrepared = false
      return false
    }
    put(
      {
        k: 'header',
        t: time,
        v: journalVersion,
        recorder,
        file: file.number,
        through,
        open: [...openStarts.values()],
      },
      [],
    )
    fileTimer = after(fileAgeMsMax, rotate)
    return true
  }

  /** Writes what is in the buffer. What cannot be written is lost and counted. */
  function flush(): void {
    if (used === 0) return
    const bytes = scratch.subarray(0, used)
    const first = unwrittenFirst
    used = 0
    unwrittenFirst = 0
    if (scratch.byteLength > bufferBytesKept) scratch = Buffer.allocUnsafeSlow(bufferBytes)
    try {
      if (file === undefined) throw new Error('no journal file')
      writeFully(fileSystem, file.descriptor, bytes)
      file.bytes += bytes.byteLength
      declaring = undefined
    } catch {
      lost = declaring
      declaring = undefined
      if (first !== 0) lose(first, recorded, 'journal_unwritable')
      unwritableUntil = now() + retryAfterMs
      abandonFile()
    }
  }

  /** After a failed write the file ends in a torn record; what stands before it is kept. */
  function abandonFile(): void {
    if (file === undefined) return
    try {
      fileSystem.ftruncateSync(file.descriptor, file.bytes)
    } catch {
      // The reader knows torn records.
    }
    closeFile()
  }

  function rotate(): void {
    if (file === undefined) return
    flush()
    closeFile()
  }

  function closeFile(): void {
    if (file === undefined) return
    const { descriptor, number } = file
    file = undefined
    fileTimer?.cancel()
    fileTimer = undefined
    try {
      fileSystem.closeSync(descriptor)
    } catch {
      // Nothing more can be done with it; what reached the disk will be read.
    }
    onClosed(number)
  }

  function lose(first: number, last: number, reason: string): void {
    dropped += last - first + 1
    lost = { first: lost?.first ?? first, last, reason }
  }

  /** The first record that can be written again says what was lost before it. */
  function declareDrop(range: Range): void {
    const time = now()
    if (time < unwritableUntil && unwritableUntil - time <= retryAfterMs) return
    lost = undefined
    write({ k: 'log', drop: range }, [])
    // Refused again: the declaration itself belongs to the range that is declared next.
    if (lost !== undefined) lost = { ...range, last: recorded }
    else declaring = range
  }

  function trackStart(head: JournalHead): void {
    const id = head['id']
    if (typeof id !== 'string') return
    if (head.k === 'start') {
      if (openStarts.size >= openStartsMax) {
        const oldest = openStarts.keys().next()
        if (!oldest.done) openStarts.delete(oldest.value)
      }
      openStarts.set(id, { ...head, t: now() })
    } else if (head.k === 'span' || head.k === 'discard') openStarts.delete(id)
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
    /** Records that were lost because the disk refused them. */
    get dropped() {
      return dropped
    },
    /** The number of the newest file, 0 when there is none. */
    get fileNumber() {
      return fileNumber
    },
    /** Writes everything and closes; appending afterwards does nothing. May be called twice. */
    close(): void {
      if (isClosed) return
      isClosed = true
      flush()
      closeFile()
    },
  }
}

export function journalPath(directory: string, number: number): string {
  return `${directory}/${String(number).padStart(8, '0')}.journal`
}

function describe(
  slot: string,
  value: string | Uint8Array,
): readonly [string, ContentEncoding, number] {
  if (typeof value !== 'string') return [slot, 'bytes', value.byteLength]
  return isOneByte(value)
    ? [slot, 'latin1', value.length]
    : [slot, 'utf16', value.length * 2]
}

/** Absent before Node 22.15: then every string is copied as two bytes a character. */
function isOneByte(value: string): boolean {
  return isStringOneByteRepresentation?.(value) ?? false
}

/** JSON of a head. What JSON has no form for (a bigint) becomes its text, a circle is left out. */
function stringify(head: object): string {
  try {
    return JSON.stringify(head)
  } catch {
    const ancestors: unknown[] = []
    return JSON.stringify(head, function (this: unknown, _key, value: unknown) {
      if (typeof value === 'bigint') return value.toString()
      if (typeof value !== 'object' || value === null) return value
      while (ancestors.length > 0 && ancestors.at(-1) !== this) ancestors.pop()
      if (ancestors.includes(value)) return undefined
      ancestors.push(value)
      return value
    })
  }
}
