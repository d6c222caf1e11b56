/**
 * Records on their way to the disk, in one reused buffer: heads as JSON, contents copied as they lie in memory. What
 * costs is escaping and fresh memory, so a large text is neither escaped nor given memory of its own here.
 */
import { isStringOneByteRepresentation } from 'node:v8'
import { type ContentEncoding, checksumOf, framingBytes } from './journal-record.ts'

export const bufferBytes = 256 * 1024
/** A buffer that had to grow beyond this for one record is given back afterwards. */
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

/** Undefined when the head has no JSON: a getter that throws, a text longer than a string may be. */
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

export type RecordBuffer = ReturnType<typeof createRecordBuffer>

export function createRecordBuffer() {
  let memory = Buffer.allocUnsafeSlow(bufferBytes)
  let used = 0

  function copy(value: string | Uint8Array, encoding: ContentEncoding, position: number): number {
    if (typeof value === 'string') {
      return memory.write(value, position, encoding === 'latin1' ? 'latin1' : 'utf16le')
    }
    memory.set(value, position)
    return value.byteLength
  }

  return {
    /** Bytes that wait to be written. */
    get used() {
      return used
    },
    /** Whether the record can be put in: an empty buffer takes any. */
    fits: ({ bodyBytesBound }: PreparedRecord): boolean =>
      used === 0 || used + framingBytes + bodyBytesBound <= memory.byteLength,
    /** Copies a record that fits. */
    put({ head, contents, entries, bodyBytesBound }: PreparedRecord, seed: number): void {
      if (used + framingBytes + bodyBytesBound > memory.byteLength) {
        memory = Buffer.allocUnsafeSlow(framingBytes + bodyBytesBound)
      }
      const start = used + framingBytes
      const headBytes = memory.write(head, start + 4, 'utf8')
      memory.writeUInt32LE(headBytes, start)
      let end = start + 4 + headBytes
      contents.forEach(([, value], index) => {
        end += copy(value, entries[index]?.[1] ?? 'bytes', end)
      })
      memory.writeUInt32LE(end - start, used)
      memory.writeUInt32LE(checksumOf(memory.subarray(start, end), seed), used + 4)
      used = end
    },
    /** What was put in, valid until the next `put`; the buffer is empty then. */
    take(): Uint8Array {
      const taken = memory.subarray(0, used)
      used = 0
      if (memory.byteLength > bufferBytesKept) memory = Buffer.allocUnsafeSlow(bufferBytes)
      return taken
    },
  }
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
