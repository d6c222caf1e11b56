/** Attributes as they are stored: small ones inline in jsonb, contents by reference; and read, one by one. */
import { contentNames, jsonContentNames } from '@turnlog/conventions'
import {
  type ContentReference,
  findReference,
  referenceSuffix,
} from '@turnlog/conventions/content/references'
import { toJsonObject } from '@turnlog/conventions/otlp/any-value'
import { isMap, toJsonText } from '../wire/json-text.ts'
import type { AnyValue, AttributeMap } from '../wire/request.ts'
import { clean, isClean } from '../wire/text.ts'
import type { ContentSink, TextOptions } from './contents.ts'

/** A string or structure above this many characters is content: apart from the row, read when asked for. */
export const inlineLengthMax = 1024

/** What jsonb refuses, as `JSON.stringify` writes it: U+0000 and lone surrogates, which it escapes. */
const refusedEscape = /\\u(0000|d[89a-f])/i

/** The JSON text of the attributes. Keys are cleaned, they are names. */
export function storeAttributes(attributes: AttributeMap, sink: ContentSink): string {
  return toJsonObject(storedMembers(attributes, sink), (json) => json)
}

function* storedMembers(
  attributes: AttributeMap,
  sink: ContentSink,
): Generator<readonly [string, string]> {
  for (const [key, value] of attributes) {
    const name = key.endsWith(referenceSuffix) ? key.slice(0, -referenceSuffix.length) : undefined
    const reference = name === undefined ? undefined : referenceOf(attributes, name)
    if (name !== undefined && reference !== undefined) yield [clean(name), sink.referTo(reference)]
    else yield [clean(key), storeValue(value, sink, key)]
  }
}

/**
 * The reference in the place of the attribute `name`. What is no content by convention must also say its size: other
 * clients may call an attribute of theirs `something.ref`.
 */
export function referenceOf(attributes: AttributeMap, name: string): ContentReference | undefined {
  const reference = findReference(attributes, name)
  return reference?.size !== undefined || contentNames.has(name) ? reference : undefined
}

/** The JSON text of one value; `name` says whether it is content whatever its size. */
export function storeValue(value: AnyValue, sink: ContentSink, name = ''): string {
  const isContent = contentNames.has(name)
  if (typeof value === 'string') {
    if (isContent) return storeContent(value, { sink, name })
    return value.length > inlineLengthMax || !isClean(value)
      ? sink.addText(value)
      : toJsonText(value)
  }
  if (value instanceof Uint8Array) return sink.addBytes(value)
  if (value === null || typeof value !== 'object') return toJsonText(value)
  const text = toJsonText(value)
  if (isContent) return storeContent(text, { sink, name, type: 'json' })
  const isApart = text.length > inlineLengthMax || refusedEscape.test(text) || isReference(value)
  return isApart ? sink.addText(text, { type: 'json' }) : text
}

/** A client's own map that would be read as a reference of ours. */
function isReference(value: AnyValue): boolean {
  return (
    isMap(value) &&
    ['turnlog.content', 'turnlog.messages', 'turnlog.said'].some((name) => value.has(name))
  )
}

function storeContent(
  text: string,
  options: Pick<TextOptions, 'type'> & { readonly sink: ContentSink; readonly name: string },
): string {
  const { sink, name, type } = options
  const how: TextOptions = { ...(type && { type }), mayRefer: jsonContentNames.has(name) }
  return name.endsWith('.messages') ? sink.addMessages(text, how) : sink.addText(text, how)
}

/** The text of a scalar attribute, cleaned; null when it is absent, empty or no scalar. */
export function textOf(value: AnyValue | undefined): string | null {
  if (value === undefined || value === null || value === '') return null
  if (typeof value === 'string') return clean(value)
  return typeof value === 'object' ? null : String(value)
}

/** Text of any length for a column that is not indexed, bounded: a longer one stays in the attributes only. */
export function columnTextOf(value: AnyValue | undefined): string | null {
  const text = textOf(value)
  return text !== null && text.length > columnLengthMax ? null : text
}
const columnLengthMax = 4096

/** An integer within 64 bits, also where it was sent as text or as a double; else null. */
export function integerOf(value: AnyValue | undefined): bigint | null {
  if (typeof value === 'bigint') return value
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : null
  if (typeof value === 'string' && /^-?\d{1,18}$/.test(value)) return BigInt(value)
  return null
}

/** True also for the text `true`; some clients know no booleans. */
export function isTrue(value: AnyValue | undefined): boolean {
  return value === true || value === 'true'
}

/** The first of several names that has a value: one meaning under the names of several generations. */
export function firstOf(attributes: AttributeMap, names: readonly string[]): AnyValue | undefined {
  for (const name of names) {
    const value = attributes.get(name)
    if (value !== undefined && value !== null) return value
  }
  return undefined
}
