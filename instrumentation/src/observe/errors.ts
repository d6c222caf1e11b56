/**
 * Errors that surface in the host: uncaught exceptions, unhandled rejections, and those its web framework catches.
 * `uncaughtExceptionMonitor` watches without handling: the host dies, or does not, as without us. A host that handles
 * unhandled rejections itself is watched where they are told to it: a listener of ours would change what Node does.
 */

import { channel } from 'node:diagnostics_channel'
import type { Context, Logger, LogRecord } from '@opentelemetry/api'
import { type AttributeName, severity } from '@turnlog/conventions'
import { isObject } from '@turnlog/conventions/plain'
import { quietly } from '../health.ts'
import { contexts } from '../record/contexts.ts'
import { describeError } from '../record/describe-error.ts'
import { hideOwnFrames } from './own-frames.ts'
import { replaceMethod } from './replace-method.ts'

const severities = {
  uncaught_exception: severity.fatal,
  unhandled_rejection: severity.error,
  framework: severity.error,
  // Handled: the model is told of it.
  tool: severity.warn,
} as const
type Origin = keyof typeof severities

/** Records an error that surfaced in `context`: one error once, wherever else it surfaces later. */
export type ReportError = (error: unknown, origin: Origin, context?: Context) => void

/** `flush` writes the record at once, since the host may be about to die. */
export function createErrorReports(logger: Logger, flush: () => void): ReportError {
  const seen = new WeakSet<object>()

  return function report(error, origin, context = contexts.active()) {
    if (typeof error === 'object' && error !== null) {
      if (seen.has(error)) return
      seen.add(error)
    }
    const { type, message, stack } = describeError(error)
    logger.emit({
      eventName: 'exception',
      severityNumber: severities[origin],
      context,
      attributes: {
        'turnlog.error.origin': origin,
        'exception.type': type,
        'exception.message': message,
        ...(stack === undefined ? {} : { 'exception.stacktrace': stack }),
      } satisfies { [Name in AttributeName]?: string },
    } satisfies LogRecord)
    flush()
  }
}

/** Begins to watch; the returned function undoes it. */
export function observeErrors(report: ReportError): () => void {
  const onUncaught = (error: unknown, origin: string): void => {
    quietly('record an error', () => {
      // What Node prints next is the stack.
      hideOwnFrames(error)
      report(error, origin === 'unhandledRejection' ? 'unhandled_rejection' : 'uncaught_exception')
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
