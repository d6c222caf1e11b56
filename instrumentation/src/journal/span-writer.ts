/** Writes the starts, pieces and ends of spans to the journal, each where it is recorded after merges and moves. */
import { randomBytes } from 'node:crypto'
import type { HrTime, Span, SpanContext } from '@opentelemetry/api'
import type { ReadableSpan } from '@opentelemetry/sdk-trace'
import { setBounded } from '../bounded-map.ts'
import { type Attributes, describeSpan, type Shifted } from './describe-span.ts'
import { isSmall, type SmallPiece } from './gathered-piece.ts'
import { nanoseconds } from './hr-time.ts'
import type { Journal } from './journal.ts'
import type { JournalContent } from './journal-record.ts'
import { isBefore, type JournaledSpan } from './span-head.ts'

/**
 * How many merged spans are remembered. Children of a merged span that end later are moved to the trace of the other
 * span.
 */
const mergedMax = 1_000
const begunMax = 1_000
/** A span began before its turn was found, and the turn turned out to continue an earlier one. */
const mergesMax = 4

/** Writes spans to the journal, and remembers of each open one what its end has to say. */
export class SpanWriter {
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
  /** Open spans whose start is journaled, by id. If they are moved, it is journaled again: after a crash it is all that is known. */
  readonly #begun = new Map<string, Span & ReadableSpan>()
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
    setBounded(this.#begun, described.spanId, span, begunMax)
    for (const content of contents) this.writeContent(span, 0, content)
  }

  /** The span will not end. */
  discard(spanId: string): void {
    this.#begun.delete(spanId)
    this.#journal.append({ k: 'discard', id: spanId })
  }

  writeEnd(span: ReadableSpan): void {
    this.#begun.delete(span.spanContext().spanId)
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
    this.discard(spanId)
  }

  adopt(span: Span, parent: SpanContext): void {
    const { traceId } = span.spanContext()
    if (span.isRecording()) this.move(span, parent)
    this.#recordElsewhere(traceId, { from: undefined, to: parent })
    for (const begun of [...this.#begun.values()]) {
      if (begun.spanContext().traceId === traceId && begun.isRecording()) this.writeStart(begun)
    }
  }

  #recordElsewhere(traceId: string, place: MergedTrace): void {
    setBounded(this.#merged, traceId, place, mergedMax)
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

  /** A piece of an answer, one of many. */
  gatherContent(span: Span, exchange: number, content: SmallPiece['content']): void {
    const { spanId } = span.spanContext()
    const piece = { spanId, exchange, content }
    if (this.#journal.takes(piece)) return
    const numbered = { ...piece, index: this.#nextPiece(span) }
    if (isSmall(content[1])) this.#journal.gather(numbered)
    else this.#journal.appendPiece(numbered)
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
