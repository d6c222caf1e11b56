/** The ids of an event, made from its own members alone: claim, trace, span, parent. Pure. */
import { claimOf, type Name, type Owner, spanIdOf, traceIdOf } from './identity.ts'
import { type PlainEvent, textOf } from './read-event.ts'

/** The holder of the token. A gateway has no user: the event's user is used. */
export interface Sender {
  readonly teamId: string
  readonly userId: string | undefined
}

export interface EventIds {
  /** The id in the answer: the event's own, or its hash. */
  readonly eventId: string
  readonly sessionId: string | null
  readonly claim: string
  /** Empty for a log record that names no turn and no tool call. */
  readonly traceId: string
  /** Of a log record: the span that it refers to, or empty. */
  readonly spanId: string
  /** Empty without a parent. */
  readonly parentSpanId: string
  /** A span id that no other event has, for an event whose `spanId` is taken. */
  readonly ownSpanId: string
}

export function idsOf(event: PlainEvent, sender: Sender): EventIds {
  const given = textOf(event, 'eventId')
  const eventId = given ?? event.hash
  const ownName: Name = [event.type, given === undefined ? 'hash' : 'eventId', eventId]
  const isOpening = event.type === 'SessionStart'
  const owner: Owner = {
    teamId: sender.teamId,
    userId: sender.userId ?? textOf(event, 'userId') ?? null,
    sessionId: textOf(event, 'sessionId') ?? (isOpening ? eventId : null),
  }
  const { trace, span, parent } = namesOf(event, ownName)
  return {
    eventId,
    sessionId: owner.sessionId,
    claim: claimOf(owner, ownName),
    traceId: trace === undefined ? '' : traceIdOf(owner, trace),
    spanId: trace === undefined || span === undefined ? '' : spanIdOf(owner, span),
    parentSpanId: parent === undefined ? '' : spanIdOf(owner, parent),
    ownSpanId: spanIdOf(owner, ownName),
  }
}

interface Names {
  readonly trace: string | Name | undefined
  readonly span: Name | undefined
  readonly parent?: Name | undefined
}

function namesOf(event: PlainEvent, ownName: Name): Names {
  const turnId = textOf(event, 'turnId')
  const turn = nameOf(event, 'ChatTurn', 'turnId')
  const toolCall = nameOf(event, 'ToolCall', 'toolCallId')
  const operation = nameOf(event, 'FileOperation', 'opId')
  switch (event.type) {
    case 'ChatTurn': {
      const span = turn ?? ownName
      return { trace: turnId ?? span, span }
    }
    case 'ToolCall': {
      const span = toolCall ?? ownName
      return { trace: turnId ?? span, span, parent: turn }
    }
    case 'FileOperation': {
      const span = operation ?? ownName
      return { trace: turnId ?? toolCall ?? span, span, parent: toolCall ?? turn }
    }
    // A decision need not name its operation's turn: the views join the two by the operation's id.
    case 'ChangeDecision':
      return { trace: turnId ?? toolCall, span: operation }
    case 'SessionStart':
    case 'Error':
      return { trace: turnId ?? toolCall, span: toolCall ?? turn }
  }
}

function nameOf(event: PlainEvent, type: string, member: string): Name | undefined {
  const id = textOf(event, member)
  return id === undefined ? undefined : [type, member, id]
}
