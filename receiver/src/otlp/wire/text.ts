/**
 * Text that PostgreSQL cannot hold as text, kept without loss.
 *
 * `text` and `jsonb` refuse U+0000 and lone surrogates, and bytes need not be UTF-8 at all. Such
 * text is *unclean*: where it is content it lands as bytes, where it is a name it is cleaned.
 * A byte of a JSON body that is not UTF-8 travels as the lone surrogate U+DC00 + byte, which is
 * written back as that byte; any other lone surrogate is written as its three bytes (WTF-8).
 */
import { Buffer, isUtf8 } from 'node:buffer'

/** Bytes of one body that may be something other than UTF-8; a body with more is not text. */
export const strayBytesMax = 10_000

/** True when PostgreSQL takes the text as it is. */
export function isClean(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0')
}

/** The text with U+FFFD in the place of each NUL and lone surrogate. */
export function clean(text: string): string {
  return isClean(text) ? text : text.toWellFormed().replaceAll('\0', '\u{fffd}')
}

/** The bytes of a text; of clean text its UTF-8. Nothing is lost. */
export function encodeText(text: string): Buffer {
  if (text.isWellFormed()) return Buffer.from(text, 'utf8')
  const bytes = Buffer.allocUnsafe(text.length * 3)
  let length = 0
  for (let index = 0; index < text.length; index += 1) {
    const point = text.codePointAt(index) ?? 0
    if (point >= 0xdc80 && point <= 0xdcff) {
      bytes[length++] = point - 0xdc00
    } else if (point < 0x80) {
      bytes[length++] = point
    } else if (point < 0x800) {
      bytes[length++] = 0xc0 | (point >> 6)
      bytes[length++] = 0x80 | (point & 0x3f)
    } else if (point < 0x10000) {
      bytes[length++] = 0xe0 | (point >> 12)
      bytes[length++] = 0x80 | ((point >> 6) & 0x3f)
      bytes[length++] = 0x80 | (point & 0x3f)
    } else {
      bytes[length++] = 0xf0 | (point >> 18)
      bytes[length++] = 0x80 | ((point >> 12) & 0x3f)
      bytes[length++] = 0x80 | ((point >> 6) & 0x3f)
      bytes[length++] = 0x80 | (point & 0x3f)
      index += 1
    }
  }
  return bytes.subarray(0, length)
}

/** The text of bytes that should be UTF-8, strays escaped; undefined when there are too many. */
export function decodeText(bytes: Buffer): string | undefined {
  if (isUtf8(bytes)) return bytes.toString('utf8')
  const pieces: string[] = []
  let strayCount = 0
  let start = 0
  let index = 0
  while (index < bytes.length) {
    const length = sequenceLength(bytes, index)
    if (length > 0) {
      index += length
      continue
    }
    strayCount += 1
    if (strayCount > strayBytesMax) return undefined
    pieces.push(bytes.toString('utf8', start, index))
    pieces.push(String.fromCharCode(0xdc00 + (bytes[index] ?? 0)))
    index += 1
    start = index
  }
  pieces.push(bytes.toString('utf8', start))
  return pieces.join('')
}

/** How many bytes the character at `index` has; 0 when there is no character (Unicode, table 3-7). */
function sequenceLength(bytes: Buffer, index: number): number {
  const first = bytes[index] ?? 0
  if (first < 0x80) return 1
  const second = bytes[index + 1] ?? 0
  if (first >= 0xc2 && first <= 0xdf) return isContinuation(second) ? 2 : 0
  if (first >= 0xe0 && first <= 0xef) {
    const low = first === 0xe0 ? 0xa0 : 0x80
    const high = first === 0xed ? 0x9f : 0xbf
    return second >= low && second <= high && isContinuation(bytes[index + 2]) ? 3 : 0
  }
  if (first >= 0xf0 && first <= 0xf4) {
    const low = first === 0xf0 ? 0x90 : 0x80
    const high = first === 0xf4 ? 0x8f : 0xbf
    if (second < low || second > high) return 0
    return isContinuation(bytes[index + 2]) && isContinuation(bytes[index + 3]) ? 4 : 0
  }
  return 0
}

function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80
}
