/**
 * The spans of our own tracer provider, those for the app's libraries included. An app may have others in its context: they are
 * recorded elsewhere, so nothing may be added to them, nor be recorded below them.
 */
import { type Context, type Span, SpanKind, trace } from '@opentelemetry/api'
import type { ReadableSpan, Span as SdkSpan, SpanProcessor } from '@opentelemetry/sdk-trace'
import { toldBy } from '@turnlog/conventions/dialects/dialects'
import { quietly } from '../health.ts'
import { isReadable } from '../journal/describe-span.ts'
import type { Candidate } from '../record/candidate.ts'
import { candidateOf } from '../record/contexts.ts'
import { holdWhileOpen } from '../record/turn-holds.ts'

const own = new WeakSet<object>()

/** A span of an SDK of any version: the first ones have no `instrumentationScope`. */
type AnyReadableSpan = Pick<ReadableSpan, 'name' | 'attributes'> &
  Partial<Pick<ReadableSpan, 'instrumentationScope'>>

/** What the span says that it is, so far. */
export function toldOf({ name, instrumentationScope: scope, attributes }: AnyReadableSpan) {
  return toldBy({ name, scope: scope?.name ?? '', get: (attribute) => attributes[attribute] })
}

/** Whether it is an open model call that its library is about to send: the bytes are added to it. */
export function isModelCall(span: Span): boolean {
  if (!own.has(span) || !span.isRecording() || !isReadable(span)) return false
  return span.kind === SpanKind.CLIENT && toldOf(span)?.role === 'model_call'
}

/** `active` with a span of ours: the turn's, if the app's code is in a span of another provider. */
export function withinOwnSpans(active: Context, turn: Candidate | undefined): Context {
  const span = trace.getSpan(active)
  if (span === undefined || own.has(span)) return active
  return turn?.span === undefined ? trace.deleteSpan(active) : trace.setSpan(active, turn.span)
}

/** Knows our spans, and holds a turn while one of its model calls is open. */
export function holdTurns(): SpanProcessor {
  return {
    onStart(span: SdkSpan, parent: Context): void {
      own.add(span)
      quietly('hold a turn', () => {
        const candidate = candidateOf(parent)
        if (candidate?.span === undefined || !isModelCall(span)) return
        holdWhileOpen(span, candidate)
      })
    },
    onEnd(span: ReadableSpan): void {
      quietly('release a turn', () => {
        holdWhileOpen(span, undefined)
      })
    },
    forceFlush: async () => undefined,
    shutdown: async () => undefined,
  }
}
