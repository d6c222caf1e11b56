/**
 * OpenTelemetry's span and log processors, writing to the journal: what the SDK makes is journaled the moment it
 * ends, and long strings are handed over as they lie in memory.
 */
import type { Context, HrTime, Span } from '@opentelemetry/api'
import type { LogRecordProcessor, ReadWriteLogRecord } from '@opentelemetry/sdk-logs'
import type { ReadableSpan, Span as SdkSpan, SpanProcessor } from '@opentelemetry/sdk-trace'
import { quietly } from '../health.ts'
import type { ContentSlot, WireFacts } from '../record/recorder.ts'
import type { Journal, JournalContent } from './journal.ts'

/** Strings above this are copied raw beside the head instead of being escaped into it. */
const headStringLengthMax = 1_024

/** What the sealer reads of a span's start and end; times are nanoseconds since 1970, as decimal strings. */
export interface JournaledSpan {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string | undefined
  readonly name: string
  /** As in OpenTelemetry JS's API: 0 internal … 4 consumer; OTLP's is one more. */
  readonly kind: number
  readonly start: string
  readonly end?: string
  readonly attributes: Readonly<Record<string, unknown>>
  readonly status?: { readonly code: number; readonly message?: string }
  readonly events?: readonly JournaledEvent[]
  readonly links?: readonly JournaledLink[]
  readonly scope: JournaledScope
  readonly flags?: number
  readonly traceState?: string | undefined
}
export interface JournaledEvent {
  readonly name: string
  readonly time: string
  readonly attributes?: Readonly<Record<string, unknown>>
}
export interface JournaledLink {
  readonly traceId: string
  readonly spanId: string
  readonly attributes?: Readonly<Record<string, unknown>>
}
export interface JournaledScope {
  readonly name: string
  readonly version?: string | undefined
  readonly schemaUrl?: string | undefined
}
export interface JournaledLog {
  readonly time: string
  readonly observed: string
  readonly severity?: number | undefined
  readonly severityText?: string | undefined
  readonly eventName?: string | undefined
  readonly body?: unknown
  readonly attributes: Readonly<Record<string, unknown>>
  readonly traceId?: string | undefined
  readonly spanId?: string | undefined
  readonly scope: JournaledScope
}

export function createProcessors(journal: Journal) {
  const notes = new WeakMap<object, Readonly<Record<string, unknown>>>()

  const spans: SpanProcessor = {
    onStart(span: SdkSpan, _context: Context): void {
      // Open turns, model calls and tool calls are journaled too, so that a crash can be closed.
      if (typeof span.attributes['gen_ai.operation.name'] !== 'string') return
      quietly('journal a start', () => {
        const [described] = describeSpan(span)
        journal.append({ k: 'start', id: described.spanId, span: described })
      })
    },
    onEnd(span: ReadableSpan): void {
      quietly('journal a span', () => {
        const [described, contents] = describeSpan(span)
        const noted = notes.get(span)
        const head = { k: 'span', id: described.spanId, span: described }
        journal.append(noted === undefined ? head : { ...head, n: noted }, contents)
      })
    },
    forceFlush: async () => journal.flush(),
    shutdown: async () => journal.flush(),
  }

  const logs: LogRecordProcessor = {
    onEmit(record: ReadWriteLogRecord): void {
      quietly('journal a log', () => {
        const [described, contents] = describeLog(record)
        journal.append({ k: 'log', log: described }, contents)
      })
    },
    forceFlush: async () => journal.flush(),
    shutdown: async () => journal.flush(),
  }

  return {
    spans,
    logs,
    /** The part of `Recorder` that writes beside the spans. */
    raw: {
      content(span: Span, slot: ContentSlot, value: string | Uint8Array, exchange = 0): void {
        const id = span.spanContext().spanId
        journal.append({ k: 'content', id, x: exchange }, [[slot, value]])
      },
      wire(span: Span, exchange: number, facts: WireFacts): void {
        journal.append({ k: 'wire', id: span.spanContext().spanId, x: exchange, ...facts })
      },
      discard(spanId: string): void {
        journal.append({ k: 'discard', id: spanId })
      },
      note(span: Span, noted: Readonly<Record<string, unknown>>): void {
        notes.set(span, { ...notes.get(span), ...noted })
      },
      flush: () => journal.flush(),
    },
  }
}

function describeSpan(span: ReadableSpan): readonly [JournaledSpan, readonly JournalContent[]] {
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
    flags: traceFlags,
    ...(traceState === undefined ? {} : { traceState: traceState.serialize() }),
    ...(span.links.length === 0 ? {} : { links: span.links.map(describeLink) }),
  }
  if (!span.ended) return [described, contents]
  return [
    {
      ...described,
      end: nanoseconds(span.endTime),
      status: span.status,
      ...(span.events.length === 0 ? {} : { events: span.events.map(describeEvent) }),
    },
    contents,
  ]
}

function describeEvent(event: ReadableSpan['events'][number]): JournaledEvent {
  return { name: event.name, time: nanoseconds(event.time), attributes: event.attributes ?? {} }
}

function describeLink(link: ReadableSpan['links'][number]): JournaledLink {
  const { traceId, spanId } = link.context
  return { traceId, spanId, attributes: link.attributes ?? {} }
}

function describeLog(record: ReadWriteLogRecord): readonly [JournaledLog, readonly JournalContent[]] {
  const [attributes, contents] = splitAttributes(record.attributes)
  const described: JournaledLog = {
    time: nanoseconds(record.hrTime),
    observed: nanoseconds(record.hrTimeObserved),
    severity: record.severityNumber,
    severityText: record.severityText,
    eventName: record.eventName,
    body: record.body,
    attributes,
    traceId: record.spanContext?.traceId,
    spanId: record.spanContext?.spanId,
    scope: record.instrumentationScope,
  }
  return [described, contents]
}

/** Small attributes for the head, and long strings and bytes for beside it, in slots `a:{name}`. */
function splitAttributes(
  attributes: Readonly<Record<string, unknown>>,
): readonly [Readonly<Record<string, unknown>>, readonly JournalContent[]] {
  let contents: JournalContent[] | undefined
  let small: Record<string, unknown> | undefined
  for (const [name, value] of Object.entries(attributes)) {
    const isLong =
      typeof value === 'string' ? value.length > headStringLengthMax : value instanceof Uint8Array
    if (!isLong) continue
    contents ??= []
    small ??= { ...attributes }
    delete small[name]
    contents.push([`a:${name}`, typeof value === 'string' || value instanceof Uint8Array ? value : ''])
  }
  return [small ?? attributes, contents ?? []]
}

function nanoseconds([seconds, nanos]: HrTime): string {
  return seconds === 0 ? String(nanos) : `${seconds}${String(nanos).padStart(9, '0')}`
}
