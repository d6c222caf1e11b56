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
 * The next record is searched for by the first bytes of its head. The search ends when the bytes whose checksum was computed
 * are eight times the file: a file that was made to look like records everywhere is given up, not read for hours.
 */

import { crc32 } from 'node:zlib'
import { parseObject } from '@turnlog/conventions/plain'

export const contentEncodings = ['latin1', 'utf16', 'bytes'] as const
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

export function checksumOf(body: Uint8Array, seed: number): number {
  return crc32(body, seed)
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

interface Body {
  readonly start: number
  readonly end: number
}

/** The bounds of the body of the record at `offset`; undefined when they exceed the file or the limit. */
function bodyAt(file: Buffer, offset: number): Body | undefined {
  const start = offset + framingBytes
  if (start > file.byteLength) return undefined
  const length = file.readUInt32LE(offset)
  const end = start + length
  return length > bodyBytesMax || end > file.byteLength ? undefined : { start, end }
}

function parseBody(file: Buffer, { start, end }: Body, seed: number): ReadResult | undefined {
  const body = file.subarray(start, end)
  if (body.byteLength < 4 || checksumOf(body, seed) !== file.readUInt32LE(start - 4)) {
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
  switch (encoding) {
    case 'latin1':
      return bytes.toString('latin1')
    case 'utf16':
      return bytes.toString('utf16le')
    case 'bytes':
      return undefined
  }
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
