/** Why a span failed: read from what its library has recorded, and written as `error.type` and the message of its status. */
import type { AttributeName } from '@turnlog/conventions'
import { type ToldFailure, toldFailure } from '@turnlog/conventions/dialects/failure'
import { defined } from '@turnlog/conventions/plain'
import type { JournaledSpan } from '../journal/span-head.ts'
import type { SealedAttributes } from '../otlp/otlp-json.ts'
import { put } from './content.ts'

/** Redacted. */
export interface SpanFailure {
  readonly type: string
  readonly message?: string
}

const errorStatus = 2

/** `span` and `attributes`: redacted. */
export function failureOf(
  span: JournaledSpan,
  attributes: SealedAttributes,
): ToldFailure | undefined {
  const { status, events = [] } = span
  return toldFailure({
    get: (name) => attributes[name],
    status,
    events: events.map((event) => ({ name: event.name, get: (name) => event.attributes?.[name] })),
  })
}

/** The span, failed in this way. */
export function withFailure(
  span: JournaledSpan,
  attributes: SealedAttributes,
  { type, message }: SpanFailure,
): JournaledSpan {
  put(attributes, 'error.type', type)
  return { ...span, status: { code: errorStatus, ...defined({ message }) } }
}

/** What a library has recorded of its failure, in the same attributes for all; `isRepeated`: another record tells of it. */
export function withToldFailure(
  span: JournaledSpan,
  attributes: SealedAttributes,
  { isRepeated }: { readonly isRepeated: boolean },
): JournaledSpan {
  const failure = failureOf(span, attributes)
  if (failure === undefined) return span
  if (failure.isAborted) return asAborted(span, attributes)
  if (isRepeated) put(attributes, 'turnlog.error.repeated', true)
  const { type, message } = failure
  return withFailure(span, attributes, { type, ...defined({ message }) })
}

/** Its end was no failure: the app has stopped it. */
export function asAborted(span: JournaledSpan, attributes: SealedAttributes): JournaledSpan {
  delete attributes['error.type' satisfies AttributeName]
  put(attributes, 'turnlog.aborted', true)
  return { ...span, status: { code: 0 } }
}
