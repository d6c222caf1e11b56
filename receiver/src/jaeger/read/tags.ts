/**
 * Attributes as typed tags, with contents in the places of their references. Pure.
 *
 * A content `K` that is not shown whole gets further tags, unless the client sent attributes of these names:
 * - too large: `K` is its beginning and a line that says so, `K.size` its bytes, `K.link` the address of the whole;
 * - missing or not shown: no `K`, but `K.ref`, its hash, and `K.size` and `K.link`.
 */

import type { FoundContent } from './read-contents.ts'
import {
  Double,
  membersOf,
  parseStored,
  referenceOf,
  type StoredObject,
  type StoredReference,
  type StoredValue,
  toPlainJson,
} from './stored-json.ts'

export type TagValue =
  | { readonly type: 'string'; readonly value: string }
  | { readonly type: 'bool'; readonly value: boolean }
  | { readonly type: 'int64'; readonly value: bigint }
  | { readonly type: 'float64'; readonly value: number }
  | { readonly type: 'binary'; readonly value: Uint8Array }
  /** A list or a map, and its JSON text. */
  | { readonly type: 'json'; readonly value: StoredValue; readonly text: string }

export interface Tag {
  readonly key: string
  readonly value: TagValue
}

export interface TagOptions {
  /** `hidden`: the content was not read, because the answer may not hold more. */
  find(reference: StoredReference): FoundContent | 'hidden'
  /** The address where a person finds the whole. */
  linkTo(reference: StoredReference, key: string): string
  /** Keys to leave out: they are shown elsewhere. */
  readonly without?: ReadonlySet<string>
}

/** Sorted by key. */
export function tagsOf(attributes: StoredObject, options: TagOptions): readonly Tag[] {
  const tags: Tag[] = []
  for (const [key, value] of membersOf(attributes)) {
    if (options.without?.has(key)) continue
    const reference = referenceOf(value)
    if (reference === undefined) tags.push({ key, value: toTagValue(value) })
    else tags.push(...contentTags(reference, { ...options, key, attributes }))
  }
  return tags
}

export function stringTag(key: string, value: string): Tag {
  return { key, value: { type: 'string', value } }
}

function contentTags(
  reference: StoredReference,
  options: TagOptions & { readonly key: string; readonly attributes: StoredObject },
): Tag[] {
  const { key, attributes } = options
  const found = options.find(reference)
  const link = options.linkTo(reference, key)
  if (found === undefined || found === 'hidden') {
    const hash = stringTag(`${key}.ref`, `sha256:${reference.sha256}`)
    return [hash, ...sizeAndLink(reference.size)]
  }
  if (found.status === 'beginning') {
    return [stringTag(key, beginningText(reference, { found, link })), ...sizeAndLink(found.size)]
  }
  const whole = { key, value: wholeValue(reference, found) }
  // Its members that are contents themselves are shown as references, so this is not the whole.
  const isShort = reference.hasReferences && !found.isExpanded
  return isShort ? [whole, ...sizeAndLink(found.size)] : [whole]

  function sizeAndLink(size: number | undefined): Tag[] {
    const tags: Tag[] = []
    if (size !== undefined) {
      tags.push({ key: `${key}.size`, value: { type: 'int64', value: BigInt(size) } })
    }
    tags.push(stringTag(`${key}.link`, link))
    return tags.filter((tag) => !Object.hasOwn(attributes, tag.key))
  }
}

type Shown = Exclude<FoundContent, undefined>

function isBinary({ type }: StoredReference, { isText }: Shown): boolean {
  return type === 'bytes' || (type === undefined && !isText)
}

function wholeValue(reference: StoredReference, found: Shown): TagValue {
  const { text, bytes } = found
  if (isBinary(reference, found)) return { type: 'binary', value: bytes }
  if (reference.type === 'json') {
    const value = parseOrUndefined(text)
    if (value !== undefined) return { type: 'json', value, text }
  }
  return { type: 'string', value: text }
}

function beginningText(
  reference: StoredReference,
  { found, link }: { readonly found: Shown; readonly link: string },
): string {
  const { text, size } = found
  if (isBinary(reference, found)) {
    return `[${size} bytes that are not text; the whole: ${link}]`
  }
  return `${text}\n… [the first ${Buffer.byteLength(text)} of ${size} bytes; the whole: ${link}]`
}

export function toTagValue(value: StoredValue): TagValue {
  if (typeof value === 'string') return { type: 'string', value }
  if (typeof value === 'boolean') return { type: 'bool', value }
  if (typeof value === 'bigint') {
    // A plain event may hold any integer; viewers refuse a trace with an integer above 64 bits.
    const fits = BigInt.asIntN(64, value) === value
    return fits ? { type: 'int64', value } : { type: 'string', value: String(value) }
  }
  if (value instanceof Double) return { type: 'float64', value: value.value }
  if (typeof value === 'number') {
    return Number.isInteger(value)
      ? { type: 'int64', value: BigInt(value) }
      : { type: 'float64', value }
  }
  // Jaeger has no empty value, and shows OTLP's as empty text.
  if (value === null) return { type: 'string', value: '' }
  return { type: 'json', value, text: toPlainJson(value) }
}

function parseOrUndefined(text: string): StoredValue | undefined {
  try {
    return parseStored(text)
  } catch {
    return undefined
  }
}
