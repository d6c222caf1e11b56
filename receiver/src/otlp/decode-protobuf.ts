/** OTLP/protobuf → request. Throws when the body is damaged; see `protobuf-schema.ts`. */
import { Buffer, isUtf8 } from 'node:buffer'
import { decodeMessage, messageType } from './protobuf-schema.ts'
import { openRecordLimit } from './record-limit.ts'
import {
  type AnyValue,
  type AttributeMap,
  type Group,
  type LogRecord,
  type OtlpRequest,
  type Resource,
  type Scope,
  type Signal,
  type SpanRecord,
  tooDeep,
  valueDepthMax,
} from './request.ts'

// What `otlp.proto` promises of the decoded messages; absent messages are null.
interface WireLong {
  readonly low: number
  readonly high: number
}
interface WireAnyValue {
  readonly value?: string
  readonly stringValue: Uint8Array
  readonly boolValue: boolean
  readonly intValue: WireLong
  readonly doubleValue: number
  readonly arrayValue: Uint8Array
  readonly kvlistValue: Uint8Array
  readonly bytesValue: Uint8Array
}
interface WireKeyValue {
  readonly key: Uint8Array
  readonly value: WireAnyValue | null
}
interface WireResource {
  readonly attributes: readonly WireKeyValue[]
}
interface WireScope {
  readonly name: Uint8Array
  readonly version: Uint8Array
  readonly attributes: readonly WireKeyValue[]
}
interface WireSpan {
  readonly traceId: Uint8Array
  readonly spanId: Uint8Array
  readonly traceState: Uint8Array
  readonly parentSpanId: Uint8Array
  readonly name: Uint8Array
  readonly kind: number
  readonly startTimeUnixNano: WireLong
  readonly endTimeUnixNano: WireLong
  readonly attributes: readonly WireKeyValue[]
  readonly droppedAttributesCount: number
  readonly events: readonly {
    readonly timeUnixNano: WireLong
    readonly name: Uint8Array
    readonly attributes: readonly WireKeyValue[]
    readonly droppedAttributesCount: number
  }[]
  readonly droppedEventsCount: number
  readonly links: readonly {
    readonly traceId: Uint8Array
    readonly spanId: Uint8Array
    readonly traceState: Uint8Array
    readonly attributes: readonly WireKeyValue[]
    readonly droppedAttributesCount: number
    readonly flags: number
  }[]
  readonly droppedLinksCount: number
  readonly status: { readonly message: Uint8Array; readonly code: number } | null
  readonly flags: number
}
interface WireLog {
  readonly timeUnixNano: WireLong
  readonly observedTimeUnixNano: WireLong
  readonly severityNumber: number
  readonly severityText: Uint8Array
  readonly body: WireAnyValue | null
  readonly attributes: readonly WireKeyValue[]
  readonly droppedAttributesCount: number
  readonly flags: number
  readonly traceId: Uint8Array
  readonly spanId: Uint8Array
  readonly eventName: Uint8Array
}
interface WireScoped {
  readonly scope: WireScope | null
  readonly schemaUrl: Uint8Array
}
interface WireTraceRequest {
  readonly resourceSpans: readonly {
    readonly resource: WireResource | null
    readonly schemaUrl: Uint8Array
    readonly scopeSpans: readonly (WireScoped & { readonly spans: readonly WireSpan[] })[]
  }[]
}
interface WireLogsRequest {
  readonly resourceLogs: readonly {
    readonly resource: WireResource | null
    readonly schemaUrl: Uint8Array
    readonly scopeLogs: readonly (WireScoped & { readonly logRecords: readonly WireLog[] })[]
  }[]
}

const traceRequestType = messageType('ExportTraceRequest')
const logsRequestType = messageType('ExportLogsRequest')
const arrayType = messageType('ArrayValue')
const keyValueListType = messageType('KeyValueList')

export function decodeProtobuf(signal: Signal, body: Buffer): OtlpRequest {
  return signal === 'traces' ? decodeTraces(body) : decodeLogs(body)
}

function decodeTraces(body: Buffer): OtlpRequest {
  const wire = decodeMessage(traceRequestType, body) as unknown as WireTraceRequest
  const resources: Resource[] = []
  const groups: Group<SpanRecord>[] = []
  const limit = openRecordLimit()
  for (const { resource: wireResource, schemaUrl, scopeSpans } of wire.resourceSpans) {
    const resource = toResource(wireResource, schemaUrl)
    resources.push(resource)
    for (const scoped of scopeSpans) {
      limit.add(scoped.spans.length)
      groups.push({ resource, scope: toScope(scoped), records: scoped.spans.map(toSpan) })
    }
  }
  return { signal: 'traces', resources, groups }
}

function decodeLogs(body: Buffer): OtlpRequest {
  const wire = decodeMessage(logsRequestType, body) as unknown as WireLogsRequest
  const resources: Resource[] = []
  const groups: Group<LogRecord>[] = []
  const limit = openRecordLimit()
  for (const { resource: wireResource, schemaUrl, scopeLogs } of wire.resourceLogs) {
    const resource = toResource(wireResource, schemaUrl)
    resources.push(resource)
    for (const scoped of scopeLogs) {
      limit.add(scoped.logRecords.length)
      groups.push({ resource, scope: toScope(scoped), records: scoped.logRecords.map(toLog) })
    }
  }
  return { signal: 'logs', resources, groups }
}

function toResource(wire: WireResource | null, schemaUrl: Uint8Array): Resource {
  return { attributes: toAttributes(wire?.attributes ?? [], 0), schemaUrl: toName(schemaUrl) }
}

function toScope({ scope, schemaUrl }: WireScoped): Scope {
  return {
    name: scope ? toName(scope.name) : '',
    version: scope ? toName(scope.version) : '',
    attributes: toAttributes(scope?.attributes ?? [], 0),
    schemaUrl: toName(schemaUrl),
  }
}

function toSpan(wire: WireSpan): SpanRecord {
  return {
    traceId: toHex(wire.traceId),
    spanId: toHex(wire.spanId),
    parentSpanId: toHex(wire.parentSpanId),
    traceState: toName(wire.traceState),
    flags: wire.flags,
    name: toName(wire.name),
    kind: wire.kind,
    startTime: toUnsigned(wire.startTimeUnixNano),
    endTime: toUnsigned(wire.endTimeUnixNano),
    attributes: toAttributes(wire.attributes, 0),
    events: wire.events.map((event) => ({
      time: toUnsigned(event.timeUnixNano),
      name: toName(event.name),
      attributes: toAttributes(event.attributes, 0),
      droppedAttributes: event.droppedAttributesCount,
    })),
    links: wire.links.map((link) => ({
      traceId: toHex(link.traceId),
      spanId: toHex(link.spanId),
      traceState: toName(link.traceState),
      flags: link.flags,
      attributes: toAttributes(link.attributes, 0),
      droppedAttributes: link.droppedAttributesCount,
    })),
    droppedAttributes: wire.droppedAttributesCount,
    droppedEvents: wire.droppedEventsCount,
    droppedLinks: wire.droppedLinksCount,
    statusCode: wire.status?.code ?? 0,
    statusMessage: wire.status ? toName(wire.status.message) : '',
    problem: undefined,
  }
}

function toLog(wire: WireLog): LogRecord {
  return {
    time: toUnsigned(wire.timeUnixNano),
    observedTime: toUnsigned(wire.observedTimeUnixNano),
    severityNumber: wire.severityNumber,
    severityText: toName(wire.severityText),
    eventName: toName(wire.eventName),
    body: toValue(wire.body, 0),
    attributes: toAttributes(wire.attributes, 0),
    droppedAttributes: wire.droppedAttributesCount,
    flags: wire.flags,
    traceId: toHex(wire.traceId),
    spanId: toHex(wire.spanId),
    problem: undefined,
  }
}

function toAttributes(wire: readonly WireKeyValue[], depth: number): AttributeMap {
  const attributes = new Map<string, AnyValue>()
  for (const { key, value } of wire) attributes.set(toName(key), toValue(value, depth))
  return attributes
}

function toValue(wire: WireAnyValue | null, depth: number): AnyValue {
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

/** Text as text; what is not UTF-8 stays the bytes that were sent. */
function toText(bytes: Uint8Array): string | Uint8Array {
  return isUtf8(bytes) ? toName(bytes) : bytes
}

/** For names, where bytes that are not UTF-8 become U+FFFD. */
function toName(bytes: Uint8Array): string {
  if (bytes.length === 0) return ''
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8')
}

function toHex(bytes: Uint8Array): string {
  if (bytes.length === 0) return ''
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex')
}

function toUnsigned({ low, high }: WireLong): bigint {
  return (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0)
}
