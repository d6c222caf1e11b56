/**
 * OpenTelemetry's span and log processors, writing to the journal: the SDK's spans and logs are journaled the moment they
 * end, and long strings are handed over without being escaped or copied. Nothing here throws into the SDK.
 */
import { randomBytes } from 'node:crypto'
import type { HrTime, Span, SpanContext } from '@opentelemetry/api'
import type { LogRecordProcessor, ReadWriteLogRecord } from '@opentelemetry/sdk-logs'
import type { ReadableSpan, Span as SdkSpan, SpanProcessor } from '@opentelemetry/sdk-trace'
import { instrumentationScope } from '@turnlog/conventions'
import { quietly } from '../health.ts'
import type { Recorder } from '../record/recorder.ts'
import type { Journal } from './journal.ts'
import type { JournalContent } from './journal-record.ts'
import {
  attributeSlot,
  bodySlot,
  isBefore,
  type JournaledEvent,
  type JournaledLink,
  type JournaledLog,
  type JournaledSpan,
  toJournalValue,
} from './span-head.ts'

/**
 * How many merged spans are remembered. Children of a merged span that end later are moved to the trace of the other
 * span.
 */
const mergedMax = 1_000
/** A span began before its turn was found, and the turn turned out to continue an earlier one. */
const mergesMax = 4
/** Strings above this are copied raw beside the head instead of being escaped into it. */
const headStringLengthMax = 1_024

/** What to add to a time, both in milliseconds, if the SDK has just taken it from a clock that was set (`steady-clock.ts`). */
export type ShiftOf = (time: number) => number

export function createProcessors(journal: Journal, shiftOf: ShiftOf = () => 0) {
  const shifted = (time: HrTime): HrTime => addMilliseconds(time, shiftOf(millisecondsOf(time)))
  const writer = new SpanWriter(journal, shifted)
  const flush = async (): Promise<void> => journal.flush()
  return {
    spans: {
      ...spanEvents(writer, shifted),
      forceFlush: flush,
      shutdown: flush,
    } satisfies SpanProcessor,
    logs: {
      onEmit(record: ReadWriteLogRecord): void {
        quietly('journal a log', () => {
          const [described, contents] = describeLog(record, shifted)
          journal.append({ k: 'log', log: writer.located(described) }, contents)
        })
      },
      forceFlush: flush,
      shutdown: flush,
    } satisfies LogRecordProcessor,
    raw: rawRecorder(writer, journal),
  }
}

type Shifted = (time: HrTime) => HrTime

function spanEvents(
  writer: SpanWriter,
  shifted: Shifted,
): Pick<SpanProcessor, 'onStart' | 'onEnd'> {
  return {
    onStart(span: SdkSpan): void {
      quietly('move a start', () => {
        const start = shifted(span.startTime)
        // Only our own spans are moved apart; the times of others are not ours to change, unless their clock was set.
        if (span.instrumentationScope.name === instrumentationScope) writer.begin(span, start)
        else if (start !== span.startTime) writer.startsAt(span, start)
      })
      // Open turns, model calls and tool calls are journaled too, so that a crash can be closed.
      if (typeof span.attributes['gen_ai.operation.name'] !== 'string') return
      quietly('journal a start', () => writer.writeStart(span))
    },
    onEnd(span: ReadableSpan): void {
      quietly('journal a span', () => writer.writeEnd(span))
    },
  }
}

/** The part of `Recorder` that writes beside the spans. Nothing is accepted after a span's end. */
function rawRecorder(writer: SpanWriter, journal: Journal): Omit<Recorder, 'tracer' | 'logger'> {
  return {
    content(span, slot, value, exchange = 0) {
      if (span.isRecording()) writer.writeContent(span, exchange, [slot, value])
    },
    wire(span, exchange, facts) {
      if (span.isRecording()) writer.writeWire(span, exchange, facts)
    },
    startAgain(span, startedAt) {
      if (!span.isRecording() || !isReadable(span)) return
      if (startedAt !== undefined) writer.begin(span, hrTimeOf(startedAt))
      writer.writeStart(span)
    },
    discard: (spanId) => journal.append({ k: 'discard', id: spanId }),
    interim(span, endedAt, attributes) {
      if (span.isRecording() && isReadable(span)) {
        writer.writeInterim(span, nanoseconds(hrTimeOf(endedAt)), attributes)
      }
    },
    merge(from, to) {
      writer.merge(from, to)
      journal.append({ k: 'discard', id: from.spanContext().spanId })
    },
    adopt: (span, parent) => writer.adopt(span, parent),
    move(span, parent) {
      const moved = writer.move(span, parent)
      if (span.isRecording() && isReadable(span)) writer.writeStart(span)
      return moved
    },
    note: (span, noted) => writer.note(span, noted),
    flush: () => journal.flush(),
  }
}

/** Writes spans to the journal, and remembers of each open one what its end has to say. */
class SpanWriter {
  readonly #journal: Journal
  readonly #notes = new WeakMap<object, Readonly<Record<string, unknown>>>()
  /** How many raw pieces of a span were journaled. */
  readonly #pieces = new WeakMap<object, number>()
  /** Start times that replace the SDK's, in nanoseconds. */
  readonly #starts = new WeakMap<object, string>()
  /** Where the spans of a trace are recorded that was merged into another one. */
  readonly #merged = new Map<string, MergedTrace>()
  /** Where spans are recorded that were moved below another one. */
  readonly #moved = new WeakMap<object, Pick<JournaledSpan, 'traceId' | 'parentSpanId'>>()
  #lastStart: HrTime = [0, 0]

  readonly #shifted: Shifted

  constructor(journal: Journal, shifted: Shifted) {
    this.#journal = journal
    this.#shifted = shifted
  }

  /**
   * The SDK's clock starts spans at whole milliseconds: starts within one are moved apart, so that sorting by time
   * keeps their order.
   */
  begin(span: object, [seconds, nanos]: HrTime): void {
    const [lastSeconds, lastNanos] = this.#lastStart
    const isSame =
      seconds === lastSeconds && Math.floor(nanos / 1e6) === Math.floor(lastNanos / 1e6)
    const apart = isSame ? Math.max(nanos, lastNanos + 1_000) : nanos
    const through = Math.floor(nanos / 1e6) * 1e6 + 999_999
    this.#lastStart = [seconds, Math.min(apart, through)]
    this.#starts.set(span, nanoseconds(this.#lastStart))
  }

  startsAt(span: object, time: HrTime): void {
    this.#starts.set(span, nanoseconds(time))
  }

  note(span: object, noted: Readonly<Record<string, unknown>>): void {
    this.#notes.set(span, { ...this.#notes.get(span), ...noted })
  }

  writeStart(span: Span & ReadableSpan): void {
    const [described, contents] = this.#describe(span)
    // The span goes on changing its attributes; the copy is repeated in headers and must not change.
    const attributes = { ...described.attributes }
    const head = { k: 'start', id: described.spanId, span: { ...described, attributes } }
    this.#journal.append({ ...head, n: this.#notes.get(span) })
    for (const content of contents) this.writeContent(span, 0, content)
  }

  writeEnd(span: ReadableSpan): void {
    const [described, contents] = this.#describe(span)
    this.#journal.append(this.#endHead(span, described), contents)
  }

  writeInterim(span: ReadableSpan, end: string, more: Attributes): void {
    const [described, contents] = this.#describe(span)
    const interim: JournaledSpan = {
      ...described,
      attributes: { ...described.attributes, ...more },
      end: isBefore(end, described.start) ? described.start : end,
      status: span.status,
    }
    this.#journal.append({ ...this.#endHead(span, interim), open: true }, contents)
  }

  /** Gives the context that the span has in its new trace. */
  move(span: Span, parent: SpanContext | undefined): SpanContext {
    const traceId = parent?.traceId ?? randomBytes(16).toString('hex')
    this.#moved.set(span, { traceId, parentSpanId: parent?.spanId })
    return { ...span.spanContext(), traceId }
  }

  merge(from: Span, to: Span): void {
    const { traceId, spanId } = from.spanContext()
    this.#recordElsewhere(traceId, { from: spanId, to: to.spanContext() })
  }

  adopt(span: Span, parent: SpanContext): void {
    const { traceId } = span.spanContext()
    if (span.isRecording()) this.move(span, parent)
    this.#recordElsewhere(traceId, { from: undefined, to: parent })
  }

  #recordElsewhere(traceId: string, place: MergedTrace): void {
    const oldest = this.#merged.size >= mergedMax ? this.#merged.keys().next() : undefined
    if (oldest?.value !== undefined) this.#merged.delete(oldest.value)
    this.#merged.set(traceId, place)
  }

  /** The record, with the trace, parent and span that it has after merges. */
  located<Item extends Located>(item: Item): Item {
    let at = item
    for (let step = 0; step < mergesMax && this.#merged.size > 0; step++) {
      const merged = this.#merged.get(at.traceId ?? '')
      if (merged === undefined) return at
      at = locatedAfter(at, merged)
    }
    return at
  }

  #endHead(span: ReadableSpan, described: JournaledSpan) {
    return {
      k: 'span',
      id: described.spanId,
      span: described,
      n: this.#notes.get(span),
      p: this.#pieces.get(span),
    }
  }

  writeContent(span: Span, exchange: number, content: JournalContent): void {
    const { spanId } = span.spanContext()
    this.#journal.appendPiece({ spanId, index: this.#nextPiece(span), exchange, content })
  }

  writeWire(span: Span, exchange: number, facts: object): void {
    const { spanId } = span.spanContext()
    this.#journal.append({ k: 'wire', x: exchange, facts, id: spanId, i: this.#nextPiece(span) })
  }

  #nextPiece(span: Span): number {
    const index = (this.#pieces.get(span) ?? 0) + 1
    this.#pieces.set(span, index)
    return index
  }

  #describe(span: ReadableSpan): ReturnType<typeof describeSpan> {
    const [own, contents] = describeSpan(span, this.#shifted)
    const described = this.located({ ...own, ...this.#moved.get(span) })
    const start = this.#starts.get(span)
    if (start === undefined) return [described, contents]
    const { end } = described
    const isShort = end !== undefined && isBefore(end, start)
    return [{ ...described, start, ...(isShort ? { end: start } : {}) }, contents]
  }
}

interface MergedTrace {
  /** The span that is the same as `to`. */
  readonly from: string | undefined
  readonly to: SpanContext
}

function locatedAfter<Item extends Located>(item: Item, { from, to }: MergedTrace): Item {
  const { traceId, spanId } = to
  const moved = { ...item, traceId }
  if (from === undefined) return moved
  if (item.parentSpanId === from) return { ...moved, parentSpanId: spanId }
  return item.spanId === from ? { ...moved, spanId } : moved
}

/** A span, or a log in one. */
interface Located {
  readonly traceId?: string | undefined
  readonly spanId?: string | undefined
  readonly parentSpanId?: string | undefined
}

function describeSpan(
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

function describeLog(
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

type Attributes = Readonly<Record<string, unknown>>

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

/** The API's spans can only be written to; those of the SDK can be read as well. */
function isReadable(span: Span): span is Span & ReadableSpan {
  return 'attributes' in span && 'startTime' in span
}

function hrTimeOf(milliseconds: number): HrTime {
  const seconds = Math.floor(milliseconds / 1_000)
  return [seconds, Math.round((milliseconds - seconds * 1_000) * 1e6)]
}

function millisecondsOf([seconds, nanos]: HrTime): number {
  return seconds * 1_000 + nanos / 1e6
}

/** The time itself, if nothing is to be added. */
function addMilliseconds(time: HrTime, added: number): HrTime {
  if (added === 0) return time
  const [seconds, nanos] = time
  const whole = Math.floor(added / 1_000)
  const sum = nanos + (added - whole * 1_000) * 1e6
  return sum < 1e9 ? [seconds + whole, sum] : [seconds + whole + 1, sum - 1e9]
}

/** An app may give its spans any time. An invalid time becomes 0, and the record is kept. */
function nanoseconds([seconds, nanos]: HrTime): string {
  if (!(seconds >= 0 && Number.isFinite(seconds) && Number.isFinite(nanos))) return '0'
  if (Number.isSafeInteger(seconds) && Number.isInteger(nanos) && nanos >= 0 && nanos < 1e9) {
    return seconds === 0 ? String(nanos) : `${seconds}${String(nanos).padStart(9, '0')}`
  }
  const whole = BigInt(Math.trunc(seconds)) * 1_000_000_000n
  const rest = BigInt(Math.round((seconds % 1) * 1e9 + nanos))
  return whole + rest < 0n ? '0' : String(whole + rest)
}
