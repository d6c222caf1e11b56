/** Attributes → the JSON text of a column: small values inline, contents as references. */
import { contentNames, jsonContentNames } from '@turnlog/conventions'
import {
  type ContentReference,
  findReference,
  referenceSuffix,
} from '@turnlog/conventions/content/references'
import { toJsonObject } from '@turnlog/conventions/otlp/any-value'
import { isMap, toJsonText } from '../wire/json.ts'
import type { AnyValue, AttributeMap } from '../wire/request.ts'
import { clean, isClean } from '../wire/text.ts'
import type { ContentSink, TextOptions } from './contents.ts'

/** A longer string or structure is a content: stored apart from the row, and read only when it is needed. */
export const inlineLengthMax = 1024

/** The escapes in the output of `JSON.stringify` that jsonb refuses: U+0000 and lone surrogates. */
const refusedEscape = /\\u(0000|d[89a-f])/i

/** Keys are cleaned: they are names. */
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
 * The reference in the place of the attribute `name`. It needs a size when the conventions do not define `name` as a
 * content: other clients may have their own attributes named `something.ref`.
 */
export function referenceOf(attributes: AttributeMap, name: string): ContentReference | undefined {
  const reference = findReference(attributes, name)
  return reference?.size !== undefined || contentNames.has(name) ? reference : undefined
}

/** The JSON text of one value. A name that the conventions define as a content makes it one, whatever its size. */
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

/** A client's map that readers would take for a reference. */
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
  const how: TextOptions = { type, mayRefer: jsonContentNames.has(name) }
  return name.endsWith('.messages') ? sink.addMessages(text, how) : sink.addText(text, how)
}
