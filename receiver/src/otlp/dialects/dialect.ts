/** A dialect: spans in the names of another convention, and a reader that gives their values GenAI's names. Pure. */
import { fromJson, parseJson } from '../wire/json.ts'
import type { AnyValue, AttributeMap } from '../wire/request.ts'

/** Values by their names in the GenAI convention. */
export type Derived = Readonly<Record<string, AnyValue | undefined>>

/** Reads one dialect; undefined for a span of another dialect, or of no dialect. */
export type ReadDialect = (attributes: AttributeMap, spanName: string) => Derived | undefined

/** In characters. A longer text could hold millions of values, for which no memory was reserved. */
const jsonLengthMax = 4 * 1024 ** 2
const jsonDepthMax = 200

/** The JSON inside an attribute; undefined when it is too long. Throws when it is not JSON, or nested too deeply. */
export function readJson(text: string): AnyValue | undefined {
  return text.length > jsonLengthMax ? undefined : fromJson(parseJson(text), jsonDepthMax)
}
