/**
 * A sealed record → what OpenTelemetry's exporters take. Pure. The exporter makes the same OTLP of it again, but for
 * numbers its JSON cannot say (NaN, infinities, integers that no double holds exactly): those go as text.
 */
import {
  createTraceState,
  type HrTime,
  type Link,
  type SpanContext,
  type SpanKind,
  type SpanStatusCode,
} from '@opentelemetry/api'
import type { Resource } from '@opentelemetry/resources'
import type { ReadableLogRecord } from '@opentelemetry/sdk-logs'
import type { ReadableSpan } from '@opentelemetry/sdk-trace'

type Scope = ReadableSpan['instrumentationScope']

/** What is on every record of a request. */
export interface RecordFrame {
  readonly resource: Resource
  /** One object for equal scopes: records are grouped by it. */
  readonly scope: Scope
}

interface KeyValue {
  readonly key: string
  readonly value: AnyValue
}
interface AnyValue {
  readonly stringValue?: string
  readonly boolValue?: boolean
  readonly intValue?: number | string
  readonly doubleValue?: number | string
  readonly bytesValue?: string
  readonly arrayValue?: { readonly values: readonly AnyValue[] }
  readonly kvlistValue?: { readonly values: readonly KeyValue[] }
}
/** OTLP/JSON as `spool/otlp-json.ts` writes it. */
interface OtlpSpan {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly traceState?: string
  readonly name: string
  readonly kind: number
  readonly startTimeUnixNano: string
  readonly endTimeUnixNano: string
  readonly attributes: readonly KeyValue[]
  readonly events: readonly {
    readonly timeUnixNano: string
    readonly name: string
    readonly attributes: readonly KeyValue[]
  }[]
  readonly links: readonly {
    readonly traceId: string
    readonly spanId: string
    readonly traceState?: string
    readonly flags?: number
    readonly attributes: readonly KeyValue[]
  }[]
  readonly status: { readonly code: SpanStatusCode; readonly message?: string }
  readonly flags?: number
}
interface OtlpLog {
  readonly timeUnixNano: string
  readonly observedTimeUnixNano: string
  readonly severityNumber?: number
  readonly severityText?: string
  readonly eventName?: string
  readonly body?: AnyValue
  readonly attributes: readonly KeyValue[]
  readonly traceId?: string
  readonly spanId?: string
  readonly flags?: number
}

export function toReadableSpan(json: string, { resource, scope }: RecordFrame): ReadableSpan {
  const span = JSON.parse(json) as OtlpSpan
  const context = contextOf(span)
  const [startTime, endTime] = [hrTime(span.startTimeUnixNano), hrTime(span.endTimeUnixNano)]
  return {
    name: span.name,
    kind: (span.kind - 1) as SpanKind,
    spanContext: () => context,
    ...(span.parentSpanId === undefined
      ? {}
      : {
          parentSpanContext: {
            traceId: span.traceId,
            spanId: span.parentSpanId,
            traceFlags: context.traceFlags,
            isRemote: isRemote(span.flags),
          },
        }),
    startTime,
    endTime,
    duration: hrTime(String(BigInt(span.endTimeUnixNano) - BigInt(span.startTimeUnixNano))),
    status: span.status,
    attributes: attributesOf(span.attributes),
    events: span.events.map(({ name, timeUnixNano, attributes }) => ({
      name,
      time: hrTime(timeUnixNano),
      attributes: attributesOf(attributes),
    })),
    links: span.links.map(
      (link): Link => ({
        context: { ...contextOf(link), isRemote: isRemote(link.flags) },
        attributes: attributesOf(link.attributes),
      }),
    ),
    ended: true,
    resource,
    instrumentationScope: scope,
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  }
}

export function toReadableLog(json: string, { resource, scope }: RecordFrame): ReadableLogRecord {
  const log = JSON.parse(json) as OtlpLog
  const { traceId, spanId, flags } = log
  return {
    hrTime: hrTime(log.timeUnixNano),
    hrTimeObserved: hrTime(log.observedTimeUnixNano),
    ...(traceId === undefined || spanId === undefined
      ? {}
      : { spanContext: contextOf({ traceId, spanId, flags }) }),
    ...(log.severityText === undefined ? {} : { severityText: log.severityText }),
    ...(log.severityNumber === undefined ? {} : { severityNumber: log.severityNumber }),
    ...(log.eventName === undefined ? {} : { eventName: log.eventName }),
    ...(log.body === undefined
      ? {}
      : { body: plainValue(log.body) as NonNullable<ReadableLogRecord['body']> }),
    attributes: attributesOf(log.attributes),
    resource,
    instrumentationScope: scope,
    droppedAttributesCount: 0,
  }
}

function contextOf({
  traceId,
  spanId,
  traceState,
  flags = 0,
}: {
  readonly traceId: string
  readonly spanId: string
  readonly traceState?: string | undefined
  readonly flags?: number | undefined
}): SpanContext {
  const traceFlags = flags & 0xff
  return traceState === undefined
    ? { traceId, spanId, traceFlags }
    : { traceId, spanId, traceFlags, traceState: createTraceState(traceState) }
}

/** OTLP 1.11, `SpanFlags`: bit 8 says that bit 9 tells whether the parent, or the linked span, is another process's. */
function isRemote(flags = 0): boolean {
  return (flags & 0x200) !== 0
}

function attributesOf(pairs: readonly KeyValue[]): ReadableSpan['attributes'] {
  return Object.fromEntries(
    pairs.map(({ key, value }) => [key, plainValue(value)]),
  ) as ReadableSpan['attributes']
}

function plainValue(value: AnyValue): unknown {
  const { stringValue, boolValue, intValue, doubleValue, bytesValue, arrayValue, kvlistValue } =
    value
  if (stringValue !== undefined) return stringValue
  if (boolValue !== undefined) return boolValue
  if (intValue !== undefined) return Number.isSafeInteger(intValue) ? intValue : String(intValue)
  // The exporter takes each whole number for an integer of 64 bits.
  if (doubleValue !== undefined) {
    return Number.isFinite(doubleValue) && !Number.isInteger(doubleValue)
      ? doubleValue
      : String(doubleValue)
  }
  if (bytesValue !== undefined) return new Uint8Array(Buffer.from(bytesValue, 'base64'))
  if (arrayValue !== undefined) return arrayValue.values.map(plainValue)
  return kvlistValue === undefined ? undefined : attributesOf(kvlistValue.values)
}

function hrTime(nanoseconds: string): HrTime {
  const all = BigInt(nanoseconds)
  return [Number(all / 1_000_000_000n), Number(all % 1_000_000_000n)]
}
