/**
 * SDKs that trace themselves: their spans are kept, enriched and never doubled. Before the span of a model call or an
 * agent loop starts, the candidate around it becomes a turn, so that the span is the turn's child; an open model call
 * holds the turn. For a tool call that we have inferred, the SDK gets our span.
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
import { Candidate } from '../record/candidate.ts'
import { apiCallOf, candidateOf, requestOf, turnOf, turnOfModelCall } from '../record/contexts.ts'
import type { ToolCallDescription } from '../record/tool-call.ts'
import type { ToolCalls } from '../record/tool-calls.ts'
import { holdWhileOpen } from '../record/turn-holds.ts'

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

export function isReadable(span: object): span is ReadableSpan {
  return 'attributes' in span && 'kind' in span
}

/** A request that runs what the answer of an earlier turn asked for continues that turn. */
export function continueTurnOf(
  use: ToolCallDescription,
  toolCalls: ToolCalls,
  active: Context,
): void {
  const request = requestOf(active)
  if (request === undefined || request.isDecided) return
  const owners = toolCalls.ownersOf(use).filter((owner) => owner instanceof Candidate)
  const [only, ...others] = owners.filter((owner) => request.canContinue(owner))
  // If two turns have equal calls, it is not known which one is meant. If the call is the request's own, there is no other turn.
  if (only === undefined || others.length > 0 || owners.includes(request.turn)) return
  request.continueTurn(only)
}

/** `provider` for the host's libraries: it makes candidates turns, and gives out the spans of inferred tool calls. */
export function withTurns(provider: TracerProvider, toolCalls: ToolCalls): TracerProvider {
  return {
    getTracer: (...values) => turnTracer(provider.getTracer(...values), toolCalls),
  }
}

function turnTracer(tracer: Tracer, toolCalls: ToolCalls): Tracer {
  function startSpan(name: string, options: SpanOptions = {}, from = context.active()): Span {
    const known = quietly('see a native span', () => see(options, from))
    return known ?? tracer.startSpan(name, options, from)
  }

  function see(options: SpanOptions, from: Context): Span | undefined {
    const operation = options.attributes?.[operationName]
    if (operation === 'execute_tool') {
      const id = String(options.attributes?.[toolCallId])
      continueTurnOf({ id, name: '' }, toolCalls, from)
      return toolCalls.join(id, options.attributes, [apiCallOf(from), turnOf(from)])
    }
    if (operation === 'invoke_agent' || isModelSpan(options.kind, options.attributes)) {
      turnOfModelCall(from)
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

/** Holds a turn while one of its model calls is open. */
export function holdTurns(): SpanProcessor {
  return {
    onStart(span: SdkSpan, parent: Context): void {
      quietly('hold a turn', () => {
        const candidate = candidateOf(parent)
        if (candidate?.span === undefined || !isModelSpan(span.kind, span.attributes)) return
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
