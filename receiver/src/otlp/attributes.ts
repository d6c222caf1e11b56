/** Attributes as they are stored: small ones inline in jsonb, contents by reference; and read, one by one. */
import { attributes as conventions } from '@turnlog/conventions'
import type { ContentSink, StructureType } from './contents.ts'
import { isMap, toJsonObject, toJsonText } from './json-text.ts'
import type { AnyValue, AttributeMap } from './request.ts'
import { clean, isClean } from './text.ts'

/** A string or structure above this many characters is content: apart from the row, read when asked for. */
export const inlineLengthMax = 1024

const contentNames: ReadonlySet<string> = new Set(
  Object.entries(conventions)
    .filter(([, { type }]) => type === 'content')
    .map(([name]) => name),
)

/** What jsonb refuses, as `JSON.stringify` writes it: U+0000 and lone surrogates, which it escapes. */
const refusedEscape = /\\u(0000|d[89a-f])/i

/** The JSON text of the attributes. Keys are cleaned, they are names. */
export function storeAttributes(attributes: AttributeMap, sink: ContentSink): string {
  return toJsonObject(cleanKeys(attributes), (value, key) => storeValue(value, sink, key))
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
  return isApart ? sink.addText(text, 'json') : text
}

/** A client's own map that would be read as a reference of ours. */
function isReference(value: AnyValue): boolean {
  return isMap(value) && (value.has('turnlog.content') || value.has('turnlog.messages'))
}

function storeContent(
  text: string,
  options: { readonly sink: ContentSink; readonly name: string; readonly type?: StructureType },
): string {
  const { sink, name, type } = options
  return name.endsWith('.messages') ? sink.addMessages(text, type) : sink.addText(text, type)
}

function* cleanKeys(attributes: AttributeMap): Generator<readonly [string, AnyValue]> {
  for (const [key, value] of attributes) yield [clean(key), value]
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
