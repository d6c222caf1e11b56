/** Attributes and values of a request. */
import { Buffer, isUtf8 } from 'node:buffer'
import {
  type Complain,
  firstSentOf,
  recordOf,
  toBoolean,
  toBytes,
  toDouble,
  toInteger,
  toList,
  toText,
} from './fields.ts'
import { decodeMessage, messageType } from './protobuf-schema.ts'
import { type AnyValue, type AttributeMap, tooDeep, valueDepthMax } from './request.ts'

/** Of several members in JSON the first of these counts. */
const kinds = [
  'stringValue',
  'intValue',
  'boolValue',
  'doubleValue',
  'bytesValue',
  'arrayValue',
  'kvlistValue',
] as const
const arrayType = messageType('ArrayValue')
const keyValueListType = messageType('KeyValueList')

export function toAttributes(value: unknown, depth: number, complain: Complain): AttributeMap {
  const attributes = new Map<string, AnyValue>()
  for (const entry of toList(value, 'attributes', complain)) {
    const { key, value } = recordOf(entry, 'attributes', complain)
    attributes.set(toText(key, 'an attribute’s key', complain), toValue(value, depth, complain))
  }
  return attributes
}

export function toValue(value: unknown, depth: number, complain: Complain): AnyValue {
  const wire = recordOf(value ?? {}, 'a value', complain)
  switch (firstSentOf(wire, 'value', kinds)) {
    case 'stringValue': {
      const text = wire.stringValue
      // Bytes that are not UTF-8 are the value as sent.
      if (text instanceof Buffer && !isUtf8(text)) return text
      return toText(text, 'stringValue', complain)
    }
    case 'intValue':
      return toInteger(wire.intValue, 'intValue', complain)
    case 'boolValue':
      return toBoolean(wire.boolValue, 'boolValue', complain)
    case 'doubleValue':
      return toDouble(wire.doubleValue, 'doubleValue', complain)
    case 'bytesValue':
      return toBytes(wire.bytesValue, complain)
    case 'arrayValue': {
      if (depth >= valueDepthMax) return tooDeep
      const array = nested(wire.arrayValue, arrayType)
      const values = toList(recordOf(array, 'arrayValue', complain).values, 'values', complain)
      return values.map((one) => toValue(one, depth + 1, complain))
    }
    case 'kvlistValue': {
      if (depth >= valueDepthMax) return tooDeep
      const list = nested(wire.kvlistValue, keyValueListType)
      return toAttributes(recordOf(list, 'kvlistValue', complain).values, depth + 1, complain)
    }
    default:
      return null
  }
}

/** In protobuf these two are bytes that are not yet decoded: see `otlp.proto`. */
function nested(value: unknown, type: typeof arrayType): unknown {
  return value instanceof Buffer ? decodeMessage(type, value) : value
}
