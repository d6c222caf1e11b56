/**
 * Errors that surface in the host: uncaught exceptions, unhandled rejections, and those its web framework catches.
 * `uncaughtExceptionMonitor` watches without handling: the host dies, or does not, as without us.
 */
import { channel } from 'node:diagnostics_channel'
import { context, type Logger, type LogRecord } from '@opentelemetry/api'
import { type AttributeName, severity } from '@turnlog/conventions'
import { quietly } from '../health.ts'

type Origin = 'uncaught_exception' | 'unhandled_rejection' | 'framework'

/** Begins to watch; `flush` writes the record at once, since the host may be about to die. */
export function observeErrors(logger: Logger, flush: () => void): () => void {
  const seen = new WeakSet<object>()

  function report(error: unknown, origin: Origin): void {
    quietly('record an error', () => {
      if (typeof error === 'object' && error !== null) {
        if (seen.has(error)) return
        seen.add(error)
      }
      logger.emit({
        eventName: 'exception',
        severityNumber: origin === 'uncaught_exception' ? severity.fatal : severity.error,
        context: context.active(),
        attributes: {
          'turnlog.error.origin': origin,
          ...describeError(error),
        } satisfies { [Name in AttributeName]?: string },
      } satisfies LogRecord)
      flush()
    })
  }

  const onUncaught = (error: unknown, origin: string): void =>
    report(error, origin === 'unhandledRejection' ? 'unhandled_rejection' : 'uncaught_exception')
  process.on('uncaughtExceptionMonitor', onUncaught)

  const framework = channel('tracing:fastify.request.handler:error')
  const onFramework = (message: unknown): void => {
    if (typeof message !== 'object' || message === null || !('error' in message)) return
    report(message.error, 'framework')
  }
  framework.subscribe(onFramework)

  return () => {
    process.off('uncaughtExceptionMonitor', onUncaught)
    framework.unsubscribe(onFramework)
  }
}

function describeError(error: unknown): { [Name in AttributeName]?: string } {
  if (!(error instanceof Error)) {
    return { 'exception.type': typeof error, 'exception.message': text(error) }
  }
  const code: unknown = Reflect.get(error, 'code')
  return {
    'exception.type': typeof code === 'string' && error.name === 'Error' ? code : error.name,
    'exception.message': error.message,
    ...(typeof error.stack === 'string' ? { 'exception.stacktrace': error.stack } : {}),
  }
}

function text(value: unknown): string {
  try {
    return String(value)
  } catch {
    return Object.prototype.toString.call(value)
  }
}
