/**
 * The traces in which libraries have spans, and the turns that they are part of. A turn begins in the trace of the first span that
 * began in its request and is open; other spans without a parent are recorded below the turn, now or once it is one. Outside
 * requests, the spans around a model call become part of the call's turn.
 */

import { type Context, type Span, type SpanContext, trace } from '@opentelemetry/api'
import type { ReadableSpan } from '@opentelemetry/sdk-trace'
import { setBounded } from '../bounded-map.ts'
import { isReadable } from '../journal/describe-span.ts'
import type { Candidate } from '../record/candidate.ts'
import { candidateOf, requestOf, turnOf } from '../record/contexts.ts'
import { toldOf } from './own-spans.ts'

/** The last ones of these are known. */
const tracesMax = 1_000

export class TurnTraces {
  readonly #record: (span: Span, parent: SpanContext) => void
  /** Spans without a parent that began in a request before it was a turn. */
  readonly #early = new WeakMap<Candidate, Span[]>()
  /** The requests that traces belong to. */
  readonly #requests = new Map<string, Candidate>()
  /** Open spans without a parent that began in no request, by their traces. */
  readonly #roots = new Map<string, Span>()

  /** `record`: a span, and all below it, is recorded below `parent` from now on. */
  constructor(record: (span: Span, parent: SpanContext) => void) {
    this.#record = record
  }

  /** The trace that the turn begins in. */
  earlyTraceId(turn: Candidate): string | undefined {
    const open = this.#early.get(turn)?.find((span) => span.isRecording())
    return open?.spanContext().traceId
  }

  turnBegan(turn: Candidate): void {
    const parent = turn.span?.spanContext()
    if (parent === undefined) return
    this.#remember(parent.traceId, turn)
    for (const span of this.#early.get(turn) ?? []) this.#record(span, parent)
    this.#early.delete(turn)
  }

  /** A span without a parent has begun in `request`. */
  rootBegan(span: Span, request: Candidate | undefined): void {
    const { traceId } = span.spanContext()
    if (request === undefined) setBounded(this.#roots, traceId, span, tracesMax)
    else {
      this.#remember(traceId, request)
      this.#adopt(span, request.turn)
    }
  }

  rootEnded(span: ReadableSpan): void {
    const { traceId, spanId } = span.spanContext()
    if (this.#roots.get(traceId)?.spanContext().spanId === spanId) this.#roots.delete(traceId)
  }

  /** A model call that is made in no request is one of `turn`: so are the library's spans around it. */
  adoptAround(turn: Candidate, active: Context): void {
    const root = this.#rootAround(active)
    if (root === undefined) return
    const { traceId } = root.spanContext()
    this.#roots.delete(traceId)
    setBounded(this.#requests, traceId, turn, tracesMax)
    this.#adopt(root, turn)
  }

  /** Whether the library's spans around a model call, which is made in no request, are part of no turn yet. */
  hasFreeRoot(active: Context): boolean {
    return this.#rootAround(active) !== undefined
  }

  /** The request that the span's trace belongs to. */
  requestIn(span: ReadableSpan): Candidate | undefined {
    return this.#requests.get(span.spanContext().traceId)
  }

  /** Libraries also start spans in callbacks that run in another async context, and name only the parent. */
  requestOf(from: Context): Candidate | undefined {
    const traceId = trace.getSpanContext(from)?.traceId
    return requestOf(from) ?? (traceId === undefined ? undefined : this.#requests.get(traceId))
  }

  /** The turn that a span which starts in this context is part of. */
  turnOf(from: Context): Candidate | undefined {
    if (requestOf(from) !== undefined) return candidateOf(from)
    return this.requestOf(from)?.turn ?? turnOf(from)
  }

  /** Libraries do not always make their spans the active ones. */
  #rootAround(active: Context): Span | undefined {
    const around = this.#roots.get(trace.getSpanContext(active)?.traceId ?? '')
    const [only, ...others] = this.#roots.values()
    const root = around ?? (others.length === 0 ? only : undefined)
    return root !== undefined && isReadable(root) && toldOf(root) !== undefined ? root : undefined
  }

  /** Now, or when `turn` is a turn. */
  #adopt(root: Span, turn: Candidate): void {
    const parent = turn.span?.spanContext()
    if (parent !== undefined) this.#record(root, parent)
    else if (root.isRecording()) {
      const early = this.#early.get(turn)
      if (early === undefined) this.#early.set(turn, [root])
      else early.push(root)
    }
  }

  #remember(traceId: string, request: Candidate): void {
    if (!this.#requests.has(traceId)) setBounded(this.#requests, traceId, request, tracesMax)
  }
}
