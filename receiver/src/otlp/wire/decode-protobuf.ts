/** OTLP/protobuf → request. Throws when the body is damaged; see `protobuf-schema.ts`. */
import type { Buffer } from 'node:buffer'
import { RecordLimit } from './limits.ts'
import { toPoints, type WireMetric } from './protobuf-metrics.ts'
import { decodeMessage, messageType } from './protobuf-schema.ts'
import {
  toAttributes,
  toHex,
  toName,
  toUnsigned,
  toValue,
  type WireAnyValue,
  type WireKeyValue,
  type WireLong,
} from './protobuf-values.ts'
import type {
  Group,
  InstrumentationScope,
  LogRecord,
  OtlpRequest,
  Resource,
  Signal,
  SpanRecord,
} from './request.ts'

// The decoded messages of `otlp.proto`; absent messages are null.
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
/** The records of one resource, in one of the three requests. */
interface WireResourceRecords {
  readonly resource: WireResource | null
  readonly schemaUrl: Uint8Array
}
interface WireTraceRequest {
  readonly resourceSpans: readonly (WireResourceRecords & {
    readonly scopeSpans: readonly (WireScoped & { readonly spans: readonly WireSpan[] })[]
  })[]
}
interface WireLogsRequest {
  readonly resourceLogs: readonly (WireResourceRecords & {
    readonly scopeLogs: readonly (WireScoped & { readonly logRecords: readonly WireLog[] })[]
  })[]
}
interface WireMetricsRequest {
  readonly resourceMetrics: readonly (WireResourceRecords & {
    readonly scopeMetrics: readonly (WireScoped & { readonly metrics: readonly WireMetric[] })[]
  })[]
}

const traceRequestType = messageType('ExportTraceRequest')
const logsRequestType = messageType('ExportLogsRequest')
const metricsRequestType = messageType('ExportMetricsRequest')

export function decodeProtobuf(signal: Signal, body: Buffer): OtlpRequest {
  const limit = new RecordLimit()
  switch (signal) {
    case 'traces': {
      const wire = decodeMessage(traceRequestType, body) as unknown as WireTraceRequest
      const groups = readGroups(wire.resourceSpans, {
        scopedOf: ({ scopeSpans }) => scopeSpans,
        read: ({ spans }) => each(spans, toSpan, limit),
      })
      return { signal, ...groups }
    }
    case 'logs': {
      const wire = decodeMessage(logsRequestType, body) as unknown as WireLogsRequest
      const groups = readGroups(wire.resourceLogs, {
        scopedOf: ({ scopeLogs }) => scopeLogs,
        read: ({ logRecords }) => each(logRecords, toLog, limit),
      })
      return { signal, ...groups }
    }
    case 'metrics': {
      const wire = decodeMessage(metricsRequestType, body) as unknown as WireMetricsRequest
      const groups = readGroups(wire.resourceMetrics, {
        scopedOf: ({ scopeMetrics }) => scopeMetrics,
        read: ({ metrics }) => metrics.flatMap((metric) => toPoints(metric, limit)),
      })
      return { signal, ...groups }
    }
  }
}

function each<Wire, Record>(
  list: readonly Wire[],
  toRecord: (wire: Wire) => Record,
  limit: RecordLimit,
): Record[] {
  limit.add(list.length)
  return list.map(toRecord)
}

function readGroups<Records extends WireResourceRecords, Scoped extends WireScoped, Record>(
  ofResources: readonly Records[],
  options: {
    scopedOf(records: Records): readonly Scoped[]
    read(scoped: Scoped): Record[]
  },
): { resources: Resource[]; groups: Group<Record>[] } {
  const resources: Resource[] = []
  const groups: Group<Record>[] = []
  for (const records of ofResources) {
    const resource = toResource(records.resource, records.schemaUrl)
    resources.push(resource)
    for (const scoped of options.scopedOf(records)) {
      groups.push({ resource, scope: toScope(scoped), records: options.read(scoped) })
    }
  }
  return { resources, groups }
}

function toResource(wire: WireResource | null, schemaUrl: Uint8Array): Resource {
  return { attributes: toAttributes(wire?.attributes ?? [], 0), schemaUrl: toName(schemaUrl) }
}

function toScope({ scope, schemaUrl }: WireScoped): InstrumentationScope {
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
