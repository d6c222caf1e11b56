/**
 * JSON text ↔ values, without loss: integers keep every digit and differ from doubles, and lone surrogates keep their bytes.
 */
import { toJsonText as writeJson } from '@turnlog/conventions/otlp/any-value'
import { isObject } from '@turnlog/conventions/plain'
import type { AnyValue, AttributeMap } from './request.ts'
import { escapeLoneSurrogates, restoreLoneSurrogates } from './text.ts'

/** A double without a fraction is written as `1.0`, which `jsonb` keeps, so that readers can tell it from an integer. */
export function toJsonText(value: AnyValue): string {
  const json = writeJson(value, (number) =>
    Number.isInteger(number) ? `${BigInt(number)}.0` : JSON.stringify(number),
  )
  return restoreLoneSurrogates(json)
}

/** Parsed JSON → a value; a number without a fraction is an integer. Throws a RangeError below `depthMax` levels. */
export function fromJson(json: unknown, depthMax = Number.POSITIVE_INFINITY): AnyValue {
  if (depthMax < 0) throw new RangeError('nested too deeply')
  switch (typeof json) {
    case 'string':
    case 'bigint':
    case 'boolean':
      return json
    case 'number':
      return Number.isSafeInteger(json) ? BigInt(json) : json
  }
  if (Array.isArray(json)) return json.map((one) => fromJson(one, depthMax - 1))
  if (!isObject(json)) return null
  return new Map(Object.entries(json).map(([name, one]) => [name, fromJson(one, depthMax - 1)]))
}

export function isMap(value: AnyValue): value is AttributeMap {
  return value instanceof Map
}

/** A number of sixteen digits or more: some clients send times so. A match inside a string costs only time. */
const longInteger = /[:[,]\s*-?\d{16}/

/** Integers beyond 2^53 become bigints. Ignores a byte order mark (RFC 8259, 8.1). Throws a SyntaxError. */
export function parseJson(body: string): unknown {
  const text = escapeLoneSurrogates(body.startsWith('\u{feff}') ? body.slice(1) : body)
  if (!longInteger.test(text)) return JSON.parse(text)
  try {
    return JSON.parse(text, keepDigits)
  } catch (error) {
    // The reviver is recursive and can run out of stack; the parser alone cannot. Values that deep are not read later, so
    // the only loss is that long integers are rounded.
    if (error instanceof RangeError) return JSON.parse(text)
    throw error
  }
}

/** As `parseJson`, but undefined for a text that is not JSON. The error is dropped: it quotes the text. */
export function tryParseJson(text: string): unknown {
  try {
    return parseJson(text)
  } catch {
    return undefined
  }
}

function keepDigits(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  if (typeof value !== 'number' || Number.isSafeInteger(value)) return value
  const source = context?.source
  return source !== undefined && /^-?\d{1,32}$/.test(source) ? BigInt(source) : value
}
