/**
 * Tool calls the app tells of itself (`toolCall()`). One execution is one call: where the call has been inferred from
 * the model's answer, or an SDK has a span of its own for it, that one is told of. What happens in the callback, file
 * operations and model calls, belongs to the call; a call in no turn is recorded as that.
 */
import { type Context, type Span, SpanStatusCode, trace } from '@opentelemetry/api'
import type { ReadableSpan } from '@opentelemetry/sdk-trace'
import { type AttributeName, instrumentationScope } from '@turnlog/conventions'
import type { ToolCall as Face, ToolCallOptions } from '../api.ts'
import type { OpenWork } from '../follow-work.ts'
import { quietly } from '../health.ts'
import { toldText } from '../record/api-text.ts'
import { candidateOf, contextWithToldCall, toldCallOf } from '../record/candidate-context.ts'
import { contexts, runIn } from '../record/contexts.ts'
import { describeError } from '../record/describe-error.ts'
import type { Recorder } from '../record/recorder.ts'
import {
  createCall,
  type ToldToolUse,
  type ToolCall,
  type ToolCallOwner,
  type ToolCalls,
} from '../record/tool-call.ts'
import type { Candidate } from '../record/turn.ts'
import type { ReportError } from './errors.ts'

export interface ToldToolCallsOptions {
  readonly recorder: Recorder
  readonly toolCalls: ToolCalls
  readonly reportError: ReportError
  readonly now: () => number
}

/** A call that runs: what happens in it has it for an owner. */
export interface ToldCall extends ToolCallOwner {
  readonly span: Span
  readonly call: ToolCall
  readonly createdFiles: Set<string>
}

export function createToldToolCalls({
  recorder,
  toolCalls,
  reportError,
  now,
}: ToldToolCallsOptions) {
  return function openToolCall(options: ToolCallOptions): OpenWork<Face> | undefined {
    return quietly('open a tool call', () => {
      const active = contexts.active()
      const turn = openTurnOf(active)
      const owner: ToolCallOwner | undefined = (toldCallOf(active) as ToldCall | undefined) ?? turn
      const given = toldText(options.arguments)
      const use: ToldToolUse = {
        name: textOf(options.name) ?? 'unknown',
        id: textOf(options.id),
        arguments: given !== undefined && 'text' in given ? given.text : undefined,
      }
      const native = nativeCall(active, use)
      const { call, wasInferred } =
        native === undefined
          ? toolCalls.tell(use, { parent: active, owner, at: now() })
          : { call: native, wasInferred: false }
      const { span } = call
      if (given !== undefined && 'omitted' in given && !wasInferred) {
        recorder.note(span, { argumentsOmitted: given.omitted })
      }
      const key = call.id ?? span.spanContext().spanId
      const told: ToldCall = {
        span,
        call,
        openTools: new Map(),
        createdFiles: turn?.createdFiles ?? new Set(),
        toolEnded: (id) => void told.openTools.delete(id),
      }
      const inside = contextWithToldCall(active, told)
      let isResultTold = false
      let isOver = false
      turn?.hold()
      owner?.openTools.set(key, call)

      function putResult(value: unknown): void {
        const result = toldText(value)
        if (result === undefined) return
        if ('omitted' in result) recorder.note(span, { resultOmitted: result.omitted })
        else if (native !== undefined) put(span, 'gen_ai.tool.call.result', result.text)
        else {
          recorder.content(span, 'tool.result', result.text)
          recorder.note(span, { hasResult: true, resultOmitted: undefined })
        }
      }

      function fail(error: unknown): void {
        const { type, message } = describeError(error)
        put(span, 'error.type', type)
        span.setStatus({ code: SpanStatusCode.ERROR, message })
        reportError(error, 'tool', inside)
      }

      function end(step: () => void): void {
        if (isOver) return
        quietly('tell how a tool call ended', step)
        isOver = true
        quietly('end a tool call', () => {
          for (const open of told.openTools.values()) open.leaveUnfinished()
          owner?.openTools.delete(key)
          // By the clock its beginning was told with; else by the span's own, which is finer.
          if (native === undefined) span.end(wasInferred ? now() : undefined)
          turn?.release()
        })
      }

      return {
        face: {
          result: (value) => {
            quietly('take a result', () => {
              if (isOver) return
              isResultTold = true
              putResult(value)
            })
          },
          fail: (error) => {
            quietly('take a failure', () => {
              if (!isOver) fail(error)
            })
          },
          traceId: span.spanContext().traceId,
        },
        run: (step) => runIn(inside, step),
        succeed: (value) => end(() => (isResultTold ? undefined : putResult(value))),
        fail: (error) => end(() => fail(error)),
      }
    })
  }
}

function openTurnOf(active: Context): Candidate | undefined {
  const candidate = candidateOf(active) as Candidate | undefined
  return candidate?.span === undefined || candidate.isEnded ? undefined : candidate
}

/** The span of a library that reports the call itself and runs it here. */
function nativeCall(active: Context, use: ToldToolUse): ToolCall | undefined {
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
  return createCall({ ...use, id: typeof id === 'string' ? id : use.id }, span)
}

function isReadable(span: Span): span is Span & ReadableSpan {
  return 'attributes' in span && 'instrumentationScope' in span
}

function put(span: Span, name: AttributeName, value: string): void {
  span.setAttribute(name, value)
}

function textOf(value: unknown): string | undefined {
  const told = toldText(value ?? undefined)
  return told !== undefined && 'text' in told ? told.text : undefined
}
