/** What bytes are: pure. Text if and only if valid UTF-8 without NUL; BOM and line ends stay as they are. */
import { isUtf8 } from 'node:buffer'
import { hash } from 'node:crypto'
import type { ContentHash } from '@turnlog/conventions'

export type ContentDescription = {
  readonly size: number
  readonly sha256: ContentHash
} & (
  | { readonly kind: 'text'; readonly text: string; readonly hasBom: boolean }
  | { readonly kind: 'binary' }
)

/** Encoding `text` again gives the same bytes: it round-trips exactly, the BOM as U+FEFF included. */
export function describeContent(bytes: Uint8Array): ContentDescription {
  const size = bytes.byteLength
  const sha256 = hashContent(bytes)
  const text = decodeText(bytes)
  if (text === undefined) return { kind: 'binary', size, sha256 }
  return { kind: 'text', text, hasBom: text.charCodeAt(0) === 0xfeff, size, sha256 }
}

/** The text, or undefined where the bytes are none: a NUL, or not UTF-8. */
export function decodeText(bytes: Uint8Array): string | undefined {
  if (bytes.includes(0) || !isUtf8(bytes)) return undefined
  return viewOf(bytes).toString('utf8')
}

export function hashContent(content: Uint8Array | string): ContentHash {
  return `sha256:${hash('sha256', content)}` as ContentHash
}

/** UTF-8 of a string, of a lone surrogate its three bytes (WTF-8): nothing of it is lost. */
export function encodeText(text: string): Uint8Array {
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
    length += bytes.write(text.slice(from, at), length)
    bytes[length++] = 0xed
    bytes[length++] = 0x80 | ((unit >> 6) & 0x3f)
    bytes[length++] = 0x80 | (unit & 0x3f)
    from = at + 1
  }
  length += bytes.write(text.slice(from), length)
  return bytes.subarray(0, length)
}

/** Lines as `wc` and editors count them: a last line without an end counts, an empty file has none. */
export function countLines(text: string): number {
  let lines = 0
  // Not `indexOf`: on short lines its calls take five times as long.
  for (let at = 0; at < text.length; at += 1) if (text.charCodeAt(at) === 0x0a) lines += 1
  return text === '' || text.endsWith('\n') ? lines : lines + 1
}

/** The same memory, as a Buffer. */
export function viewOf(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes)
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
