/**
 * SDKs that trace themselves: their spans are kept, enriched and never doubled. Before a model call's or an agent
 * loop's span starts, the candidate it starts in becomes a turn, so that the span is the turn's child; while a model
 * call is open it holds the turn. A tool call that we have inferred already is the span the SDK gets for it.
 */
import {
  type Attributes,
  type Context,
  context,
  type Span,
  SpanKind,
  type SpanOptions,
  type Tracer,
  type TracerProvider,
  trace,
} from '@opentelemetry/api'
import type { ReadableSpan, Span as SdkSpan, SpanProcessor } from '@opentelemetry/sdk-trace'
import type { AttributeName } from '@turnlog/conventions'
import { quietly } from '../health.ts'
import { candidateOf } from '../record/candidate-context.ts'
import type { ToolCalls } from '../record/tool-call.ts'
import type { Candidate } from '../record/turn.ts'
import { turnOfCall } from './turn-of-call.ts'

const modelOperations = new Set<unknown>(['chat', 'text_completion', 'generate_content'])
const operationName: AttributeName = 'gen_ai.operation.name'
const toolCallId: AttributeName = 'gen_ai.tool.call.id'

/** Whether the span is an open model call of our own tracer provider. */
export function isModelCall(span: Span | SdkSpan): boolean {
  return span.isRecording() && isReadable(span) && isModelSpan(span.kind, span.attributes)
}

function isModelSpan(kind: SpanKind | undefined, attributes: Attributes | undefined): boolean {
  return kind === SpanKind.CLIENT && modelOperations.has(attributes?.[operationName])
}

function isReadable(span: object): span is ReadableSpan {
  return 'attributes' in span && 'kind' in span
}

/** The provider that is offered to the host's libraries: `provider`, knowing turns and inferred tool calls. */
export function withTurns(provider: TracerProvider, toolCalls: ToolCalls): TracerProvider {
  return {
    getTracer(name, version, options) {
      return turnTracer(provider.getTracer(name, version, options), toolCalls)
    },
  }
}

function turnTracer(tracer: Tracer, toolCalls: ToolCalls): Tracer {
  function startSpan(
    name: string,
    options: SpanOptions = {},
    from: Context = context.active(),
  ): Span {
    const known = quietly('meet a native span', () => meet(options, from))
    return known ?? tracer.startSpan(name, options, from)
  }

  function meet(options: SpanOptions, from: Context): Span | undefined {
    const operation = options.attributes?.[operationName]
    if (operation === 'execute_tool') {
      return toolCalls.joined(String(options.attributes?.[toolCallId]), options.attributes)
    }
    if (operation === 'invoke_agent' || isModelSpan(options.kind, options.attributes)) {
      turnOfCall(from)
    }
    return undefined
  }

  return {
    startSpan,
    startActiveSpan(name: string, ...rest: unknown[]) {
      const callback = rest.at(-1)
      if (typeof callback !== 'function') return undefined
      const [options, from] = rest.slice(0, -1)
      const base = (from as Context | undefined) ?? context.active()
      const span = startSpan(name, options as SpanOptions | undefined, base)
      return context.with(trace.setSpan(base, span), () =>
        Reflect.apply(callback, undefined, [span]),
      )
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
        if (candidate?.span === undefined || !isModelSpan(span.kind, span.attributes)) return
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
