/** The bytes of a text and the text of bytes, without loss. Pure. */
import { isUtf8 } from 'node:buffer'

export interface EncodeOptions {
  /** A lone surrogate U+DC80 to U+DCFF stands for one byte that was not UTF-8, 0x80 to 0xFF. */
  readonly hasStrayBytes?: boolean
}

/** UTF-8; each lone surrogate becomes its three bytes (WTF-8), so that nothing of the text is lost. */
export function encodeText(text: string, { hasStrayBytes = false }: EncodeOptions = {}): Buffer {
  if (text.isWellFormed()) return Buffer.from(text)
  const bytes = Buffer.allocUnsafe(text.length * 3)
  let length = 0
  let from = 0
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at)
    if (unit < 0xd800 || unit > 0xdfff) continue
    if ((text.codePointAt(at) ?? 0) > 0xffff) {
      at += 1
      continue
    }
    if (from < at) length += bytes.write(text.slice(from, at), length)
    from = at + 1
    if (hasStrayBytes && unit >= 0xdc80 && unit <= 0xdcff) {
      bytes[length++] = unit - 0xdc00
      continue
    }
    bytes[length++] = 0xed
    bytes[length++] = 0x80 | ((unit >> 6) & 0x3f)
    bytes[length++] = 0x80 | (unit & 0x3f)
  }
  length += bytes.write(text.slice(from), length)
  return bytes.subarray(0, length)
}

/**
 * The text of bytes that are text: valid UTF-8 without NUL. A BOM and line ends stay, so encoding the text again gives
 * the same bytes. Undefined for other bytes.
 */
export function decodeText(bytes: Uint8Array): string | undefined {
  if (bytes.includes(0) || !isUtf8(bytes)) return undefined
  return viewOf(bytes).toString('utf8')
}

/** Lines as `wc` and editors count them: a last line without an end counts, an empty text has none. */
export function countLines(text: string): number {
  let lines = 0
  // A loop over `indexOf` takes five times as long on short lines.
  for (let at = 0; at < text.length; at += 1) if (text.charCodeAt(at) === 0x0a) lines += 1
  return text === '' || text.endsWith('\n') ? lines : lines + 1
}

/** A Buffer over the same memory. */
export function viewOf(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes)
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
