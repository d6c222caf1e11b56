/**
 * OpenTelemetry's span and log processors, writing to the journal: what the SDK makes is journaled the moment it
 * ends, and long strings are handed over as they lie in memory.
 */
import type { Context, HrTime, Span } from '@opentelemetry/api'
import type { LogRecordProcessor, ReadWriteLogRecord } from '@opentelemetry/sdk-logs'
import type { ReadableSpan, Span as SdkSpan, SpanProcessor } from '@opentelemetry/sdk-trace'
import { instrumentationScope } from '@turnlog/conventions'
import { quietly } from '../health.ts'
import type { ContentSlot, WireFacts } from '../record/recorder.ts'
import type { Journal, JournalContent } from './journal.ts'
import { toJournalValue } from './journal-value.ts'
import {
  attributeSlot,
  bodySlot,
  isBefore,
  type JournaledEvent,
  type JournaledLink,
  type JournaledLog,
  type JournaledSpan,
} from './journaled.ts'

/** Strings above this are copied raw beside the head instead of being escaped into it. */
const headStringLengthMax = 1_024

export function createProcessors(journal: Journal) {
  const notes = new WeakMap<object, Readonly<Record<string, unknown>>>()
  /** How many raw pieces of a span were journaled. */
  const pieces = new WeakMap<object, number>()
  /** When a span began in earnest, where that is not when the SDK says: nanoseconds. */
  const beginnings = new WeakMap<object, string>()
  let lastBeginning: HrTime = [0, 0]

  /** The SDK's clock starts spans at whole milliseconds: those of one are told apart, so that who sorts by it has their order. */
  function begin(span: object, [seconds, nanos]: HrTime): void {
    const [lastSeconds, lastNanos] = lastBeginning
    const isSame =
      seconds === lastSeconds && Math.floor(nanos / 1e6) === Math.floor(lastNanos / 1e6)
    const apart = isSame ? Math.max(nanos, lastNanos + 1_000) : nanos
    const through = Math.floor(nanos / 1e6) * 1e6 + 999_999
    lastBeginning = [seconds, Math.min(apart, through)]
    beginnings.set(span, nanoseconds(lastBeginning))
  }

  function nextPiece(span: object): number {
    const index = (pieces.get(span) ?? 0) + 1
    pieces.set(span, index)
    return index
  }

  function describe(span: ReadableSpan): ReturnType<typeof describeSpan> {
    const [described, contents] = describeSpan(span)
    const start = beginnings.get(span)
    if (start === undefined) return [described, contents]
    const { end } = described
    const isShort = end !== undefined && isBefore(end, start)
    return [{ ...described, start, ...(isShort ? { end: start } : {}) }, contents]
  }

  function journalStart(span: ReadableSpan): void {
    const [described, contents] = describe(span)
    const id = described.spanId
    // The span goes on changing its attributes; what is repeated in headers must not.
    const attributes = { ...described.attributes }
    journal.append({ k: 'start', id, span: { ...described, attributes } })
    for (const content of contents) {
      journal.append({ k: 'content', id, x: 0, i: nextPiece(span) }, [content])
    }
  }

  const spans: SpanProcessor = {
    onStart(span: SdkSpan, _context: Context): void {
      // The times of others are theirs.
      if (span.instrumentationScope.name === instrumentationScope) {
        quietly('tell starts apart', () => begin(span, span.startTime))
      }
      // Open turns, model calls and tool calls are journaled too, so that a crash can be closed.
      if (typeof span.attributes['gen_ai.operation.name'] !== 'string') return
      quietly('journal a start', () => journalStart(span))
    },
    onEnd(span: ReadableSpan): void {
      quietly('journal a span', () => {
        const [described, contents] = describe(span)
        const head = {
          k: 'span',
          id: described.spanId,
          span: described,
          n: notes.get(span),
          p: pieces.get(span),
        }
        journal.append(head, contents)
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
    /** The part of `Recorder` that writes beside the spans. What comes after a span's end is not taken. */
    raw: {
      content(span: Span, slot: ContentSlot, value: string | Uint8Array, exchange = 0): void {
        if (!span.isRecording()) return
        const id = span.spanContext().spanId
        journal.append({ k: 'content', id, x: exchange, i: nextPiece(span) }, [[slot, value]])
      },
      wire(span: Span, exchange: number, facts: WireFacts): void {
        if (!span.isRecording()) return
        const id = span.spanContext().spanId
        journal.append({ k: 'wire', id, x: exchange, i: nextPiece(span), facts })
      },
      startAgain(span: Span, startedAt?: number): void {
        if (!span.isRecording() || !isReadable(span)) return
        if (startedAt !== undefined) begin(span, hrTimeOf(startedAt))
        journalStart(span)
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
    flags: spanFlags(traceFlags, span.parentSpanContext?.isRemote),
    traceState: traceState?.serialize(),
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

/** OTLP 1.11, `SpanFlags`: the trace's flags; that it is known whether the other span is another process's; and that it is. */
function spanFlags(traceFlags: number, isRemote = false): number {
  return (traceFlags & 0xff) | 0x100 | (isRemote ? 0x200 : 0)
}

function describeLog(
  record: ReadWriteLogRecord,
): readonly [JournaledLog, readonly JournalContent[]] {
  const [attributes, contents] = splitAttributes(record.attributes)
  const { body } = record
  const isLongBody = isContent(body)
  const described: JournaledLog = {
    time: nanoseconds(record.hrTime),
    observed: nanoseconds(record.hrTimeObserved),
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

type Attributes = Readonly<Record<string, unknown>>

/** Small attributes for the head, and long strings and bytes for beside it. Nearly always nothing needs a copy. */
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

/** The attributes as they can stand in JSON: themselves, unless one has no such form. */
function plainAttributes(attributes: Attributes): Attributes {
  const entries = Object.entries(attributes)
  if (entries.every(([, value]) => isPlain(value))) return attributes
  return Object.fromEntries(entries.map(([name, value]) => [name, toJournalValue(value)]))
}

function isPlain(value: unknown): boolean {
  const type = typeof value
  return type === 'string' || type === 'boolean' || Number.isFinite(value) || type === 'undefined'
}

/** The API's spans are written to; those of the SDK can be read as well. */
function isReadable(span: Span): span is Span & ReadableSpan {
  return 'attributes' in span && 'startTime' in span
}

function hrTimeOf(milliseconds: number): HrTime {
  const seconds = Math.floor(milliseconds / 1_000)
  return [seconds, Math.round((milliseconds - seconds * 1_000) * 1e6)]
}

/** An app may give its spans any time: what is none is 0, and never stops a record. */
function nanoseconds([seconds, nanos]: HrTime): string {
  if (!(seconds >= 0 && Number.isFinite(seconds) && Number.isFinite(nanos))) return '0'
  if (Number.isSafeInteger(seconds) && Number.isInteger(nanos) && nanos >= 0 && nanos < 1e9) {
    return seconds === 0 ? String(nanos) : `${seconds}${String(nanos).padStart(9, '0')}`
  }
  const whole = BigInt(Math.trunc(seconds)) * 1_000_000_000n
  const rest = BigInt(Math.round((seconds % 1) * 1e9 + nanos))
  return whole + rest < 0n ? '0' : String(whole + rest)
}
