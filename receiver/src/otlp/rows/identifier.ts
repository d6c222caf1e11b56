/** Identifiers of clients' own making, made fit for an index. */
import { Buffer } from 'node:buffer'
import { createHash } from 'node:crypto'
import type { AnyValue } from '../wire/request.ts'
import { encodeText } from '../wire/text.ts'
import { textOf } from './attributes.ts'

/** PostgreSQL's index entries end at 2704 bytes, and two or three identifiers share one. */
export const identifierBytesMax = 512

/** The identifier, or its hash when it is too long for an index; null when absent. */
export function identifierOf(value: AnyValue | undefined): string | null {
  const text = textOf(value)
  if (text === null || Buffer.byteLength(text) <= identifierBytesMax) return text
  return `sha256:${createHash('sha256').update(encodeText(text)).digest('hex')}`
}
