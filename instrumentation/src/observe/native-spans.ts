/**
 * SDKs that trace themselves: their spans are kept, enriched and never doubled. Before such a span starts, the
 * candidate it starts in becomes a turn, so that the span is the turn's child; while it is open it holds the turn.
 */
import { type Context, context, type Span, SpanKind, type Tracer, type TracerProvider } from '@opentelemetry/api'
import type { ReadableSpan, Span as SdkSpan, SpanProcessor } from '@opentelemetry/sdk-trace'
import { quietly } from '../health.ts'
import { candidateOf } from '../record/candidate-context.ts'
import type { Candidate } from '../record/turn.ts'

const modelOperations = new Set(['chat', 'text_completion', 'generate_content'])
/** Scopes whose CLIENT spans are model calls although an attribute may not say so. */
const modelScopes = /^com\.anthropic\.sdk\b/

/** Whether the span is an open model call of our own tracer provider. */
export function isModelCall(span: Span | SdkSpan): boolean {
  if (!span.isRecording() || !isReadable(span)) return false
  return isModelSpan(span)
}

function isModelSpan({ attributes, kind, instrumentationScope }: ReadableSpan): boolean {
  if (kind !== SpanKind.CLIENT) return false
  const operation = attributes['gen_ai.operation.name']
  return typeof operation === 'string'
    ? modelOperations.has(operation)
    : modelScopes.test(instrumentationScope.name)
}

function isReadable(span: object): span is ReadableSpan {
  return 'attributes' in span && 'instrumentationScope' in span && 'kind' in span
}

/** The provider handed to the host's libraries: `provider`, but a model call's tracer promotes its candidate first. */
export function promoteBeforeModelCalls(provider: TracerProvider): TracerProvider {
  return {
    getTracer(name, version, options) {
      const tracer = provider.getTracer(name, version, options)
      return modelScopes.test(name) ? promoting(tracer) : tracer
    },
  }
}

function promoting(tracer: Tracer): Tracer {
  const promote = (from: Context): void => {
    quietly('promote a candidate', () => (candidateOf(from) as Candidate | undefined)?.promote())
  }
  return {
    startSpan(name, options, from = context.active()) {
      if (options?.kind === SpanKind.CLIENT) promote(from)
      return tracer.startSpan(name, options, from)
    },
    startActiveSpan(name: string, ...rest: unknown[]) {
      promote(context.active())
      return Reflect.apply(tracer.startActiveSpan, tracer, [name, ...rest])
    },
  }
}

/** Open model calls hold their turn. */
export function holdTurns(): SpanProcessor {
  const holding = new WeakMap<object, Candidate>()
  return {
    onStart(span: SdkSpan, parent: Context): void {
      quietly('hold a turn', () => {
        const candidate = candidateOf(parent) as Candidate | undefined
        if (candidate?.span === undefined || !isModelSpan(span)) return
        candidate.hold()
        holding.set(span, candidate)
      })
    },
    onEnd(span: ReadableSpan): void {
      quietly('release a turn', () => {
        const candidate = holding.get(span)
        if (candidate === undefined) return
        holding.delete(span)
        candidate.release()
      })
    },
    forceFlush: async () => undefined,
    shutdown: async () => undefined,
  }
}
