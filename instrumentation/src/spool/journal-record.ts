/**
 * One record of a journal: a JSON head and its raw contents.
 *
 *     record   = bodyLength u32 · crc32 of the body u32 · body
 *     body     = headLength u32 · head, UTF-8 JSON · the contents, one after another
 *     head.c   = [[slot, encoding, byteLength], …] names the contents in their order
 *
 * All numbers are little endian. A content lies as it lay in memory: `latin1` (one byte a character), `utf16`
 * (two bytes, little endian, lone surrogates included) or `bytes`.
 *
 * A record is valid if and only if its length fits the file, its checksum holds, and its head is a JSON object
 * whose contents fill the body. Torn: the file ends inside it; only the last record of a file can be. Corrupt:
 * the length fits, the rest does not; the reader steps over it and counts what is missing by the sequence.
 */
import { crc32 } from 'node:zlib'

export type ContentEncoding = 'latin1' | 'utf16' | 'bytes'

/** Bytes before a record's body. */
export const framingBytes = 8
/** A body larger than this is not written, and not believed when read. */
export const bodyBytesMax = 256 * 1024 ** 2

export interface StoredContent {
  readonly slot: string
  readonly encoding: ContentEncoding
  readonly bytes: Buffer
  /** Where the bytes begin, counted from the start of the file that was read. */
  readonly offset: number
}

export type ReadResult =
  | {
      readonly status: 'record'
      readonly head: Readonly<Record<string, unknown>>
      readonly contents: readonly StoredContent[]
      readonly next: number
    }
  | { readonly status: 'end' }
  | { readonly status: 'torn' }
  | { readonly status: 'corrupt'; readonly next: number }

/** Reads the record that begins at `offset` of a journal file's bytes. Never throws. */
export function readRecord(file: Buffer, offset: number): ReadResult {
  if (offset === file.byteLength) return { status: 'end' }
  if (offset + framingBytes > file.byteLength) return { status: 'torn' }
  const bodyLength = file.readUInt32LE(offset)
  const checksum = file.readUInt32LE(offset + 4)
  const start = offset + framingBytes
  const next = start + bodyLength
  if (bodyLength > bodyBytesMax || next > file.byteLength) return { status: 'torn' }
  const body = file.subarray(start, next)
  if (bodyLength < 4 || crc32(body) !== checksum) return { status: 'corrupt', next }
  const headLength = body.readUInt32LE(0)
  if (headLength > bodyLength - 4) return { status: 'corrupt', next }
  const head = parseObject(body.toString('utf8', 4, 4 + headLength))
  if (head === undefined) return { status: 'corrupt', next }
  const contents: StoredContent[] = []
  let position = 4 + headLength
  for (const entry of Array.isArray(head['c']) ? head['c'] : []) {
    const content = readEntry(entry, body, position, start)
    if (content === undefined) return { status: 'corrupt', next }
    contents.push(content)
    position += content.bytes.byteLength
  }
  if (position !== bodyLength) return { status: 'corrupt', next }
  return { status: 'record', head, contents, next }
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
  const [slot, encoding, byteLength]: readonly unknown[] = entry
  if (typeof slot !== 'string' || typeof byteLength !== 'number') return undefined
  if (encoding !== 'latin1' && encoding !== 'utf16' && encoding !== 'bytes') return undefined
  if (byteLength < 0 || position + byteLength > body.byteLength) return undefined
  const bytes = body.subarray(position, position + byteLength)
  return { slot, encoding, bytes, offset: bodyStart + position }
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? { ...value } : undefined
  } catch {
    return undefined
  }
}
