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

/** UTF-8 of a string. Each lone surrogate, which UTF-8 has no bytes for, becomes U+FFFD and is counted. */
export function encodeText(text: string): {
  readonly bytes: Uint8Array
  readonly loneSurrogates: number
} {
  return { bytes: Buffer.from(text, 'utf8'), loneSurrogates: countLoneSurrogates(text) }
}

export function countLoneSurrogates(text: string): number {
  if (text.isWellFormed()) return 0
  return text.match(/\p{Surrogate}/gu)?.length ?? 0
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
