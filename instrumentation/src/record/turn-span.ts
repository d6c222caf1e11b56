/** The span of a turn: its name, its first attributes, and the spans that it is linked to. */
import {
  isSpanContextValid,
  type Link,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  type Tracer,
} from '@opentelemetry/api'
import type { AttributeName } from '@turnlog/conventions'
import { defined } from '@turnlog/conventions/plain'
import type { CandidateFacts } from './candidate-facts.ts'
import { linkToCaller } from './turn-links.ts'

export type TurnAttributes = { [Name in AttributeName]?: string | number | boolean }

export interface TurnNames {
  readonly agent: string
  readonly conversationId: string | undefined
}

export function startTurnSpan(tracer: Tracer, facts: CandidateFacts, names: TurnNames): Span {
  const { transport, startedAt, path, method, traceparent, within, isInferred, links = [] } = facts
  return tracer.startSpan(
    spanName(names),
    {
      kind: SpanKind.INTERNAL,
      root: within === undefined,
      startTime: startedAt,
      links: [...linkTo(traceparent), ...links],
      attributes: {
        'gen_ai.operation.name': 'invoke_agent',
        ...namesIn(names),
        ...defined({
          'turnlog.turn.transport': transport,
          'url.path': path,
          'http.request.method': method,
          'turnlog.turn.inferred': isInferred,
        }),
      } satisfies TurnAttributes,
    },
    within?.context ?? ROOT_CONTEXT,
  )
}

/** The app names the agent or the conversation later than the span has started. */
export function renameTurnSpan(span: Span, names: TurnNames): void {
  span.updateName(spanName(names))
  span.setAttributes(namesIn(names))
}

function spanName({ agent }: TurnNames): string {
  return `invoke_agent ${agent}`
}

function namesIn({ agent, conversationId }: TurnNames): TurnAttributes {
  return defined({ 'gen_ai.agent.name': agent, 'gen_ai.conversation.id': conversationId })
}

/** W3C Trace Context §3.2. The caller's span is only linked: its sampling flag does not switch recording off. */
function linkTo(traceparent: string | undefined): Link[] {
  const match = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})/.exec(traceparent ?? '')
  const [, traceId, spanId, flags] = match ?? []
  if (traceId === undefined || spanId === undefined || flags === undefined) return []
  const context = { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true }
  return isSpanContextValid(context) ? [linkToCaller(context)] : []
}
