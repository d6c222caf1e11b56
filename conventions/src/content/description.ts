/** What a content's bytes are: text or binary, their size and hash. Pure. */
import { hash } from 'node:crypto'
import type { ContentHash } from '../names/ids.ts'
import { decodeText } from './text.ts'

export type ContentDescription = {
  readonly size: number
  readonly sha256: ContentHash
} & (
  | { readonly kind: 'text'; readonly text: string; readonly hasBom: boolean }
  | { readonly kind: 'binary' }
)

export function describeContent(bytes: Uint8Array): ContentDescription {
  const size = bytes.byteLength
  const sha256 = hashContent(bytes)
  const text = decodeText(bytes)
  if (text === undefined) return { kind: 'binary', size, sha256 }
  return { kind: 'text', text, hasBom: text.charCodeAt(0) === 0xfeff, size, sha256 }
}

/** Of a text: the hash of its UTF-8. A text with lone surrogates has none; encode it first. */
export function hashContent(content: Uint8Array | string): ContentHash {
  return `sha256:${hash('sha256', content)}` as ContentHash
}
