/** The spans that a turn is linked to, because it comes from them without being part of them. */
import type { Link, SpanContext } from '@opentelemetry/api'
import type { AttributeName } from '@turnlog/conventions'

type LinkAttributes = { readonly [Name in AttributeName]?: string }

/** What has asked for the turn: the span of a request's sender, or one that the app has around it. */
export function linkToCaller(context: SpanContext): Link {
  return { context, attributes: { 'turnlog.link.type': 'caller' } satisfies LinkAttributes }
}

/** The earlier turn that it goes on from. */
export function linkToPreviousTurn(context: SpanContext): Link {
  return { context, attributes: { 'turnlog.link.type': 'previous_turn' } satisfies LinkAttributes }
}
