/** The trace of the next root span, if it is known: that of a library's span which has begun in a request before its turn. */
import type { IdGenerator } from '@opentelemetry/sdk-trace'
import { RandomIdGenerator } from '@opentelemetry/sdk-trace'

let next: string | undefined
const random = new RandomIdGenerator()

/** For the tracer provider. */
export const traceIds: IdGenerator = {
  generateTraceId: () => next ?? random.generateTraceId(),
  generateSpanId: () => random.generateSpanId(),
}

/** Runs `start`, which starts a root span, so that the span is in the trace `traceId`. */
export function startInTrace<T>(traceId: string | undefined, start: () => T): T {
  next = traceId
  try {
    return start()
  } finally {
    next = undefined
  }
}
