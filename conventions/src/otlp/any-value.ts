/**
 * An attribute's value as OTLP/JSON, and as plain JSON text (OTLP 1.11, "JSON Protobuf Encoding"). Pure.
 *
 * A whole number is an integer, a `Uint8Array` is bytes, a `Map` or any other object is a list of members. Recursive: the
 * caller bounds the depth.
 */
import { viewOf } from '../content/text.ts'

export type AnyValue = Readonly<Record<string, unknown>>
export interface KeyValue {
  readonly key: string
  readonly value: AnyValue
}

/** `intValue` is a signed 64-bit integer; a larger one becomes text. */
const intMax = 2n ** 63n - 1n

/** Undefined for a value that OTLP has no form for: a function, a symbol. */
export function toAnyValue(value: unknown): AnyValue | undefined {
  switch (typeof value) {
    case 'string':
      return { stringValue: value }
    case 'boolean':
      return { boolValue: value }
    case 'number':
      if (Number.isSafeInteger(value)) return { intValue: value }
      // Protobuf's JSON writes NaN and the infinities by name.
      return { doubleValue: Number.isFinite(value) ? value : String(value) }
    case 'bigint':
      return value <= intMax && value >= -intMax - 1n
        ? { intValue: value.toString() }
        : { stringValue: value.toString() }
    case 'object':
      return toCompoundValue(value)
    default:
      return undefined
  }
}

function toCompoundValue(value: object | null): AnyValue {
  if (value === null) return {}
  if (value instanceof Uint8Array) return { bytesValue: toBase64(value) }
  if (Array.isArray(value)) {
    return { arrayValue: { values: value.map((member) => toAnyValue(member) ?? {}) } }
  }
  return { kvlistValue: { values: toKeyValues(value) } }
}

export function toKeyValues(attributes: object): KeyValue[] {
  const pairs: KeyValue[] = []
  for (const [key, member] of entriesOf(attributes)) {
    const value = toAnyValue(member)
    if (value !== undefined) pairs.push({ key, value })
  }
  return pairs
}

/**
 * Plain JSON text that keeps every digit of an integer; bytes are Base64, NaN and the infinities their names. `writeNumber`
 * writes a finite number that is no bigint.
 */
export function toJsonText(
  value: unknown,
  writeNumber: (value: number) => string = String,
): string {
  switch (typeof value) {
    case 'bigint':
    case 'boolean':
      return String(value)
    case 'number':
      return Number.isFinite(value) ? writeNumber(value) : `"${value}"`
    case 'string':
      return JSON.stringify(value)
    case 'object': {
      if (value === null) return 'null'
      if (value instanceof Uint8Array) return `"${toBase64(value)}"`
      if (!Array.isArray(value)) {
        return toJsonObject(entriesOf(value), (member) => toJsonText(member, writeNumber))
      }
      return `[${value.map((member) => toJsonText(member, writeNumber)).join(',')}]`
    }
    default:
      return 'null'
  }
}

/** Members whose value is undefined are left out. */
export function toJsonObject<Value>(
  entries: Iterable<readonly [string, Value]>,
  write: (value: Value) => string,
): string {
  const members: string[] = []
  for (const [key, value] of entries) {
    if (value !== undefined) members.push(`${JSON.stringify(key)}:${write(value)}`)
  }
  return `{${members.join(',')}}`
}

function entriesOf(value: object): Iterable<readonly [string, unknown]> {
  return value instanceof Map ? value : Object.entries(value)
}

function toBase64(bytes: Uint8Array): string {
  return viewOf(bytes).toString('base64')
}
