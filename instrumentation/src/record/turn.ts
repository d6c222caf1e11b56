/**
 * Turns are found, not configured. Handling one HTTP request or one WebSocket message is a *candidate*; it becomes
 * a turn, with the candidate's start time, when a model call begins inside it, or when the app says that it is one
 * (`turn()`). What the app says of a turn goes before what is found.
 *
 * A turn is *held* by whatever is still at work on it: the response that is not finished, the message listener's
 * promise, each model call under way. When nothing holds it, it ends after a grace that depends on what may still
 * come, at the moment the last hold was released:
 *
 *   - the app has said that it is over (the callback of `turn()` has settled): at once;
 *   - its work is known to be over (response finished, promise settled, client gone): at once; with inferred tool
 *     calls open, 2 s later, for apps that go on after they have answered;
 *   - a message listener that returned a promise that is not ours alone: looked at every 2 s until it is settled;
 *   - a message listener that returned nothing: 2 s after the last hold; with tool calls open, when those are
 *     answered, the socket closes, or 10 min have passed.
 *
 * A model call that begins within the grace holds the turn again. One that begins after the turn's end is a late
 * child of the same trace and changes the turn no more. When the process ends, turns that only wait for more to come
 * end too; one that is at work is left to be closed as abandoned.
 */
import { type Span, SpanStatusCode } from '@opentelemetry/api'
import type { AttributeName, TurnOutcome } from '@turnlog/conventions'
import type { After } from './delayed-ends.ts'
import type { Recorder } from './recorder.ts'
import type { ToolCall } from './tool-call.ts'
import { describeTurnSpan, startTurnSpan, type TurnOrigin } from './turn-span.ts'

const graceMs = 2_000
const openToolGraceMs = 10 * 60_000
/** A request's body is held until it is known whether it is a turn's, up to this; a larger one has no prompt. */
const requestBytesMax = 16 * 1024 ** 2
/** What is kept of it when the work is over and no turn has come of it: a late one still has a short prompt. */
const requestBytesKept = 64 * 1024

export interface CandidateFacts extends TurnOrigin {
  readonly contentType?: string | undefined
  /** Whether the end of the work is told by `release` of the first hold, or must be guessed from silence. */
  readonly endIsKnown: boolean
  /** Called when the candidate becomes a turn. */
  readonly onTurn?: (() => void) | undefined
  /** Called when the turn has ended. */
  readonly onEnd?: (() => void) | undefined
}

export interface TurnDependencies {
  readonly recorder: Recorder
  readonly agent: string
  readonly now: () => number
  /** Waits that the end of the process only interrupts. */
  readonly after: After
  /** Waits that the end of the process ends. */
  readonly grace: After
}

/** What the app says of a turn. */
export interface ToldTurn {
  readonly prompt?: string | undefined
  readonly conversationId?: string | undefined
  readonly agent?: string | undefined
}

/** Why a turn failed, in the words of `error.type` and of the span's status. */
export interface TurnFailure {
  readonly type: string
  readonly message: string
}

export type Candidate = Readonly<ReturnType<typeof createCandidate>>

export function createCandidate(facts: CandidateFacts, dependencies: TurnDependencies) {
  const { recorder, now } = dependencies
  let { agent } = dependencies
  let endIsKnown = facts.endIsKnown
  /** The app has said so: nothing more is waited for. */
  let isOver = false
  let holds = 0
  let wasQuiet = false
  let quietSince = facts.startedAt
  let outcome: TurnOutcome = 'completed'
  let lastCallFailed = false
  let grace: { cancel(): void } | undefined
  let requestPieces: (string | Uint8Array)[] = []
  let requestBytes = 0
  const isAtWork: (() => boolean)[] = []
  /** Inferred tool calls the model has asked for and not been answered. */
  const openTools = new Map<string, ToolCall>()
  const extra: { [Name in AttributeName]?: string | number | boolean } = {}
  let failure: TurnFailure | undefined

  /** A model call begins: the candidate is a turn from now on. */
  function promote(): Span {
    if (candidate.span !== undefined) return candidate.span
    const span = startTurnSpan(recorder, facts, { agent, conversationId: candidate.conversationId })
    candidate.span = span
    recorder.note(span, { contentType: facts.contentType })
    for (const piece of requestPieces) recorder.content(span, 'turn.request', piece)
    requestPieces = []
    facts.onTurn?.()
    return span
  }

  function hold(): void {
    // The work goes on after its known end: an app that answers first and works then.
    if (holds === 0 && wasQuiet) endIsKnown = false
    holds += 1
    grace?.cancel()
    grace = undefined
  }

  function release(): void {
    holds -= 1
    if (holds > 0) return
    quietSince = now()
    wasQuiet = true
    if (candidate.span === undefined && requestBytes > requestBytesKept) requestPieces = []
    settle()
  }

  /** Nothing holds the turn: it ends now, or later if nothing else begins. */
  function settle(): void {
    if (candidate.span === undefined || candidate.isEnded || holds > 0) return
    grace?.cancel()
    grace = undefined
    const isWaitingForTools = openTools.size > 0 && !isOver
    if (endIsKnown && !isWaitingForTools) {
      end()
      return
    }
    const isLookedAt = isAtWork.length > 0
    const waitMs = isWaitingForTools && !endIsKnown && !isLookedAt ? openToolGraceMs : graceMs
    const wait = isWaitingForTools ? dependencies.after : dependencies.grace
    grace = wait(waitMs, () => {
      if (!endIsKnown && isAtWork.some((look) => look())) settle()
      else end()
    })
  }

  function end(): void {
    const { span } = candidate
    if (span === undefined || candidate.isEnded) return
    candidate.isEnded = true
    grace?.cancel()
    for (const call of openTools.values()) call.leaveUnfinished()
    openTools.clear()
    if (outcome === 'completed' && lastCallFailed) outcome = 'failed'
    span.setAttributes({
      ...extra,
      // What the app says goes before what was found.
      ...(candidate.conversationId === undefined
        ? {}
        : { 'gen_ai.conversation.id': candidate.conversationId }),
      'turnlog.turn.outcome': outcome,
    } satisfies { [Name in AttributeName]?: string | number | boolean })
    if (outcome === 'failed') {
      if (failure !== undefined)
        span.setAttribute('error.type' satisfies AttributeName, failure.type)
      span.setStatus({
        code: SpanStatusCode.ERROR,
        ...(failure === undefined ? {} : { message: failure.message }),
      })
    }
    span.end(Math.max(quietSince, facts.startedAt))
    facts.onEnd?.()
  }

  // Plain members: an object with getters of its own has a shape of its own, and servers have many requests.
  const candidate = {
    /** The turn's span, once the candidate is a turn. */
    span: undefined as Span | undefined,
    isEnded: false as boolean,
    /** The app has said itself that it is a turn. */
    isTold: false as boolean,
    /** As the app has said it. */
    conversationId: undefined as string | undefined,
    openTools,
    /** Files that were created in this turn and still are where they were, by absolute path. */
    createdFiles: new Set<string>(),
    promote,
    hold,
    release,
    /** A piece of the request's body or the message, not copied: it is written when the candidate becomes a turn. */
    request(piece: string | Uint8Array): void {
      requestBytes += piece.length
      if (requestBytes > requestBytesMax) {
        requestPieces = []
        return
      }
      const { span, isEnded } = candidate
      if (span === undefined) requestPieces.push(piece)
      else if (!isEnded) recorder.content(span, 'turn.request', piece)
    },
    /** A JSON answer of the app, in which the sealer looks for a conversation id. */
    response(piece: string | Uint8Array): void {
      const { span, isEnded } = candidate
      if (span !== undefined && !isEnded) recorder.content(span, 'turn.response', piece)
    },
    /** The app says that it is a turn, and what of it. */
    tell(told: ToldTurn): Span {
      candidate.isTold = true
      const isKnown = candidate.span !== undefined
      agent = told.agent ?? agent
      candidate.conversationId ??= told.conversationId
      const span = promote()
      if (told.prompt !== undefined) recorder.content(span, 'turn.prompt', told.prompt)
      if (isKnown) describeAgain(span)
      return span
    },
    /** The conversation, where the app says it late. */
    tellConversation(id: string): void {
      candidate.conversationId = id
      const { span, isEnded } = candidate
      if (span !== undefined && !isEnded) describeAgain(span)
    },
    /** The final answer, as the app says it: whatever has failed before, it has coped with. */
    answer(text: string): void {
      const { span, isEnded } = candidate
      if (span === undefined || isEnded) return
      lastCallFailed = false
      recorder.content(span, 'turn.answer', text)
    },
    /** The app says why the turn failed. */
    fail(given: TurnFailure): void {
      if (outcome !== 'completed') return
      failure = given
      outcome = 'failed'
    },
    /** The app says that the turn is over: what still holds it is waited for, nothing else is. */
    finish(): void {
      isOver = true
      endIsKnown = true
    },
    /** The ids of the turns its model calls count for, its own first. */
    turnIds(): string[] {
      const { span } = candidate
      const own = span === undefined ? [] : [span.spanContext().spanId]
      return [...own, ...(facts.within?.candidate.turnIds() ?? [])]
    },
    /** What else is to be said of the turn when it ends. */
    describe(attributes: { [Name in AttributeName]?: string | number | boolean }): void {
      Object.assign(extra, attributes)
    },
    /** A model call of the turn ended; the last one tells whether the turn failed. */
    callEnded(isFailed: boolean): void {
      lastCallFailed = isFailed
    },
    /** Work that nothing tells the end of: `look` says whether it goes on. */
    lookAt(look: () => boolean): void {
      isAtWork.push(look)
    },
    /** The client left, or the app failed: the work that goes on is waited for, no new work is. */
    conclude(how: 'aborted' | 'failed' | 'completed'): void {
      const isDone = holds === 0 && openTools.size === 0 && !isAtWork.some((look) => look())
      endIsKnown = true
      // A client that leaves after its answer has aborted nothing.
      const isAbortOfNothing = how === 'aborted' && isDone
      if (how !== 'completed' && outcome === 'completed' && !isAbortOfNothing) outcome = how
      if (holds === 0) settle()
    },
    /** A tool call was answered. */
    toolEnded(id: string): void {
      openTools.delete(id)
      if (holds === 0) {
        quietSince = now()
        settle()
      }
    },
  }
  return candidate

  function describeAgain(span: Span): void {
    describeTurnSpan(span, { agent, conversationId: candidate.conversationId })
    recorder.startAgain(span)
  }
}
