/**
 * Errors that surface in the host: uncaught exceptions, unhandled rejections, and those its web framework catches.
 * `uncaughtExceptionMonitor` watches without handling, so the host exits, or survives, as without us. In a host that
 * handles unhandled rejections, `process.emit` is watched instead: a listener of ours would change what Node does.
 */

import { channel } from 'node:diagnostics_channel'
import { type Context, type Logger, type LogRecord, trace } from '@opentelemetry/api'
import { type AttributeName, severity } from '@turnlog/conventions'
import { isAbort, type ToldFailure } from '@turnlog/conventions/dialects/failure'
import { defined, isObject } from '@turnlog/conventions/plain'
import { quietly } from '../health.ts'
import type { Candidate } from '../record/candidate.ts'
import { contexts } from '../record/contexts.ts'
import { mayPassOn } from '../record/known-failures.ts'
import type { ToolCall } from '../record/tool-call.ts'
import type { CallEnd } from '../record/wire-calls.ts'
import { hideOwnFrames } from './own-frames.ts'
import { replaceMethod } from './replace-method.ts'

const severities = {
  uncaught_exception: severity.fatal,
  unhandled_rejection: severity.error,
  framework: severity.error,
  // Handled: the model is sent it as the result.
  tool: severity.warn,
} as const
export type ErrorOrigin = keyof typeof severities

/** Records an error that surfaced in a context; an error that surfaces again is not recorded again. */
export type ReportError = (
  error: unknown,
  origin: ErrorOrigin,
  place?: { readonly context?: Context; readonly isFatal?: boolean },
) => void

/** Finds what else is known where an error surfaces. */
export interface ErrorPlaces {
  /** The turn of the context; for an error that ends the app, the only open one. */
  turnOf(context: Context, isFatal: boolean): Candidate | undefined
  /** The tool call that the context is in, of that turn. */
  toolCallOf(context: Context, turn: Candidate | undefined): ToolCall | undefined
  /** How the last model call of the context ended, if it did not end well. */
  lastCallEnd(context: Context): CallEnd | undefined
}

interface ErrorReportOptions {
  readonly logger: Logger
  /** Writes the record at once, since the host may be about to die. */
  readonly flush: () => void
  readonly places: ErrorPlaces
}

/** Errors that have surfaced. */
export interface ErrorReports {
  readonly report: ReportError
  /** Whether this error is recorded. */
  isReported(error: unknown): boolean
}

export function createErrorReports({ logger, flush, places }: ErrorReportOptions): ErrorReports {
  const seen = new WeakSet<object>()

  const report: ReportError = (
    error,
    origin,
    { context: given = contexts.active(), isFatal = false } = {},
  ) => {
    if (typeof error === 'object' && error !== null) {
      if (seen.has(error)) return
      seen.add(error)
    }
    const { type, message, stack } = describeError(error)
    const isOfTool = origin === 'tool'
    const turn = isOfTool ? undefined : places.turnOf(given, isFatal)
    const hasPlace = turn?.span === undefined || trace.getSpan(given) !== undefined
    const context = hasPlace ? given : trace.setSpan(given, turn.span)
    const callEnd = isOfTool ? undefined : places.lastCallEnd(given)
    const isAborted = isAbort(type) || (callEnd === 'aborted' && /abort|cancel/i.test(message))
    if (!isAborted) turn?.causedBy({ type, message, isRepeated: true })
    const call = isFatal && !isAborted ? places.toolCallOf(given, turn) : undefined
    call?.endsProcess({ type, message, isAborted })
    if (turn === undefined) call?.leaveUnfinished()
    logger.emit({
      eventName: 'exception',
      severityNumber: severities[origin],
      context,
      attributes: defined({
        'turnlog.error.origin': origin,
        'exception.type': type,
        'exception.message': message,
        'exception.stacktrace': stack,
        'turnlog.aborted': isAborted || undefined,
        // It passes on the failure of the model call.
        'turnlog.error.repeated':
          (!isAborted && callEnd === 'failed' && mayPassOn({ type, message })) || undefined,
      } satisfies { [Name in AttributeName]?: string | boolean | undefined }),
    } satisfies LogRecord)
    flush()
  }
  const isReported = (error: unknown): boolean =>
    typeof error === 'object' && error !== null && seen.has(error)
  return { report, isReported }
}

/** What ends the app now, if it does not handle it. */
export interface FatalError {
  error: unknown
  isSet: boolean
}

/** Begins to watch; the returned function undoes it. `fatal` is set while an uncaught exception is on its way to end the app. */
export function observeErrors(report: ReportError, fatal: FatalError): () => void {
  const onUncaught = (error: unknown, origin: string): void => {
    quietly('record an error', () => {
      Object.assign(fatal, { error, isSet: true })
      // The app has handled it, and lives on.
      setImmediate(() => Object.assign(fatal, { error: undefined, isSet: false })).unref()
      // What Node prints next is the stack.
      hideOwnFrames(error)
      const isFatal =
        process.listenerCount('uncaughtException') === 0 &&
        !process.hasUncaughtExceptionCaptureCallback()
      const surfaced =
        origin === 'unhandledRejection' ? 'unhandled_rejection' : 'uncaught_exception'
      report(error, surfaced, { isFatal })
    })
  }
  process.on('uncaughtExceptionMonitor', onUncaught)

  const restore = replaceMethod(process, 'emit', (original) => {
    return function emit(...values) {
      const [event, reason] = values
      if (event === 'unhandledRejection' && process.listenerCount(event) > 0) {
        quietly('record a rejection', () => report(reason, 'unhandled_rejection'))
      }
      return original.apply(this, values)
    }
  })

  const framework = channel('tracing:fastify.request.handler:error')
  const onFramework = (message: unknown): void => {
    if (!isObject(message) || !('error' in message)) return
    const { error } = message
    quietly('record an error', () => report(error, 'framework'))
  }
  framework.subscribe(onFramework)

  return () => {
    process.off('uncaughtExceptionMonitor', onUncaught)
    restore()
    framework.unsubscribe(onFramework)
  }
}

/** Describes whatever was thrown. `type` (`error.type`, `exception.type`) is its code or its name. */
export function describeError(error: unknown) {
  if (!(error instanceof Error)) {
    return { type: typeof error, message: textOf(error), stack: undefined }
  }
  const code: unknown = Reflect.get(error, 'code')
  return {
    type: typeof code === 'string' && error.name === 'Error' ? code : error.name,
    message: error.message,
    stack: typeof error.stack === 'string' ? error.stack : undefined,
  }
}

/** A failure of a tool that threw `error`. */
export function asFailure(error: unknown): ToldFailure {
  const { type, message } = describeError(error)
  return { type, message, isAborted: isAbort(type) }
}

function textOf(value: unknown): string {
  try {
    return String(value)
  } catch {
    return Object.prototype.toString.call(value)
  }
}
