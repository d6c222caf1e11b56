/** The span of a turn: where it comes from, and what is known of it when it starts. */
import {
  type Context,
  isSpanContextValid,
  type Link,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
} from '@opentelemetry/api'
import type { AttributeName, TurnTransport } from '@turnlog/conventions'
import type { Recorder } from './recorder.ts'

export interface TurnOrigin {
  /** Undefined where nobody knows: the app tells of a turn that came in on no server. */
  readonly transport?: TurnTransport | undefined
  /** Milliseconds since 1970. */
  readonly startedAt: number
  readonly method?: string | undefined
  readonly path?: string | undefined
  readonly traceparent?: string | undefined
  /** The turn that a sub-agent works in, and the context of its work there: then it is no turn of its own. */
  readonly within?: { readonly candidate: EnclosingTurn; readonly context: Context } | undefined
  /** Where it comes from, when that is not where it belongs. */
  readonly links?: readonly Link[] | undefined
}

export interface EnclosingTurn {
  /** The ids of the turns its model calls count for, its own first. */
  turnIds(): string[]
}

export interface TurnNames {
  readonly agent: string
  readonly conversationId: string | undefined
}

export function startTurnSpan({ tracer }: Recorder, origin: TurnOrigin, names: TurnNames): Span {
  const { transport, path, method, within } = origin
  return tracer.startSpan(
    nameOf(names),
    {
      kind: SpanKind.INTERNAL,
      root: within === undefined,
      startTime: origin.startedAt,
      links: [...linkTo(origin.traceparent), ...(origin.links ?? [])],
      attributes: {
        'gen_ai.operation.name': 'invoke_agent',
        ...attributesOf(names),
        ...(transport === undefined ? {} : { 'turnlog.turn.transport': transport }),
        ...(path === undefined ? {} : { 'url.path': path }),
        ...(method === undefined ? {} : { 'http.request.method': method }),
      } satisfies { [Name in AttributeName]?: string },
    },
    within?.context ?? ROOT_CONTEXT,
  )
}

/** The app has told more of it since it started. */
export function describeTurnSpan(span: Span, names: TurnNames): void {
  span.updateName(nameOf(names))
  span.setAttributes(attributesOf(names))
}

function nameOf({ agent }: TurnNames): string {
  return `invoke_agent ${agent}`
}

function attributesOf({ agent, conversationId }: TurnNames) {
  return {
    'gen_ai.agent.name': agent,
    ...(conversationId === undefined ? {} : { 'gen_ai.conversation.id': conversationId }),
  } satisfies { [Name in AttributeName]?: string }
}

/** W3C Trace Context §3.2: the caller's span is linked to, never obeyed: its sampling flag does not switch us off. */
function linkTo(traceparent: string | undefined): Link[] {
  const match = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})/.exec(traceparent ?? '')
  const [, traceId, spanId, flags] = match ?? []
  if (traceId === undefined || spanId === undefined || flags === undefined) return []
  const context = { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true }
  return isSpanContextValid(context) ? [{ context }] : []
}
