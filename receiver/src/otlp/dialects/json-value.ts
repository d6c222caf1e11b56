/** JSON inside an attribute → a value as attributes have them. Pure. */
import { fromJson } from '../wire/json-text.ts'
import { parseJson } from '../wire/parse-json.ts'
import type { AnyValue } from '../wire/request.ts'

/** In characters. A longer text could be millions of values, for which no memory was reserved. */
const lengthMax = 4 * 1024 ** 2
/** Deeper ones are not read: the walk is recursive. */
const depthMax = 200

/** Undefined for what is too long; throws on what is no JSON, or nested too deeply. */
export function readJson(text: string): AnyValue | undefined {
  return text.length > lengthMax ? undefined : fromJson(parseJson(text), depthMax)
}
