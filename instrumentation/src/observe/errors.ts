/**
 * Errors that surface in the host: uncaught exceptions, unhandled rejections, and those its web framework catches.
 * `uncaughtExceptionMonitor` watches without handling: the host dies, or does not, as without us. A host that handles
 * unhandled rejections itself is watched where they are told to it: a listener of ours would change what Node does.
 */
import { channel } from 'node:diagnostics_channel'
import type { Logger, LogRecord } from '@opentelemetry/api'
import { type AttributeName, severity } from '@turnlog/conventions'
import { quietly } from '../health.ts'
import { contexts } from '../record/contexts.ts'
import { hideOwnFrames } from './own-frames.ts'
import { replaceMethod } from './replace-method.ts'

type Origin = 'uncaught_exception' | 'unhandled_rejection' | 'framework'

/** Begins to watch; `flush` writes the record at once, since the host may be about to die. */
export function observeErrors(logger: Logger, flush: () => void): () => void {
  const seen = new WeakSet<object>()

  function report(error: unknown, origin: Origin): void {
    if (typeof error === 'object' && error !== null) {
      if (seen.has(error)) return
      seen.add(error)
    }
    logger.emit({
      eventName: 'exception',
      severityNumber: origin === 'uncaught_exception' ? severity.fatal : severity.error,
      context: contexts.active(),
      attributes: {
        'turnlog.error.origin': origin,
        ...describeError(error),
      } satisfies { [Name in AttributeName]?: string },
    } satisfies LogRecord)
    flush()
  }

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
    if (typeof message !== 'object' || message === null || !('error' in message)) return
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
