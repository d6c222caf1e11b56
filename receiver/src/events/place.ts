/** Where an event belongs: its claim, its trace, its span and its parent, told from its own members alone. */
import { claimOf, type Name, type Owner, spanIdOf, traceIdOf } from './identity.ts'
import type { PlainEvent } from './read-event.ts'

/** Who sends. A gateway has no user of its own: the event's counts. */
export interface Sender {
  readonly teamId: string
  readonly userId: string | undefined
}

export interface Place {
  /** As the sender is told it: the one that came, else the hash. */
  readonly eventId: string
  readonly sessionId: string | null
  readonly claim: string
  /** Of a log record it is empty where it names no turn and no tool call. */
  readonly traceId: string
  /** Of a log record: the span it speaks of, or empty. */
  readonly spanId: string
  /** Empty where there is none. */
  readonly parentSpanId: string
  /** A span id that no other event has, for when another one has taken `spanId`. */
  readonly ownSpanId: string
}

export function placeOf(event: PlainEvent, sender: Sender): Place {
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
    // The operation may be in a turn or not: without saying so a decision joins it by its id alone.
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

/** The text of a member that is one. */
export function textOf({ members }: PlainEvent, name: string): string | undefined {
  const value = members.get(name)
  return value?.kind === 'text' ? value.text : undefined
}
