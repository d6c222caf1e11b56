/**
 * The journal's records before they are written, in one reused buffer: heads as JSON, contents as the bytes they have in
 * memory. Escaping and fresh memory are what costs time on the host's thread, so a large text gets neither here.
 */
import { isStringOneByteRepresentation } from 'node:v8'
import { type ContentEncoding, checksumOf, framingBytes } from './journal-record.ts'

export const bufferBytes = 256 * 1024
/** A buffer that had to grow beyond this for one record is replaced by a small one afterwards. */
const bufferBytesKept = 4 * 1024 ** 2

export type JournalContent = readonly [slot: string, value: string | Uint8Array]

/** A record whose size is known, not yet copied. */
export interface PreparedRecord {
  readonly head: string
  readonly contents: readonly JournalContent[]
  readonly entries: readonly (readonly [string, ContentEncoding, number])[]
  /** The body is at most this long. */
  readonly bodyBytesBound: number
}

/** Undefined when the head has no JSON: a getter throws, or the text is longer than a string may be. */
export function prepareRecord(
  head: object,
  contents: readonly JournalContent[],
): PreparedRecord | undefined {
  const entries = contents.map(([slot, value]) => describe(slot, value))
  let text: string
  try {
    text = JSON.stringify(entries.length === 0 ? head : { ...head, c: entries })
  } catch {
    return undefined
  }
  const contentBytes = entries.reduce((sum, [, , bytes]) => sum + bytes, 0)
  return { head: text, contents, entries, bodyBytesBound: 4 + text.length * 3 + contentBytes }
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
    contents.forEach(([, value], index) => {
      end += copy(value, entries[index]?.[1] ?? 'bytes', memory, end)
    })
    memory.writeUInt32LE(end - start, used)
    memory.writeUInt32LE(checksumOf(memory.subarray(start, end), seed), used + 4)
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

function describe(
  slot: string,
  value: string | Uint8Array,
): readonly [string, ContentEncoding, number] {
  if (typeof value !== 'string') return [slot, 'bytes', value.byteLength]
  return isOneByte(value) ? [slot, 'latin1', value.length] : [slot, 'utf16', value.length * 2]
}

/** Absent before Node 22.15: then every string is copied as two bytes a character. */
function isOneByte(value: string): boolean {
  return isStringOneByteRepresentation?.(value) ?? false
}
