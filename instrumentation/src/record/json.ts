/** `unknown` from JSON, looked at safely: pure, never throws. */

export type JsonObject = { readonly [name: string]: unknown }

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

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

/** Undefined where there is no such text: for nothing, and for what is nested too deep to be written. */
export function toJson(value: unknown): string | undefined {
  try {
    return value === undefined ? undefined : JSON.stringify(value)
  } catch {
    return undefined
  }
}
