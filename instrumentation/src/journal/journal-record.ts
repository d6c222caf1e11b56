/**
 * One record of a journal: a JSON head and its raw contents.
 *
 *     record   = bodyLength u32 · checksum u32 · body
 *     body     = headLength u32 · head, UTF-8 JSON · the contents, one after another
 *     head     = {"k": kind, …}, the kind first; head.c = [[slot, encoding, byteLength], …] names the contents in order
 *     checksum = crc32 of the body, begun with the file's seed
 *
 * All numbers are little endian. A content has the bytes it had in memory: `latin1` (one byte a character),
 * `utf16` (two bytes, little endian, lone surrogates included) or `bytes`. The seed is made of recorder and file number, so a
 * record is valid in its own file only: a journal that is itself recorded as a content is not taken for records.
 *
 * A record is valid if and only if its length fits the file, its checksum holds, and its head is a JSON object
 * whose contents fill the body. Torn: no valid record begins there or after, and the file ends inside it. Corrupt: it
 * is not valid, and is stepped over to the next valid record; a missing record shows as a gap in the sequence.
 *
 * Escaping and fresh memory cost time on the host's thread, so a large text gets neither: records wait in one reused buffer.
 * The next record is searched for by the first bytes of its head. The search ends when the bytes whose checksum was computed
 * are eight times the file: a file that was made to look like records everywhere is given up, not read for hours.
 */

import { isStringOneByteRepresentation } from 'node:v8'
import { crc32 } from 'node:zlib'
import { parseObject } from '@turnlog/conventions/plain'

const contentEncodings = ['latin1', 'utf16', 'bytes'] as const
export type ContentEncoding = (typeof contentEncodings)[number]

/** Bytes before a record's body. */
export const framingBytes = 8
/** A larger body is not written, and is rejected when read. */
export const bodyBytesMax = 256 * 1024 ** 2
const headBegin = '{"k":"'
const searchedTimesMax = 8

export interface StoredContent {
  readonly slot: string
  readonly encoding: ContentEncoding
  readonly bytes: Buffer
  /** Where the bytes begin, counted from the start of the file that was read. */
  readonly offset: number
}

export interface JournalRecord {
  readonly head: Readonly<Record<string, unknown>>
  readonly contents: readonly StoredContent[]
}

export type ReadResult =
  | ({ readonly status: 'record'; readonly next: number } & JournalRecord)
  | { readonly status: 'end' }
  | { readonly status: 'torn' }
  | { readonly status: 'corrupt'; readonly next: number }

/** The seed of all checksums in one file. */
export function seedOf(recorder: string, fileNumber: number): number {
  return crc32(`${recorder}/${fileNumber}`)
}

/** Reads the record that begins at `offset` of a journal file's bytes. Never throws. */
export function readRecord(file: Buffer, offset: number, seed: number): ReadResult {
  if (offset >= file.byteLength) return { status: 'end' }
  const body = bodyAt(file, offset)
  const record = body === undefined ? undefined : parseBody(file, body, seed)
  if (record !== undefined) return record
  const next = findRecord(file, offset + 1, seed)
  if (next !== undefined) return { status: 'corrupt', next }
  return body === undefined ? { status: 'torn' } : { status: 'corrupt', next: file.byteLength }
}

/** The bounds of the body of the record at `offset`; undefined when they exceed the file or the limit. */
function bodyAt(file: Buffer, offset: number) {
  const start = offset + framingBytes
  if (start > file.byteLength) return undefined
  const length = file.readUInt32LE(offset)
  const end = start + length
  return length > bodyBytesMax || end > file.byteLength ? undefined : { start, end }
}

function parseBody(
  file: Buffer,
  { start, end }: NonNullable<ReturnType<typeof bodyAt>>,
  seed: number,
): ReadResult | undefined {
  const body = file.subarray(start, end)
  if (body.byteLength < 4 || crc32(body, seed) !== file.readUInt32LE(start - 4)) {
    return undefined
  }
  const headLength = body.readUInt32LE(0)
  if (headLength > body.byteLength - 4) return undefined
  const head = parseObject(body.toString('utf8', 4, 4 + headLength))
  if (head === undefined) return undefined
  const contents: StoredContent[] = []
  let position = 4 + headLength
  for (const entry of Array.isArray(head.c) ? head.c : []) {
    const content = readEntry(entry, body, position, start)
    if (content === undefined) return undefined
    contents.push(content)
    position += content.bytes.byteLength
  }
  if (position !== body.byteLength) return undefined
  return { status: 'record', head, contents, next: end }
}

/** The first valid record that begins at `from` or after. */
function findRecord(file: Buffer, from: number, seed: number): number | undefined {
  const toHead = framingBytes + 4
  let searchedBytes = 0
  let at = file.indexOf(headBegin, from + toHead)
  while (at !== -1 && searchedBytes <= searchedTimesMax * file.byteLength) {
    const body = bodyAt(file, at - toHead)
    if (body !== undefined) {
      searchedBytes += body.end - body.start
      if (parseBody(file, body, seed) !== undefined) return at - toHead
    }
    at = file.indexOf(headBegin, at + 1)
  }
  return undefined
}

/** The text of a stored content; `undefined` when it is bytes. */
export function contentText(encoding: ContentEncoding, bytes: Buffer): string | undefined {
  if (encoding === 'bytes') return undefined
  return bytes.toString(encoding === 'latin1' ? 'latin1' : 'utf16le')
}

function readEntry(
  entry: unknown,
  body: Buffer,
  position: number,
  bodyStart: number,
): StoredContent | undefined {
  if (!Array.isArray(entry)) return undefined
  const [slot, encodingName, byteLength]: readonly unknown[] = entry
  const encoding = contentEncodings.find((known) => known === encodingName)
  if (typeof slot !== 'string' || encoding === undefined) return undefined
  if (typeof byteLength !== 'number' || !Number.isSafeInteger(byteLength)) return undefined
  if (byteLength < 0 || position + byteLength > body.byteLength) return undefined
  const bytes = body.subarray(position, position + byteLength)
  return { slot, encoding, bytes, offset: bodyStart + position }
}

export const bufferBytes = 256 * 1024
/** A buffer that had to grow beyond this for one record is replaced by a small one afterwards. */
const bufferBytesKept = 4 * 1024 ** 2

export type JournalContent = readonly [slot: string, value: string | Uint8Array]
type Entry = readonly [slot: string, encoding: ContentEncoding, byteLength: number]

/** A record whose size is known, not yet copied. */
export interface PreparedRecord {
  readonly head: string
  readonly contents: readonly JournalContent[]
  readonly entries: readonly Entry[]
  /** The body is at most this long. */
  readonly bodyBytesBound: number
}

/** Undefined when the head has no JSON: a getter throws, or the text is longer than a string may be. */
export function prepareRecord(
  head: object,
  contents: readonly JournalContent[],
): PreparedRecord | undefined {
  const entries = contents.map(entryOf)
  let text: string
  try {
    text = JSON.stringify(entries.length === 0 ? head : { ...head, c: entries })
  } catch {
    return undefined
  }
  const contentBytes = entries.reduce((sum, [, , bytes]) => sum + bytes, 0)
  return { head: text, contents, entries, bodyBytesBound: 4 + text.length * 3 + contentBytes }
}

/** A piece of content of a span; `index` and `exchange` are `i` and `x` of its head. */
export interface ContentPiece {
  readonly spanId: string
  readonly index: number
  readonly exchange: number
  readonly content: JournalContent
}

/** The same as `prepareRecord` for this kind, which most records are, with less work. */
export function preparePiece(piece: ContentPiece, time: number): PreparedRecord {
  const { spanId, index, exchange, content } = piece
  const entry = entryOf(content)
  const [slot, encoding, bytes] = entry
  // Names and numbers only: nothing needs an escape.
  const head = `{"k":"content","t":${time},"x":${exchange},"id":"${spanId}","i":${index},"c":[["${slot}","${encoding}",${bytes}]]}`
  const bodyBytesBound = 4 + head.length * 3 + bytes
  return { head, contents: [content], entries: [entry], bodyBytesBound }
}

export class RecordBuffer {
  #memory = Buffer.allocUnsafeSlow(bufferBytes)
  #used = 0

  /** Bytes that wait to be written. */
  get used(): number {
    return this.#used
  }

  /** Whether the record can be put in: an empty buffer takes any. */
  fits({ bodyBytesBound }: PreparedRecord): boolean {
    return this.#used === 0 || this.#used + framingBytes + bodyBytesBound <= this.#memory.byteLength
  }

  /** Copies a record that fits. */
  put({ head, contents, entries, bodyBytesBound }: PreparedRecord, seed: number): void {
    const used = this.#used
    if (used + framingBytes + bodyBytesBound > this.#memory.byteLength) {
      this.#memory = Buffer.allocUnsafeSlow(framingBytes + bodyBytesBound)
    }
    const memory = this.#memory
    const start = used + framingBytes
    const headBytes = memory.write(head, start + 4, 'utf8')
    memory.writeUInt32LE(headBytes, start)
    let end = start + 4 + headBytes
    for (let index = 0; index < contents.length; index += 1) {
      const value = contents[index]?.[1] ?? ''
      end += copy(value, entries[index]?.[1] ?? 'bytes', memory, end)
    }
    memory.writeUInt32LE(end - start, used)
    memory.writeUInt32LE(crc32(memory.subarray(start, end), seed), used + 4)
    this.#used = end
  }

  /** Empties the buffer; the bytes returned are valid until the next `put`. */
  take(): Uint8Array {
    const taken = this.#memory.subarray(0, this.#used)
    this.#used = 0
    if (this.#memory.byteLength > bufferBytesKept)
      this.#memory = Buffer.allocUnsafeSlow(bufferBytes)
    return taken
  }
}

function copy(
  value: string | Uint8Array,
  encoding: ContentEncoding,
  memory: Buffer,
  position: number,
): number {
  if (typeof value === 'string') {
    return memory.write(value, position, encoding === 'latin1' ? 'latin1' : 'utf16le')
  }
  memory.set(value, position)
  return value.byteLength
}

function entryOf([slot, value]: JournalContent): Entry {
  if (typeof value !== 'string') return [slot, 'bytes', value.byteLength]
  // The function is absent before Node 22.15: then every string is copied as two bytes a character.
  const isOneByte = isStringOneByteRepresentation?.(value) ?? false
  return isOneByte ? [slot, 'latin1', value.length] : [slot, 'utf16', value.length * 2]
}
