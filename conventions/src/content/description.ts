/** Describes a content's bytes: whether they are text, their size and their hash. Pure. */
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

/** The hash of the bytes, or of the text's UTF-8. Call `encodeText` first for a text with lone surrogates: UTF-8 cannot encode it. */
export function hashContent(content: Uint8Array | string): ContentHash {
  return `sha256:${hash('sha256', content)}` as ContentHash
}
