/** Single attributes → the values of columns. Pure. */

import { Buffer } from 'node:buffer'
import { hashContent } from '@turnlog/conventions/content/description'
import type { AnyValue } from '../wire/request.ts'
import { clean, encodeText } from '../wire/text.ts'

/** The cleaned text of a scalar; null when the value is absent, empty or not a scalar. */
export function textOf(value: AnyValue | undefined): string | null {
  if (value === undefined || value === null || value === '') return null
  if (typeof value === 'string') return clean(value)
  return typeof value === 'object' ? null : String(value)
}

/** Text for a column without an index; null for a longer text, which is in the attributes only. */
export function columnTextOf(value: AnyValue | undefined): string | null {
  const text = textOf(value)
  return text !== null && text.length > columnLengthMax ? null : text
}
const columnLengthMax = 4096

/** A 64-bit integer, also when it was sent as text or as a double; null for other values. */
export function integerOf(value: AnyValue | undefined): bigint | null {
  if (typeof value === 'bigint') return value
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : null
  if (typeof value === 'string' && /^-?\d{1,18}$/.test(value)) return BigInt(value)
  return null
}

/** True also for the text `true`: some clients cannot send booleans. */
export function isTrue(value: AnyValue | undefined): boolean {
  return value === true || value === 'true'
}

/** PostgreSQL's index entries end at 2704 bytes, and two or three identifiers share one. */
export const identifierBytesMax = 512

/** A client's identifier, or its hash when it is too long for an index; null when absent. */
export function identifierOf(value: AnyValue | undefined): string | null {
  const text = textOf(value)
  if (text === null || Buffer.byteLength(text) <= identifierBytesMax) return text
  return hashContent(encodeText(text))
}

/** No recorder counts further. */
const sequenceMax = 2n ** 53n

/** A recorder's number of a record: an integer from 1 up; null for other values. */
export function sequenceOf(value: AnyValue | undefined): bigint | null {
  const integer = integerOf(value)
  return integer !== null && integer >= 1n && integer <= sequenceMax ? integer : null
}
