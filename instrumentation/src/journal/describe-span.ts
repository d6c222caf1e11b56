/** Makes a journal's head of a span or a log of the SDK. Long strings and bytes are not in it: they are written beside the head. */
import type { HrTime } from '@opentelemetry/api'
import type { ReadWriteLogRecord } from '@opentelemetry/sdk-logs'
import type { ReadableSpan } from '@opentelemetry/sdk-trace'
import { nanoseconds } from './hr-time.ts'
import type { JournalContent } from './journal-record.ts'
import {
  attributeSlot,
  bodySlot,
  type JournaledEvent,
  type JournaledLink,
  type JournaledLog,
  type JournaledSpan,
  toJournalValue,
} from './span-head.ts'

/** Strings above this are copied raw beside the head instead of being escaped into it. */
const headStringLengthMax = 1_024

/** A time of the SDK, moved if the system's clock was set. */
export type Shifted = (time: HrTime) => HrTime

export function describeSpan(
  span: ReadableSpan,
  shifted: Shifted,
): readonly [JournaledSpan, readonly JournalContent[]] {
  const { traceId, spanId, traceFlags, traceState } = span.spanContext()
  const [attributes, contents] = splitAttributes(span.attributes)
  const described: JournaledSpan = {
    traceId,
    spanId,
    parentSpanId: span.parentSpanContext?.spanId,
    name: span.name,
    kind: span.kind,
    start: nanoseconds(span.startTime),
    attributes,
    scope: span.instrumentationScope,
    flags: spanFlags(traceFlags, span.parentSpanContext?.isRemote),
    traceState: traceState?.serialize(),
    ...(span.links.length === 0 ? {} : { links: span.links.map(describeLink) }),
  }
  if (!span.ended) return [described, contents]
  return [
    {
      ...described,
      end: nanoseconds(shifted(span.endTime)),
      status: span.status,
      ...(span.events.length === 0 ? {} : { events: span.events.map(describeEvent) }),
    },
    contents,
  ]
}

function describeEvent({ name, time, attributes }: ReadableSpan['events'][number]): JournaledEvent {
  return { name, time: nanoseconds(time), attributes: plainAttributes(attributes ?? {}) }
}

function describeLink({ context, attributes }: ReadableSpan['links'][number]): JournaledLink {
  const { traceId, spanId, traceFlags, traceState, isRemote } = context
  return {
    traceId,
    spanId,
    flags: spanFlags(traceFlags, isRemote),
    traceState: traceState?.serialize(),
    attributes: plainAttributes(attributes ?? {}),
  }
}

/**
 * OTLP 1.11, `SpanFlags`: the trace's flags; 0x100: it is known whether the other span is another process's; 0x200:
 * it is.
 */
function spanFlags(traceFlags: number, isRemote = false): number {
  return (traceFlags & 0xff) | 0x100 | (isRemote ? 0x200 : 0)
}

export function describeLog(
  record: ReadWriteLogRecord,
  shifted: Shifted,
): readonly [JournaledLog, readonly JournalContent[]] {
  const [attributes, contents] = splitAttributes(record.attributes)
  const { body } = record
  const isLongBody = isContent(body)
  const described: JournaledLog = {
    time: nanoseconds(shifted(record.hrTime)),
    observed: nanoseconds(shifted(record.hrTimeObserved)),
    severity: record.severityNumber,
    severityText: record.severityText,
    eventName: record.eventName,
    body: isLongBody ? undefined : toJournalValue(body),
    attributes,
    traceId: record.spanContext?.traceId,
    spanId: record.spanContext?.spanId,
    flags: record.spanContext?.traceFlags,
    scope: record.instrumentationScope,
  }
  return [described, isLongBody ? [...contents, [bodySlot, body]] : contents]
}

export type Attributes = Readonly<Record<string, unknown>>

/** Splits off long strings and bytes, which are written beside the head. Attributes are copied only if they have any. */
function splitAttributes(attributes: Attributes): readonly [Attributes, readonly JournalContent[]] {
  const entries = Object.entries(attributes)
  const contents: JournalContent[] = []
  for (const [name, value] of entries) {
    if (isContent(value)) contents.push([`${attributeSlot}${name}`, value])
  }
  if (contents.length === 0) return [plainAttributes(attributes), contents]
  const small = entries.filter(([, value]) => !isContent(value))
  return [plainAttributes(Object.fromEntries(small)), contents]
}

function isContent(value: unknown): value is string | Uint8Array {
  return typeof value === 'string'
    ? value.length > headStringLengthMax
    : value instanceof Uint8Array
}

/** The attributes themselves if JSON has a form for all of them, else their journal values. */
function plainAttributes(attributes: Attributes): Attributes {
  const entries = Object.entries(attributes)
  if (entries.every(([, value]) => isPlain(value))) return attributes
  return Object.fromEntries(entries.map(([name, value]) => [name, toJournalValue(value)]))
}

function isPlain(value: unknown): boolean {
  const type = typeof value
  return type === 'string' || type === 'boolean' || Number.isFinite(value) || type === 'undefined'
}

/** The API's spans can only be written to; those of an SDK can be read as well. */
export function isReadable(span: object): span is ReadableSpan {
  return 'attributes' in span && 'kind' in span
}
