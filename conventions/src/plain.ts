/** Safe access to values of unknown shape: parsed JSON, errors, optional members. Pure; nothing here throws. */

export type JsonObject = { readonly [name: string]: unknown }

/** True for an object that is not an array. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function asObject(value: unknown): JsonObject | undefined {
  return isObject(value) ? value : undefined
}

export function asArray(value: unknown): readonly unknown[] | undefined {
  return Array.isArray(value) ? value : undefined
}

export function asString(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

export function asNumber(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined
}

/** The first of the values that is a number. */
export function firstNumber(...values: readonly unknown[]): number | undefined {
  return values.map(asNumber).find((each) => each !== undefined)
}

/** Undefined when the text is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Undefined when the text is not the JSON of an object. */
export function parseObject(text: string): JsonObject | undefined {
  return asObject(parseJson(text))
}

/** Undefined when the value has no JSON: `undefined`, a function, or a value nested too deeply. */
export function toJson(value: unknown): string | undefined {
  try {
    return JSON.stringify(value)
  } catch {
    return undefined
  }
}

type Defined<Members> = { [Name in keyof Members]?: Exclude<Members[Name], undefined> }

/** The members whose value is not undefined. */
export function defined<Members extends object>(members: Members): Defined<Members> {
  const entries = Object.entries(members).filter(([, value]) => value !== undefined)
  return Object.fromEntries(entries) as Defined<Members>
}

/** The code of an error, such as `ENOENT` or a SQLSTATE; undefined when it has none. */
export function errorCode(error: unknown): string | undefined {
  return isObject(error) ? asString(error.code) : undefined
}

/** The error's code, else its name: its message might quote a header or a content. */
export function errorName(error: unknown): string {
  return errorCode(error) ?? (error instanceof Error ? error.name : 'unknown error')
}

/** The error's message; its code or name when it has none, as when several addresses refuse. */
export function errorMessage(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.message === '' ? errorName(error) : error.message
}
