/**
 * Tool calls that the app reports (`toolCall()`). One execution is one call: if the call has been inferred from the
 * model's answer, or an SDK has a span for it, the app reports that one. File operations and model calls in the callback
 * belong to the call. A call outside any turn is recorded without a turn.
 */
import { type Context, type Span, SpanStatusCode, trace } from '@opentelemetry/api'
import { type AttributeName, instrumentationScope } from '@turnlog/conventions'
import type { ToolCall as ToolCallFace, ToolCallOptions } from '../api.ts'
import type { OpenWork } from '../follow-work.ts'
import { quietly } from '../health.ts'
import { isReadable } from '../journal/describe-span.ts'
import { textOf, toApiText } from '../record/api-text.ts'
import type { Candidate } from '../record/candidate.ts'
import { apiCallOf, contexts, contextWithApiCall, runIn, turnOf } from '../record/contexts.ts'
import type { Recorder } from '../record/recorder.ts'
import {
  type ApiToolCall,
  ToolCall,
  type ToolCallDescription,
  type ToolCallOwner,
} from '../record/tool-call.ts'
import type { ToolCalls } from '../record/tool-calls.ts'
import { unreadAnswers } from '../record/unread-answers.ts'
import { describeError, type ReportError } from './errors.ts'
import { continueTurnOf } from './native-spans.ts'

interface ApiToolCallOptions {
  readonly recorder: Recorder
  readonly toolCalls: ToolCalls
  readonly reportError: ReportError
  readonly now: () => number
}

export function openApiToolCall(
  given: ToolCallOptions,
  options: ApiToolCallOptions,
): OpenWork<ToolCallFace> {
  const { recorder, toolCalls, now } = options
  const active = contexts.active()
  const text = toApiText(given.arguments)
  const use: ToolCallDescription = {
    name: textOf(given.name) ?? 'unknown',
    id: textOf(given.id),
    arguments: text !== undefined && 'text' in text ? text.text : undefined,
  }
  continueTurnOf(use, toolCalls, active)
  const turn = openTurnOf(active)
  const owner = apiCallOf(active) ?? turn
  const native = nativeCall(active, use)
  const { call, wasInferred } =
    native === undefined
      ? toolCalls.takeOver(use, { parent: below(turn, active), owner, at: now() })
      : { call: native, wasInferred: false }
  if (text !== undefined && 'omitted' in text && !wasInferred) {
    recorder.note(call.span, { argumentsOmitted: text.omitted })
  }
  const end = native !== undefined ? 'by its library' : wasInferred ? 'by our clock' : 'by its span'
  const running = new RunningCall(call, { turn, owner, active, end }, options)

  return {
    face: {
      result: (value) => {
        quietly('record a result', () => running.putResult(value))
      },
      fail: (error) => {
        quietly('record a failure', () => running.fail(error))
      },
      traceId: call.span.spanContext().traceId,
    },
    run: (step) => runIn(running.inside, step),
    succeed: (value) => running.end(() => running.putReturned(value)),
    fail: (error) => running.end(() => running.fail(error)),
  }
}

interface RunningCallFacts {
  readonly turn: Candidate | undefined
  readonly owner: ToolCallOwner | undefined
  readonly active: Context
  /**
   * How its span ends. A call that was inferred was begun again with a time of our clock, so it ends with one; any other
   * span of ours has a finer clock.
   */
  readonly end: 'by its library' | 'by our clock' | 'by its span'
}

/** From the begin of the callback to its end. */
class RunningCall implements ApiToolCall {
  readonly call: ToolCall
  readonly span: Span
  readonly inside: Context
  readonly #openTools = new Map<string, ToolCall>()
  readonly createdFiles: Set<string>
  readonly #key: string
  readonly #facts: RunningCallFacts
  readonly #options: ApiToolCallOptions
  #hasResult: boolean = false
  #isOver: boolean = false

  constructor(call: ToolCall, facts: RunningCallFacts, options: ApiToolCallOptions) {
    this.call = call
    this.span = call.span
    this.createdFiles = facts.turn?.createdFiles ?? new Set()
    this.inside = contextWithApiCall(facts.active, this)
    this.#key = call.id ?? call.span.spanContext().spanId
    this.#facts = facts
    this.#options = options
    facts.turn?.hold()
    facts.owner?.openTools.set(this.#key, call)
    options.toolCalls.listener?.callBegan(call, facts.owner)
  }

  get openTools(): Map<string, ToolCall> {
    unreadAnswers.readAll()
    return this.#openTools
  }

  toolEnded(key: string): void {
    this.#openTools.delete(key)
  }

  putResult(value: unknown): void {
    if (this.#isOver) return
    this.#hasResult = true
    const result = toApiText(value)
    if (result === undefined) return
    const { recorder } = this.#options
    if ('omitted' in result) recorder.note(this.span, { resultOmitted: result.omitted })
    else if (this.#facts.end === 'by its library') {
      put(this.span, 'gen_ai.tool.call.result', result.text)
    } else {
      recorder.content(this.span, 'tool.result', result.text)
      recorder.note(this.span, { hasResult: true, resultOmitted: undefined })
    }
  }

  /** What the callback returned is the result, unless the app has given one. */
  putReturned(value: unknown): void {
    if (!this.#hasResult) this.putResult(value)
  }

  fail(error: unknown): void {
    if (this.#isOver) return
    const { type, message } = describeError(error)
    put(this.span, 'error.type', type)
    this.span.setStatus({ code: SpanStatusCode.ERROR, message })
    this.#options.reportError(error, 'tool', { context: this.inside })
  }

  end(lastStep: () => void): void {
    if (this.#isOver) return
    quietly('record how a tool call ended', lastStep)
    this.#isOver = true
    this.#options.toolCalls.listener?.callEnded(this.call)
    quietly('end a tool call', () => {
      const { turn, owner, end } = this.#facts
      for (const open of this.openTools.values()) open.leaveUnfinished()
      owner?.openTools.delete(this.#key)
      if (end !== 'by its library') {
        this.span.end(end === 'by our clock' ? this.#options.now() : undefined)
      }
      turn?.release()
    })
  }
}

/** `active`, with the turn's span where it has none: a turn without a server has no context of its own. */
function below(turn: Candidate | undefined, active: Context): Context {
  const isInSpan = turn?.span === undefined || trace.getSpan(active) !== undefined
  return isInSpan ? active : trace.setSpan(active, turn.span)
}

function openTurnOf(active: Context): Candidate | undefined {
  const candidate = turnOf(active)
  return candidate?.span === undefined || candidate.isEnded ? undefined : candidate
}

/** The span of a library that reports the call itself and runs it here. */
function nativeCall(active: Context, use: ToolCallDescription): ToolCall | undefined {
  const span = trace.getSpan(active)
  if (span?.isRecording() !== true || !isReadable(span)) return undefined
  if (span.instrumentationScope.name === instrumentationScope) return undefined
  const attribute = (name: AttributeName): unknown => span.attributes[name]
  if (attribute('gen_ai.operation.name') !== 'execute_tool') return undefined
  const id = attribute('gen_ai.tool.call.id')
  const isSame =
    use.id === undefined || id === undefined
      ? attribute('gen_ai.tool.name') === use.name
      : id === use.id
  if (!isSame) return undefined
  if (use.arguments !== undefined && attribute('gen_ai.tool.call.arguments') === undefined) {
    put(span, 'gen_ai.tool.call.arguments', use.arguments)
  }
  return new ToolCall({ ...use, id: typeof id === 'string' ? id : use.id }, span)
}

function put(span: Span, name: AttributeName, value: string): void {
  span.setAttribute(name, value)
}
