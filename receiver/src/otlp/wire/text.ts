/**
 * Handles texts that PostgreSQL refuses, without loss.
 *
 * `text` and `jsonb` refuse U+0000 and lone surrogates, and a body may have bytes that are not UTF-8. Such a text is
 * *unclean*: a content lands as bytes, a name is cleaned. A byte of a JSON body that is not UTF-8 becomes the lone surrogate
 * U+DC00 + byte, a *stray byte*, and is written back as that byte. A lone surrogate that was sent becomes its three bytes of
 * WTF-8.
 */
import { type Buffer, isUtf8 } from 'node:buffer'
import { encodeText as encode } from '@turnlog/conventions/content/text'

/** Stray bytes of one body; a body with more is not text. */
export const strayBytesMax = 10_000

/** True when PostgreSQL takes the text as it is. */
export function isClean(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0')
}

/** The three stray bytes of one lone surrogate. */
const strayBytesOfSurrogate = /\udced[\udca0-\udcbf][\udc80-\udcbf]/g

/** The text with U+FFFD in the place of each NUL, stray byte and lone surrogate. */
export function clean(text: string): string {
  if (isClean(text)) return text
  return text.replace(strayBytesOfSurrogate, '\u{fffd}').toWellFormed().replaceAll('\0', '\u{fffd}')
}

/** The bytes of a text; of clean text its UTF-8. Nothing is lost. */
export function encodeText(text: string): Buffer {
  return encode(text, { hasStrayBytes: true })
}

/** A `\u` in JSON text whose backslash is not itself escaped. */
const escapeStart = String.raw`(?<!\\)(?:\\\\)*\\u`
const high = '[dD][89abAB][0-9a-fA-F]{2}'
const low = '[dD][c-fC-F][0-9a-fA-F]{2}'
const loneSurrogate = new RegExp(
  String.raw`\\u(?<=${escapeStart})(?:${high}(?!\\u${low})|(?<!${escapeStart}${high}\\u)${low})`,
  'g',
)

/**
 * Rewrites the escapes of lone surrogates in JSON text to three stray bytes, those of WTF-8. After that a lone surrogate in
 * a parsed text is always a stray byte, and the text has the bytes, and so the hash, that its sender gives it. Without
 * this `"\udc80"` would become one byte, and a high surrogate could make a pair with a stray byte after it.
 */
export function escapeLoneSurrogates(json: string): string {
  const pieces: string[] = []
  let from = 0
  // A loop, since `replace` with a function takes three times as long.
  loneSurrogate.lastIndex = 0
  while (loneSurrogate.test(json)) {
    const end = loneSurrogate.lastIndex
    const unit = Number.parseInt(json.slice(end - 4, end), 16)
    const [second, third] = [0x80 | ((unit >> 6) & 0x3f), 0x80 | (unit & 0x3f)]
    pieces.push(json.slice(from, end - 6), toStray(0xed), toStray(second), toStray(third))
    from = end
  }
  return from === 0 ? json : pieces.join('') + json.slice(from)
}

const escapedStrayBytes = new RegExp(
  String.raw`\\udced(?<=${escapeStart}dced)\\udc([ab][0-9a-f])\\udc([89ab][0-9a-f])`,
  'g',
)

/** Undoes `escapeLoneSurrogates` in JSON text that was written from parsed values. */
export function restoreLoneSurrogates(json: string): string {
  if (!json.includes('\\udced')) return json
  return json.replace(escapedStrayBytes, (_escapes, second: string, third: string) => {
    const bits = [second, third].map((byte) => Number.parseInt(byte, 16) & 0x3f)
    const unit = 0xd000 | ((bits[0] ?? 0) << 6) | (bits[1] ?? 0)
    return `\\u${unit.toString(16)}`
  })
}

/** The text of bytes that should be UTF-8, with stray bytes; undefined when there are too many of them. */
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
    pieces.push(toStray(bytes[index] ?? 0))
    index += 1
    start = index
  }
  pieces.push(bytes.toString('utf8', start))
  return pieces.join('')
}

function toStray(byte: number): string {
  return String.fromCharCode(0xdc00 + byte)
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
