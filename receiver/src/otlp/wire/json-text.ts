/** Values → JSON text that keeps every digit of an integer, and which numbers are integers. */
import { toJsonText as writeJson } from '@turnlog/conventions/otlp/any-value'
import { isObject } from '@turnlog/conventions/plain'
import type { AnyValue, AttributeMap } from './request.ts'
import { restoreLoneSurrogates } from './text.ts'

/**
 * A double without fraction is written with one (`1.0`, which `jsonb` keeps): that tells it from an integer when it is
 * read again.
 */
export function toJsonText(value: AnyValue): string {
  const json = writeJson(value, (number) =>
    Number.isInteger(number) ? `${BigInt(number)}.0` : JSON.stringify(number),
  )
  return restoreLoneSurrogates(json)
}

/** Parsed JSON as a value; a number without a fraction is an integer. Throws a RangeError below `depthMax` levels. */
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
