/** Attributes and values of OTLP/protobuf. */
import { Buffer, isUtf8 } from 'node:buffer'
import { decodeMessage, messageType } from './protobuf-schema.ts'
import { type AnyValue, type AttributeMap, tooDeep, valueDepthMax } from './request.ts'

// The decoded messages of `otlp.proto`; absent messages are null.
export interface WireLong {
  readonly low: number
  readonly high: number
}
export interface WireAnyValue {
  readonly value?: string
  readonly stringValue: Uint8Array
  readonly boolValue: boolean
  readonly intValue: WireLong
  readonly doubleValue: number
  readonly arrayValue: Uint8Array
  readonly kvlistValue: Uint8Array
  readonly bytesValue: Uint8Array
}
export interface WireKeyValue {
  readonly key: Uint8Array
  readonly value: WireAnyValue | null
}

const arrayType = messageType('ArrayValue')
const keyValueListType = messageType('KeyValueList')

export function toAttributes(wire: readonly WireKeyValue[], depth: number): AttributeMap {
  const attributes = new Map<string, AnyValue>()
  for (const { key, value } of wire) attributes.set(toName(key), toValue(value, depth))
  return attributes
}

export function toValue(wire: WireAnyValue | null, depth: number): AnyValue {
  switch (wire?.value) {
    case 'stringValue':
      return toText(wire.stringValue)
    case 'boolValue':
      return wire.boolValue
    case 'intValue':
      return BigInt.asIntN(64, toUnsigned(wire.intValue))
    case 'doubleValue':
      return wire.doubleValue
    case 'bytesValue':
      return wire.bytesValue
    case 'arrayValue': {
      if (depth >= valueDepthMax) return tooDeep
      const { values } = decodeMessage(arrayType, wire.arrayValue) as unknown as {
        values: readonly WireAnyValue[]
      }
      return values.map((value) => toValue(value, depth + 1))
    }
    case 'kvlistValue': {
      if (depth >= valueDepthMax) return tooDeep
      const { values } = decodeMessage(keyValueListType, wire.kvlistValue) as unknown as {
        values: readonly WireKeyValue[]
      }
      return toAttributes(values, depth + 1)
    }
    default:
      return null
  }
}

/** Text, or the bytes as sent when they are not UTF-8. */
function toText(bytes: Uint8Array): string | Uint8Array {
  return isUtf8(bytes) ? toName(bytes) : bytes
}

/** For names: bytes that are not UTF-8 become U+FFFD. */
export function toName(bytes: Uint8Array): string {
  if (bytes.length === 0) return ''
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8')
}

export function toHex(bytes: Uint8Array): string {
  if (bytes.length === 0) return ''
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex')
}

export function toUnsigned({ low, high }: WireLong): bigint {
  return (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0)
}
