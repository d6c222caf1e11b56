/** Attributes and values of OTLP/JSON. */
import {
  type Complain,
  recordOf,
  toBoolean,
  toBytes,
  toDouble,
  toInteger,
  toList,
  toRecords,
  toText,
} from './json-fields.ts'
import { type AnyValue, type AttributeMap, tooDeep, valueDepthMax } from './request.ts'

export function toAttributes(value: unknown, depth: number, complain: Complain): AttributeMap {
  const attributes = new Map<string, AnyValue>()
  for (const entry of toRecords(value, 'attributes', complain)) {
    const key = toText(entry.key, 'an attribute’s key', complain)
    attributes.set(key, toValue(entry.value, depth, complain))
  }
  return attributes
}

export function toValue(value: unknown, depth: number, complain: Complain): AnyValue {
  const wire = recordOf(value ?? {}, 'a value', complain)
  const string = wire.stringValue ?? undefined
  if (string !== undefined) return toText(string, 'stringValue', complain)
  const int = wire.intValue ?? undefined
  if (int !== undefined) return toInteger(int, 'intValue', complain)
  const bool = wire.boolValue ?? undefined
  if (bool !== undefined) return toBoolean(bool, complain)
  const double = wire.doubleValue ?? undefined
  if (double !== undefined) return toDouble(double, 'doubleValue', complain)
  const bytes = wire.bytesValue ?? undefined
  if (bytes !== undefined) return toBytes(bytes, complain)
  const array = wire.arrayValue ?? undefined
  if (array !== undefined) {
    if (depth >= valueDepthMax) return tooDeep
    const values = toList(recordOf(array, 'arrayValue', complain).values, 'values', complain)
    return values.map((one) => toValue(one, depth + 1, complain))
  }
  const kvlist = wire.kvlistValue ?? undefined
  if (kvlist !== undefined) {
    if (depth >= valueDepthMax) return tooDeep
    const values = recordOf(kvlist, 'kvlistValue', complain).values
    return toAttributes(values, depth + 1, complain)
  }
  return null
}
