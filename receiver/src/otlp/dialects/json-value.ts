/** JSON inside an attribute → a value as attributes have them. Pure. */
import { parseJson } from '../wire/parse-json.ts'
import type { AnyValue } from '../wire/request.ts'

/** In characters. A longer text could be millions of values, for which no memory was reserved. */
const lengthMax = 4 * 1024 ** 2
/** Deeper ones are not read: the walk is recursive. */
const depthMax = 200

/** Undefined for what is too long; throws on what is no JSON, or nested too deeply. */
export function readJson(text: string): AnyValue | undefined {
  return text.length > lengthMax ? undefined : toValue(parseJson(text))
}

function toValue(json: unknown, depth = 0): AnyValue {
  if (depth > depthMax) throw new RangeError('nested too deeply')
  switch (typeof json) {
    case 'string':
    case 'bigint':
    case 'boolean':
      return json
    case 'number':
      return Number.isSafeInteger(json) ? BigInt(json) : json
  }
  if (Array.isArray(json)) return json.map((one) => toValue(one, depth + 1))
  if (typeof json !== 'object' || json === null) return null
  return new Map(Object.entries(json).map(([name, one]) => [name, toValue(one, depth + 1)]))
}
