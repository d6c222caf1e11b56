/** The messages of `otlp.proto`, parsed once at start, and a strict decoder. */
import type { Buffer } from 'node:buffer'
import { readFileSync } from 'node:fs'
import protobuf from 'protobufjs'

const source = readFileSync(new URL('./otlp.proto', import.meta.url), 'utf8')
const { root } = protobuf.parse(source)

export type MessageName =
  | 'ExportTraceRequest'
  | 'ExportLogsRequest'
  | 'ExportMetricsRequest'
  | 'ExportTraceResponse'
  | 'ExportLogsResponse'
  | 'ExportMetricsResponse'
  | 'Status'
  | 'AnyValue'
  | 'ArrayValue'
  | 'KeyValueList'
  | 'KeyValue'

export function messageType(name: MessageName): protobuf.Type {
  return root.lookupType(`otlp.${name}`)
}

/**
 * Decodes one message. Throws for a length that does not fit, an invalid tag, and, unlike protobufjs alone, for a field
 * with another wire type than the schema's and for a varint without an end.
 */
export function decodeMessage(type: protobuf.Type, bytes: Buffer): protobuf.Message {
  const reader = protobuf.Reader.create(bytes)
  // `checkUnknown` looks for damaged known fields among the unknown ones.
  reader.discardUnknown = false
  const message = type.decode(reader)
  checkUnknown(type, message)
  return message
}

const varintBytesMax = 10

/** Recursive: the schema's depth is fixed. */
function checkUnknown(type: protobuf.Type, message: protobuf.Message): void {
  const fields = message as unknown as Readonly<Record<string, unknown>>
  const unknowns = fields.$unknowns
  if (Array.isArray(unknowns)) for (const raw of unknowns) checkUnknownField(type, raw)
  for (const field of type.fieldsArray) {
    const inner = field.resolve().resolvedType
    if (!(inner instanceof protobuf.Type)) continue
    const value = fields[field.name]
    if (field.repeated && Array.isArray(value)) for (const one of value) checkUnknown(inner, one)
    else if (!field.repeated && value instanceof protobuf.Message) checkUnknown(inner, value)
  }
}

function checkUnknownField(type: protobuf.Type, raw: Uint8Array): void {
  const reader = protobuf.Reader.create(raw)
  const tag = reader.uint32()
  const id = tag >>> 3
  const wireType = tag & 7
  const known = type.fieldsById[id]
  if (known) throw new Error(`field ${known.name} of ${type.name} has wire type ${wireType}`)
  if (wireType === 0 && raw.length - reader.pos > varintBytesMax) {
    throw new Error(`field ${id} of ${type.name} is a varint without an end`)
  }
}
