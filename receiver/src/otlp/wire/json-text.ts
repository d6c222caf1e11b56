/** Values → JSON text that keeps every digit of an integer, and which numbers are integers. */
import { Buffer } from 'node:buffer'
import type { AnyValue, AttributeMap } from './request.ts'

/**
 * Bytes are written in Base64, as OTLP/JSON does; NaN and the infinities as their names. A double without fraction
 * is written with one (`1.0`, which `jsonb` keeps): that tells it from an integer when it is read again.
 */
export function toJsonText(value: AnyValue): string {
  if (value === null) return 'null'
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value)
    case 'boolean':
    case 'bigint':
      return String(value)
    case 'number':
      if (!Number.isFinite(value)) return `"${value}"`
      return Number.isInteger(value) ? `${BigInt(value)}.0` : JSON.stringify(value)
    default:
      if (value instanceof Uint8Array) return `"${Buffer.from(value).toString('base64')}"`
      if (isMap(value)) return toJsonObject(value, toJsonText)
      return `[${value.map(toJsonText).join(',')}]`
  }
}

export function toJsonObject<Value>(
  entries: Iterable<readonly [string, Value]>,
  write: (value: Value, key: string) => string,
): string {
  const members: string[] = []
  for (const [key, value] of entries) members.push(`${JSON.stringify(key)}:${write(value, key)}`)
  return `{${members.join(',')}}`
}

export function isMap(value: AnyValue): value is AttributeMap {
  return value instanceof Map
}
