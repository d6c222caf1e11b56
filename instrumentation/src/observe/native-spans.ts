/**
 * Spans of the app's libraries, which trace themselves in several dialects (`conventions/src/dialects`). They are kept, and
 * nothing is counted twice:
 *
 *   - Before the span of a model call or an agent starts, the candidate around it becomes a turn, so that the span is the
 *     turn's child. A span that starts with no parent before that is recorded below the turn later.
 *   - A span of a tool call that we have inferred is the call's span. Any other is a tool call of its own, with the files that
 *     are changed in it.
 *   - When a span ends that tells of what another span records better, such as a model call that was seen on the wire, this is
 *     noted for the sealer, and so is an agent that worked in a turn.
 *
 * Many spans name their kind late. So they are looked at when they start and when they end.
 */
import {
  type Attributes,
  type Context,
  context,
  type Span,
  type SpanOptions,
  type Tracer,
  type TracerProvider,
  trace,
} from '@opentelemetry/api'
import type { ReadableSpan, Span as SdkSpan, SpanProcessor } from '@opentelemetry/sdk-trace'
import { instrumentationScope } from '@turnlog/conventions'
import { toldBy } from '@turnlog/conventions/dialects/dialects'
import type { ToldFailure } from '@turnlog/conventions/dialects/failure'
import type { ToldCall, ToldSpan } from '@turnlog/conventions/dialects/span-role'
import { asString, defined } from '@turnlog/conventions/plain'
import { quietly } from '../health.ts'
import { isReadable } from '../journal/describe-span.ts'
import { Candidate } from '../record/candidate.ts'
import { apiCallOf, requestOf, turnOf, turnOfModelCall } from '../record/contexts.ts'
import { type KnownFailures, mayPassOn } from '../record/known-failures.ts'
import type { Recorder } from '../record/recorder.ts'
import { failureOf } from '../record/span-failure.ts'
import { ToolCall, type ToolCallDescription, type ToolCallOwner } from '../record/tool-call.ts'
import type { ToolCalls } from '../record/tool-calls.ts'
import type { WireCalls } from '../record/wire-calls.ts'
import { toldOf } from './own-spans.ts'
import { ProcessEnds } from './process-ends.ts'
import type { TurnTraces } from './turn-traces.ts'

/** The only method of a tracer that does something without a callback of the host. */
export type SpanStarter = Pick<Tracer, 'startSpan'>

export interface SpanStarters {
  getTracer(...values: Parameters<TracerProvider['getTracer']>): SpanStarter
}

interface NativeSpanDependencies {
  readonly recorder: Recorder
  readonly toolCalls: ToolCalls
  readonly wireCalls: WireCalls
  readonly traces: TurnTraces
  readonly failures: KnownFailures
  /** Milliseconds since 1970. */
  readonly now: () => number
}

/** What is known of an open span of a library. */
interface OpenNative {
  readonly request: Candidate | undefined
  /** Without a request: the turn that came in on no server and that it may be part of. */
  readonly outside: Candidate | undefined
  /** How many model calls had been seen when it began. */
  readonly seenBefore: number
  /** It tells of a tool call that an outer span tells of. */
  readonly isToldAgain: boolean
  /** It is a tool call of its own. */
  readonly tool: { readonly call: ToolCall; readonly owner: ToolCallOwner } | undefined
}

interface EndedNative {
  readonly open: OpenNative
  readonly turn: Candidate | undefined
  readonly span: ReadableSpan
  readonly failure: ToldFailure | undefined
}

/** For the sealer, about an ended span of a library. */
export interface NativeNote {
  /** Of a span that is not an agent's: none. */
  readonly role?: ToldSpan['role']
  /** Another span records better what this one tells. */
  readonly isRepeated: boolean
  readonly isInTurn: boolean
  /** It failed, and another record tells of that. */
  readonly isErrorRepeated: boolean
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

export class NativeSpans {
  readonly #dependencies: NativeSpanDependencies
  readonly #open = new WeakMap<object, OpenNative>()
  readonly #processEnds = new ProcessEnds()
  /** What the spans in turns have named. */
  readonly #conversations = new WeakMap<Candidate, string>()

  constructor(dependencies: NativeSpanDependencies) {
    this.#dependencies = dependencies
  }

  /** Starts spans of `provider` for the host's libraries. */
  provider(provider: TracerProvider): SpanStarters {
    return {
      getTracer: (name, ...values) =>
        this.#tracer(provider.getTracer(name, ...values), String(name)),
    }
  }

  /** A span has ended: what it has told is noted. Called before the span is journaled. */
  ended(span: ReadableSpan): void {
    const { name: scope } = span.instrumentationScope
    if (scope === instrumentationScope) return
    const open = this.#open.get(span)
    this.#open.delete(span)
    this.#processEnds.remove(span)
    if (open?.tool !== undefined) this.#toolEnded(open.tool)
    const { traces } = this.#dependencies
    traces.rootEnded(span)
    const told = toldOf(span)
    const failure = failureOf(span)
    if (open === undefined || (told === undefined && failure === undefined)) return
    const turn = (open.request ?? traces.requestIn(span) ?? open.outside)?.turn
    const ended = { open, turn, span, failure }
    const isRepeated = told !== undefined && this.#isRepeated(told, ended)
    const note: NativeNote = {
      ...defined({ role: told?.role }),
      // A model call that was seen belongs to a turn, also if it is not known which span is around it.
      isInTurn: turn?.span !== undefined || this.#hasCalled(open),
      isRepeated,
      isErrorRepeated: isRepeated || this.#isErrorRepeated(ended),
    }
    this.#dependencies.recorder.note(span as SdkSpan, { native: note })
    this.#noteConversation(turn, asString(told?.conversationId))
  }

  /** The process exits. They end with it, and are no errors: what ended it is said elsewhere. */
  processExits(): void {
    this.#processEnds.processExits()
  }

  #noteConversation(turn: Candidate | undefined, conversation: string | undefined): void {
    if (turn?.span === undefined || turn.isEnded || conversation === undefined) return
    if (this.#conversations.get(turn) === conversation) return
    this.#conversations.set(turn, conversation)
    const { recorder } = this.#dependencies
    recorder.note(turn.span, { conversation })
    // Also for a turn that does not end.
    recorder.startAgain(turn.span)
  }

  /** It fails because of its last model call, or of something else that is recorded: it only passes that on. */
  #isErrorRepeated({ open, turn, failure }: EndedNative): boolean {
    if (failure === undefined) return false
    const { wireCalls, failures } = this.#dependencies
    const hasCallFailed = this.#hasCalled(open) && wireCalls.lastEnd(open.request) !== undefined
    if (hasCallFailed && mayPassOn(failure)) return true
    const owner = turn ?? open.request ?? this
    if (failures.isToldBy(owner, failure)) return true
    failures.add(owner, failure)
    return false
  }

  #isRepeated({ role, call }: ToldSpan, { open, turn, span, failure }: EndedNative): boolean {
    if (role === 'model_call') return this.#hasCalled(open)
    if (role !== 'tool_call' || open.tool !== undefined) return false
    if (open.isToldAgain || turn === undefined || call === undefined) return open.isToldAgain
    const { toolCalls } = this.#dependencies
    return toolCalls.claim(descriptionOf(call), { owner: turn, endTime: span.endTime, failure })
  }

  /** A model call was seen on the wire since the span began. */
  #hasCalled({ request, seenBefore }: OpenNative): boolean {
    return this.#dependencies.wireCalls.count(request) > seenBefore
  }

  #tracer(tracer: Tracer, scope: string): SpanStarter {
    const startSpan = (name: string, options: SpanOptions = {}, from = context.active()): Span => {
      const told = quietly('see a native span', () => toldAtStart(name, scope, options.attributes))
      const given = quietly('see a native span', () => this.#before(told, options, from))
      if (given !== undefined) return given
      const span = tracer.startSpan(name, options, from)
      quietly('follow a native span', () => this.#began(span, told, from))
      return span
    }

    return { startSpan }
  }

  /** Before a span starts. Gives the span of an inferred tool call, if it is for that. */
  #before(told: ToldSpan | undefined, options: SpanOptions, from: Context): Span | undefined {
    if (told?.role === 'tool_call' && told.call !== undefined) {
      const { toolCalls, now } = this.#dependencies
      const use = descriptionOf(told.call)
      continueTurnOf(use, toolCalls, from)
      return toolCalls.join(use, {
        attributes: options.attributes,
        owners: [apiCallOf(from), this.#dependencies.traces.turnOf(from)],
        at: now(),
      })
    }
    if (told?.role === 'agent' || told?.role === 'model_call') turnOfModelCall(from)
    return undefined
  }

  #began(span: Span, told: ToldSpan | undefined, from: Context): void {
    const { toolCalls, wireCalls, traces } = this.#dependencies
    const request = traces.requestOf(from)
    const use =
      told?.role === 'tool_call' && told.call !== undefined ? descriptionOf(told.call) : undefined
    const isToldAgain = use !== undefined && toolCalls.isTold(use, trace.getSpan(from))
    const tool = use === undefined || isToldAgain ? undefined : this.#toolBegan(span, use, from)
    const outside = request === undefined ? turnOf(from) : undefined
    const seenBefore = wireCalls.count(request)
    // A span may end after its turn.
    const turn = (request ?? outside)?.turn
    this.#noteConversation(turn, asString(told?.conversationId))
    this.#open.set(span, { request, outside, seenBefore, isToldAgain, tool })
    this.#processEnds.add(span, () => span.end())
    if (isReadable(span) && span.parentSpanContext === undefined) traces.rootBegan(span, request)
  }

  /** A tool call that was not inferred: files that are changed in it belong to it. */
  #toolBegan(span: Span, use: ToolCallDescription, from: Context): OpenNative['tool'] {
    const owner = apiCallOf(from) ?? this.#dependencies.traces.turnOf(from)
    if (owner === undefined) return undefined
    const call = new ToolCall(use, span)
    owner.openTools.set(keyOf(call), call)
    this.#dependencies.toolCalls.listener?.callBegan(call, owner)
    return { call, owner }
  }

  #toolEnded({ call, owner }: NonNullable<OpenNative['tool']>): void {
    this.#dependencies.toolCalls.listener?.callEnded(call)
    owner.toolEnded(keyOf(call))
  }
}

/** Another call of the turn may have its id. */
function keyOf({ span }: ToolCall): string {
  return `span ${span.spanContext().spanId}`
}

function toldAtStart(
  name: string,
  scope: string,
  attributes: Attributes | undefined,
): ToldSpan | undefined {
  return toldBy({ name, scope, get: (attribute) => attributes?.[attribute] })
}

function descriptionOf({ id, name, arguments: given }: ToldCall): ToolCallDescription {
  return {
    name: asString(name) ?? '',
    ...defined({ id: asString(id), arguments: asString(given) }),
  }
}

/** Notes what spans of libraries have told. It comes before the processor that journals them. */
export function noteNativeSpans(ended: (span: ReadableSpan) => void): SpanProcessor {
  return {
    onStart: () => undefined,
    onEnd: (span) => quietly('note a native span', () => ended(span)),
    forceFlush: async () => undefined,
    shutdown: async () => undefined,
  }
}
