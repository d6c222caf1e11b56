/**
 * How large one request may be: the memory it will need, estimated before it is decoded, and its records, counted while it
 * is decoded.
 *
 * A few bytes can become hundreds: an empty span is three bytes of JSON or two of protobuf, and as many objects as a full
 * one. The estimates only count and make no objects. They were measured with Node 24: an attribute needs about 500 bytes
 * until it has landed.
 */
import type { Buffer } from 'node:buffer'
import { endOfString } from '@turnlog/conventions/otlp/json-scan'
import protobuf from 'protobufjs'
import { messageType } from './protobuf-schema.ts'
import { type Encoding, type Signal, valueDepthMax } from './request.ts'

const bracketBytes = 200
const commaBytes = 50
const fieldBytes = 250
/** One element of a list of numbers: one to eight bytes on the wire when packed, and two objects here. */
const numberBytes = 100
/** One record as a row, until it has landed. */
export const recordBytes = 4_096
/** The most that one request may need by these estimates: more than a million attributes. */
export const costMax = 768 * 1024 ** 2
export const recordsMax = 100_000

/** Thrown while decoding, before the first record above `recordsMax` is read. */
export class TooManyRecords extends Error {
  constructor() {
    super(`more than ${recordsMax} records`)
    this.name = 'TooManyRecords'
  }
}

/** Counts the records of one request. */
export class RecordLimit {
  #total = 0

  /** Throws `TooManyRecords`. */
  add(count: number): void {
    this.#total += count
    if (this.#total > recordsMax) throw new TooManyRecords()
  }
}

export function costOf(options: {
  readonly signal: Signal
  readonly encoding: Encoding
  readonly body: Buffer
}): number {
  const { signal, encoding, body } = options
  if (encoding === 'json') return costOfJson(body)
  const { fields, numbers } = countFields(body, requestShapes[signal])
  return fields * fieldBytes + numbers * numberBytes
}

/** Counts brackets and commas outside of strings. Text that is not JSON costs little and is refused later. */
export function costOfJson(body: Buffer): number {
  let cost = 0
  for (let index = 0; index < body.length; index += 1) {
    switch (body[index]) {
      case 0x22: {
        const end = endOfString(body, index)
        if (end === undefined) return cost
        index = end - 1
        break
      }
      case 0x7b:
      case 0x5b:
        cost += bracketBytes
        break
      case 0x2c:
        cost += commaBytes
        break
    }
  }
  return cost
}

/** The fields of a message by number: the shape of those that are messages, the kind of the others. */
type Shape = Map<number, Shape | Leaf>
/** `fixed` and `varint` are lists of numbers. */
type Leaf = 'scalar' | 'fixed' | 'varint'

const shapes = new Map<string, Shape>()

function shapeOf(type: protobuf.Type): Shape {
  const known = shapes.get(type.name)
  if (known !== undefined) return known
  const shape: Shape = new Map()
  shapes.set(type.name, shape)
  for (const field of type.fieldsArray) {
    const inner = field.resolve().resolvedType ?? nestedValues.get(`${type.name}.${field.name}`)
    shape.set(field.id, inner instanceof protobuf.Type ? shapeOf(inner) : leafOf(field))
  }
  return shape
}

function leafOf({ repeated, type }: protobuf.Field): Leaf {
  if (!repeated || type === 'bytes' || type === 'string') return 'scalar'
  return type === 'fixed64' || type === 'double' ? 'fixed' : 'varint'
}

/** Fields that are bytes in the schema and decoded separately: see `otlp.proto`. */
const nestedValues = new Map([
  ['AnyValue.arrayValue', messageType('ArrayValue')],
  ['AnyValue.kvlistValue', messageType('KeyValueList')],
])

const requestShapes: Readonly<Record<Signal, Shape>> = {
  traces: shapeOf(messageType('ExportTraceRequest')),
  logs: shapeOf(messageType('ExportLogsRequest')),
  metrics: shapeOf(messageType('ExportMetricsRequest')),
}

/** Each level of nested values is three messages; deeper ones are not decoded. */
const depthMax = 16 + 3 * valueDepthMax

/**
 * Counts messages and unknown fields, which become an object each, and numbers in lists. Stops silently at damage: decoding
 * reports it.
 */
function countFields(body: Buffer, root: Shape): { fields: number; numbers: number } {
  let position = 0
  let fields = 0
  let numbers = 0

  function readVarint(end: number): number {
    let value = 0
    for (let shift = 0; shift < 64 && position < end; shift += 7) {
      const byte = body[position++] ?? 0
      value += (byte & 0x7f) * 2 ** shift
      if (byte < 0x80) return value
    }
    return Number.POSITIVE_INFINITY
  }

  function walk(shape: Shape, end: number, depth: number): void {
    while (position < end) {
      const tag = readVarint(end)
      const inner = shape.get(Math.floor(tag / 8))
      if (inner === 'fixed' || inner === 'varint') numbers += 1
      else if (inner !== 'scalar') fields += 1
      switch (tag % 8) {
        case 0:
          readVarint(end)
          break
        case 1:
          position += 8
          break
        case 2: {
          const length = readVarint(end)
          const innerEnd = position + length
          if (innerEnd > end) {
            position = end
          } else if (inner === 'fixed') {
            numbers += length / 8
          } else if (inner === 'varint') {
            numbers += countVarints(position, innerEnd)
          } else if (typeof inner === 'object' && depth < depthMax) {
            walk(inner, innerEnd, depth + 1)
          }
          position = Math.max(position, Math.min(innerEnd, end))
          break
        }
        case 5:
          position += 4
          break
        case 3:
        case 4:
          // The tags of a group count as unknown fields.
          break
        default:
          position = end
      }
    }
  }

  function countVarints(start: number, end: number): number {
    let count = 0
    for (let index = start; index < end; index += 1) if ((body[index] ?? 0) < 0x80) count += 1
    return count
  }

  walk(root, body.length, 0)
  return { fields, numbers }
}
