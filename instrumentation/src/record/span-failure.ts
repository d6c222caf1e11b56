/** Why a span of an SDK failed, as far as it says so. */
import type { Span } from '@opentelemetry/api'
import type { ReadableSpan } from '@opentelemetry/sdk-trace'
import { type ToldFailure, toldFailure } from '@turnlog/conventions/dialects/failure'

export function failureOf(span: Span | ReadableSpan): ToldFailure | undefined {
  if (!('attributes' in span && 'status' in span && 'events' in span)) return undefined
  const { attributes, status, events } = span
  return toldFailure({
    get: (name) => attributes[name],
    status,
    events: events.map((event) => ({ name: event.name, get: (name) => event.attributes?.[name] })),
  })
}
