/**
 * Turns are found, not configured. Handling one HTTP request or one WebSocket message is a *candidate*. It becomes a
 * turn, with the candidate's start time, when a model call begins inside it, or when the app declares it (`turn()`).
 * What the app declares takes precedence over what is found.
 *
 * | state     | means                                             | next                                             |
 * | --------- | ------------------------------------------------- | ------------------------------------------------ |
 * | candidate | no span yet                                       | a model call or `turn()`: held, or waiting       |
 * | held      | something works on it: the unfinished response,   | last hold released: waiting, or ended at once    |
 * |           | the listener's promise, a model call              |                                                  |
 * | waiting   | nothing works on it, but more may come            | a hold: held; the delay below passes: ended      |
 * | ended     | its span has ended, at the last release           | a model call is a late child and changes nothing |
 *
 * How long a turn waits, by the first line that applies:
 *
 *   - the app has declared its end (the callback of `turn()` has settled): not at all;
 *   - the end of its work is known (response finished, promise settled, client gone): not at all; with inferred tool
 *     calls open 2 s, for apps that go on after they have answered;
 *   - a message listener returned a promise that other code may handle: until it is settled, checked every 2 s;
 *   - a message listener returned nothing: 2 s; with tool calls open until those are answered, the socket closes, or
 *     10 min have passed.
 *
 * A turn that would end with tool calls open that its answer asked for *waits for a person*, unless it failed or the app
 * declared it: it is recorded so far, and a later request can continue it (`waiting-turns.ts`). That request's candidate
 * becomes no turn: everything said to it is passed on to the turn that it continues. Which of both a candidate is, is
 * *decided* when its first model call has been sent: only then are the results of tools known that it brings. A candidate
 * that the app declares is decided at once.
 *
 * When the process exits, turns that only wait for more to come end too. Held ones are closed as abandoned later.
 */
import {
  type Context,
  isSpanContextValid,
  type Link,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api'
import type { AttributeName, TurnOutcome, TurnTransport } from '@turnlog/conventions'
import { defined } from '@turnlog/conventions/plain'
import type { TurnOptions } from '../api.ts'
import { quietly } from '../health.ts'
import type { After } from './delayed-ends.ts'
import type { ContentSlot, Recorder } from './recorder.ts'
import type { ToolCall } from './tool-call.ts'
import type { WaitingTurns } from './waiting-turns.ts'

const waitMs = 2_000
const openToolWaitMs = 10 * 60_000
/** A request's body is kept until it is known whether it belongs to a turn. The prompt of a larger one is not recorded. */
const requestBytesMax = 16 * 1024 ** 2
/** A request is read for a person's approval up to this size. */
const readBytesMax = 64 * 1024
/** How long the files of a request that is over are kept, for a late turn. */
const lateTurnMs = 10_000
/** Once the work is over and is no turn yet, only a body up to this size is kept, for a late turn. */
const idleRequestBytesMax = 64 * 1024

export interface CandidateFacts {
  /** `undefined`: not known, since the app declares a turn that did not come in on a server. */
  readonly transport?: TurnTransport | undefined
  /** Milliseconds since 1970. */
  readonly startedAt: number
  readonly method?: string | undefined
  readonly path?: string | undefined
  readonly contentType?: string | undefined
  readonly traceparent?: string | undefined
  /** Of a sub-agent: the turn it works in, and the context of its work there. Its span is then a child, not a root. */
  readonly within?: { readonly candidate: Candidate; readonly context: Context } | undefined
  /** Spans it comes from without being part of them. */
  readonly links?: readonly Link[] | undefined
  /** Whether the release of the last hold is the end of the work, or the end must be guessed from silence. */
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
  /** Calls back later, or never when the process exits before. */
  readonly after: After
  /** Calls back later, or at the exit of the process. */
  readonly delayedEnd: After
  readonly waitingTurns: WaitingTurns
  readonly approvals: ApprovalReader
  /** Called when a candidate becomes a turn. */
  readonly onTurn?: ((turn: Candidate) => void) | undefined
  /** Called when a turn waits for a person. */
  readonly onWait?: ((turn: Candidate) => void) | undefined
}

/** Reads what a person has decided about tool calls, while the request is known. */
export interface ApprovalReader {
  /** A candidate turns out to continue a turn with these open calls. */
  continued(candidate: Candidate, calls: readonly ToolCall[]): void
  /** The work on a candidate is over that was no turn. It may turn out to continue one. */
  read(candidate: Candidate): void
}

/** Makes candidates for the observers of requests, messages and declared turns. */
export interface CandidateSource {
  readonly openCandidate: (facts: CandidateFacts) => Candidate
  /** Milliseconds since 1970. */
  readonly now: () => number
}

/** A turn as the app declares it. */
type ApiTurn = { readonly [Name in keyof TurnOptions]?: string | undefined }
/** Why a turn failed: `error.type` and the span's status message. */
type TurnFailure = Readonly<Record<'type' | 'message', string>>

type TurnAttributes = { [Name in AttributeName]?: string | number | boolean }

/** One is made for every request of a server: a class, so that all have one shape and share their functions. */
export class Candidate {
  readonly #facts: CandidateFacts
  readonly #dependencies: TurnDependencies
  #agent: string
  #endIsKnown: boolean
  /** The app has declared the end: nothing more is waited for. */
  #isOver = false
  #holds = 0
  #wasReleased = false
  #releasedAt: number
  #outcome: TurnOutcome = 'completed'
  #failure: TurnFailure | undefined
  #lastCallFailed = false
  #delay: { cancel(): void } | undefined
  #requestPieces: (string | Uint8Array)[] = []
  #requestBytes = 0
  /** Operations that belong to the turn, if there will be one. */
  readonly #waiting: { readonly onTurn: () => void; readonly onNone: () => void }[] = []
  #forgetting: { cancel(): void } | undefined
  readonly #endSteps: (() => void)[] = []
  /** Say whether work goes on whose end cannot be observed. */
  readonly #workChecks: (() => boolean)[] = []
  #attributes: TurnAttributes | undefined
  #span: Span | undefined
  #isEnded: boolean = false
  #isWaiting: boolean = false
  readonly #openTools = new Map<string, ToolCall>()
  readonly #createdFiles = new Set<string>()
  /** The earlier turn that it continues. */
  #earlier: Candidate | undefined
  #isDecided: boolean = false

  /** The app has declared that it is a turn. */
  isDeclared: boolean = false
  /** Its request approves this tool call, and no other. */
  approvedCallId: string | undefined
  /** The body of its last model call whose answer asked for tools, while it is open and unless it is long. */
  modelRequest: Uint8Array | undefined
  /** As the app declared it. */
  conversationId: string | undefined

  constructor(facts: CandidateFacts, dependencies: TurnDependencies) {
    this.#facts = facts
    this.#dependencies = dependencies
    this.#agent = dependencies.agent
    this.#endIsKnown = facts.endIsKnown
    this.#releasedAt = facts.startedAt
  }

  /** The turn that it is: itself, or the earlier one that it continues. */
  get turn(): Candidate {
    return this.#earlier ?? this
  }

  /** The turn's span, once the candidate is a turn. */
  get span(): Span | undefined {
    return this.turn.#span
  }

  get isEnded(): boolean {
    return this.turn.#isEnded
  }

  /** Tool calls that have begun and whose results the model has not been sent. */
  get openTools(): Map<string, ToolCall> {
    return this.turn.#openTools
  }

  /** Files that were created in this turn and not moved since, by absolute path. */
  get createdFiles(): Set<string> {
    return this.turn.#createdFiles
  }

  /** Milliseconds since 1970. */
  get startedAt(): number {
    return this.#facts.startedAt
  }

  /** Of its request. */
  get path(): string | undefined {
    return this.#facts.path
  }

  /** The content type of its request. */
  get contentType(): string | undefined {
    return this.#facts.contentType
  }

  /** Its request or message, while the turn is open; `undefined` when it is too long to be read. */
  get requestText(): string | undefined {
    if (this.#requestBytes > readBytesMax) return undefined
    const pieces = this.#requestPieces.map((piece) => Buffer.from(piece))
    return Buffer.concat(pieces).toString('utf8')
  }

  /** It is a turn, and it is known whether one of its own or an earlier one. */
  get isDecided(): boolean {
    return this.#isDecided
  }

  /** Nothing works on the turn: its answer asked for tool calls, and nobody has run them yet. */
  get isUnanswered(): boolean {
    return this.span !== undefined && !this.#isEnded && this.#holds === 0 && this.#awaitsResults()
  }

  /** It is a turn of its own, unless it continues one. */
  decide(): void {
    if (this.#isDecided || this.span === undefined) return
    this.#isDecided = true
    if (this.#requestBytes > readBytesMax) this.#requestPieces = []
    for (const { onTurn } of this.#waiting.splice(0)) onTurn()
  }

  /** Whether it may still turn out that it continues `earlier`. */
  canContinue(earlier: Candidate): boolean {
    const isOpen = !this.#isDecided && !this.isDeclared && this.#facts.within === undefined
    return isOpen && earlier !== this.turn && earlier.isUnanswered
  }

  /** It brings what the unanswered turn `earlier` waits for, so it is that turn. */
  continueTurn(earlier: Candidate): void {
    quietly('read an approval', () =>
      this.#dependencies.approvals.continued(this, [...earlier.openTools.values()]),
    )
    const [from, to] = [this.#span, earlier.span]
    this.#cancelDelay()
    this.#earlier = earlier
    this.#span = undefined
    if (from !== undefined && to !== undefined) this.#dependencies.recorder.merge(from, to)
    earlier.#resume(this.#facts, this.#holds)
    earlier.#endSteps.push(...this.#endSteps.splice(0))
    this.decide()
    earlier.#settle()
  }

  /** Links the turn to one that it comes from. */
  link(context: SpanContext): void {
    const { span } = this
    if (span?.spanContext().spanId !== context.spanId) span?.addLink({ context })
  }

  /** Calls back when it is decided which turn it is, or when it is clear that it is none. */
  whenTurn(onTurn: () => void, onNone: () => void): void {
    this.#waiting.push({ onTurn, onNone })
    if (this.#holds === 0) this.#forgetLater()
  }

  /** Calls back when the turn has ended. */
  whenEnded(step: () => void): void {
    this.turn.#endSteps.push(step)
  }

  /** A model call begins: the candidate is a turn from now on. */
  promote(): Span {
    if (this.span !== undefined) return this.span
    const { recorder } = this.#dependencies
    const span = this.#startSpan()
    this.#span = span
    recorder.note(span, { contentType: this.#facts.contentType })
    for (const piece of this.#requestPieces) recorder.content(span, 'turn.request', piece)
    this.#facts.onTurn?.()
    this.#dependencies.onTurn?.(this)
    return span
  }

  /** Work on it begins; each `hold` is followed by one `release`. */
  hold(): void {
    if (this.#earlier !== undefined) {
      this.#earlier.hold()
      return
    }
    this.#stopWaiting()
    // The work goes on after its known end: the app has answered first and works now.
    if (this.#holds === 0 && this.#wasReleased) this.#endIsKnown = false
    this.#holds += 1
    this.#cancelDelay()
  }

  release(): void {
    if (this.#earlier !== undefined) {
      this.#earlier.release()
      return
    }
    this.#holds -= 1
    if (this.#holds > 0) return
    this.#releasedAt = this.#dependencies.now()
    this.#wasReleased = true
    if (this.span === undefined) {
      quietly('read an approval', () => this.#dependencies.approvals.read(this))
      if (this.#requestBytes > idleRequestBytesMax) this.#requestPieces = []
    }
    if (this.span === undefined && this.#waiting.length > 0) this.#forgetLater()
    this.#settle()
  }

  /** A piece of the request's body or the message. It is not copied, and written when the candidate becomes a turn. */
  request(piece: string | Uint8Array): void {
    if (this.#earlier !== undefined) return
    this.#requestBytes += piece.length
    if (this.#requestBytes > requestBytesMax) {
      this.#requestPieces = []
      return
    }
    if (!this.#isDecided || this.#requestBytes <= readBytesMax) this.#requestPieces.push(piece)
    else this.#requestPieces = []
    this.#content('turn.request', piece)
  }

  /** A JSON answer of the app, in which the sealer looks for a conversation id. */
  response(piece: string | Uint8Array): void {
    if (this.#earlier !== undefined) {
      this.#earlier.response(piece)
      return
    }
    this.#content('turn.response', piece)
  }

  /** The app declares that it is a turn. */
  declare({ prompt, conversationId, agent }: ApiTurn): Span {
    this.isDeclared = true
    const isKnown = this.span !== undefined
    this.#agent = agent ?? this.#agent
    this.conversationId ??= conversationId
    const span = this.promote()
    this.decide()
    if (prompt !== undefined) this.#content('turn.prompt', prompt)
    if (isKnown) this.#renameSpan(span)
    return span
  }

  /** The app names the conversation, later than `declare`. */
  setConversation(id: string): void {
    if (this.#earlier !== undefined) {
      this.#earlier.setConversation(id)
      return
    }
    this.conversationId = id
    const { span, isEnded } = this
    if (span !== undefined && !isEnded) this.#renameSpan(span)
  }

  /** The final answer, as the app gives it: the app has coped with whatever failed before. */
  answer(text: string): void {
    if (this.#earlier !== undefined) {
      this.#earlier.answer(text)
      return
    }
    this.#lastCallFailed = false
    this.#content('turn.answer', text)
  }

  /** The app says why the turn failed. */
  fail(failure: TurnFailure): void {
    if (this.#earlier !== undefined) {
      this.#earlier.fail(failure)
      return
    }
    if (this.#outcome !== 'completed') return
    this.#failure = failure
    this.#outcome = 'failed'
  }

  /** The app declares the end: the turn waits for its holds and for nothing else. */
  finish(): void {
    this.#isOver = true
    this.#endIsKnown = true
  }

  /** The span ids of the turns that its model calls count for: its own, then those it works for as a sub-agent. */
  turnIds(): string[] {
    if (this.#earlier !== undefined) return this.#earlier.turnIds()
    const own = this.span === undefined ? [] : [this.span.spanContext().spanId]
    return [...own, ...(this.#facts.within?.candidate.turnIds() ?? [])]
  }

  /** Adds attributes to the turn when it ends. */
  describe(attributes: TurnAttributes): void {
    if (this.#earlier !== undefined) {
      this.#earlier.describe(attributes)
      return
    }
    this.#attributes = { ...this.#attributes, ...attributes }
  }

  /** A model call of the turn ended; the last one decides whether the turn failed. */
  callEnded(isFailed: boolean): void {
    if (this.#earlier !== undefined) {
      this.#earlier.callEnded(isFailed)
      return
    }
    this.#lastCallFailed = isFailed
  }

  /** Adds work whose end cannot be observed: `check` says whether it goes on. */
  addWorkCheck(check: () => boolean): void {
    if (this.#earlier !== undefined) {
      this.#earlier.addWorkCheck(check)
      return
    }
    this.#workChecks.push(check)
  }

  /** The client left, or the app failed or is done: the turn waits for work that goes on, not for new work. */
  conclude(outcome: 'aborted' | 'failed' | 'completed'): void {
    if (this.#earlier !== undefined) {
      this.#earlier.conclude(outcome)
      return
    }
    // A client that leaves while a person is asked has aborted nothing.
    if (this.#isWaiting) return
    const isIdle = this.#holds === 0 && this.openTools.size === 0 && !this.#isStillWorking()
    this.#endIsKnown = true
    // A client that leaves after its answer has aborted nothing.
    const isAbortOfNothing = outcome === 'aborted' && isIdle
    if (outcome !== 'completed' && this.#outcome === 'completed' && !isAbortOfNothing) {
      this.#outcome = outcome
    }
    if (this.#holds === 0) this.#settle()
  }

  /** The model was sent the result of a tool call. */
  toolEnded(key: string): void {
    if (this.#earlier !== undefined) {
      this.#earlier.toolEnded(key)
      return
    }
    this.openTools.delete(key)
    if (this.#holds > 0) return
    if (!this.#isWaiting) this.#releasedAt = this.#dependencies.now()
    else if (this.#awaitsResults()) return
    this.#stopWaiting()
    this.#settle()
  }

  /** Nothing holds the turn: it ends now, or later if nothing else begins. */
  #settle(): void {
    if (this.span === undefined || this.isEnded || this.#holds > 0 || this.#isWaiting) return
    this.#cancelDelay()
    const hasOpenTools = this.openTools.size > 0 && !this.#isOver
    if (this.#endIsKnown && !hasOpenTools) {
      this.#end()
      return
    }
    const isLong = hasOpenTools && !this.#endIsKnown && this.#workChecks.length === 0
    const { after, delayedEnd } = this.#dependencies
    const delay = hasOpenTools ? after : delayedEnd
    this.#delay = delay(isLong ? openToolWaitMs : waitMs, () => {
      if (!this.#endIsKnown && this.#isStillWorking()) this.#settle()
      else if (this.#outcome !== 'failed' && this.#awaitsResults()) this.#wait()
      else this.#end()
    })
  }

  /** Whether its answer asked for tool calls whose results the app may still bring. */
  #awaitsResults(): boolean {
    if (this.isDeclared || this.#facts.within !== undefined) return false
    return [...this.openTools.values()].some(({ isAwaited }) => isAwaited)
  }

  /** The turn is recorded so far, and waits to be continued. */
  #wait(): void {
    const { span } = this
    if (span === undefined) return
    const { recorder, waitingTurns } = this.#dependencies
    const at = this.#endedAt()
    this.decide()
    this.#isWaiting = true
    const outcome = this.#outcome === 'completed' ? 'waiting' : this.#outcome
    span.setAttributes(this.#lastAttributes())
    recorder.interim(span, at, { 'turnlog.waiting': true, 'turnlog.turn.outcome': outcome })
    for (const call of this.openTools.values()) call.recordWaiting(at)
    this.#dependencies.onWait?.(this)
    waitingTurns.add(this, () => this.#giveUp())
  }

  #stopWaiting(): void {
    if (!this.#isWaiting) return
    this.#isWaiting = false
    this.#dependencies.waitingTurns.remove(this)
  }

  /** Nobody continued it. What was recorded of it stays. */
  #giveUp(): void {
    const { span } = this
    if (span === undefined || this.#isEnded) return
    this.#isEnded = true
    this.#forgetOpenTools((call) => call.forget())
    this.#dependencies.recorder.discard(span.spanContext().spanId)
    this.#over()
  }

  /** A later request continues it, and brings its holds. */
  #resume({ startedAt, endIsKnown }: CandidateFacts, holds: number): void {
    this.#cancelDelay()
    this.#stopWaiting()
    this.#endIsKnown = endIsKnown
    this.#outcome = 'completed'
    this.#recordWait(startedAt)
    this.#releasedAt = Math.max(this.#releasedAt, startedAt)
    this.#holds += holds
  }

  /** The time in which nobody worked on the turn: it explains the durations of the turn and its tool calls. */
  #recordWait(until: number): void {
    const { span } = this
    const from = this.#endedAt()
    if (span === undefined || until < from) return
    const waited = (until - from) / 1_000
    for (const call of this.openTools.values()) call.addWaited(waited)
    this.#dependencies.recorder.tracer
      .startSpan('wait_for_user', { startTime: from }, trace.setSpan(ROOT_CONTEXT, span))
      .end(until)
  }

  #forgetOpenTools(how: (call: ToolCall) => void): void {
    const { waitingTurns } = this.#dependencies
    const turn = this.span?.spanContext()
    for (const call of this.openTools.values()) {
      how(call)
      if (turn !== undefined && call.id !== undefined) {
        waitingTurns.callEnded({ id: call.id, name: call.name, turn })
      }
    }
    this.openTools.clear()
  }

  #end(): void {
    const { span } = this
    if (span === undefined || this.isEnded) return
    this.decide()
    this.#isEnded = true
    this.#cancelDelay()
    this.#forgetOpenTools((call) => call.leaveUnfinished())
    if (this.#outcome === 'completed' && this.#lastCallFailed) this.#outcome = 'failed'
    span.setAttributes({
      ...this.#lastAttributes(),
      'turnlog.turn.outcome': this.#outcome,
    } satisfies TurnAttributes)
    if (this.#outcome === 'failed') {
      const failure = this.#failure
      if (failure) span.setAttribute('error.type' satisfies AttributeName, failure.type)
      span.setStatus({ code: SpanStatusCode.ERROR, ...defined({ message: failure?.message }) })
    }
    span.end(this.#endedAt())
    this.#over()
  }

  #over(): void {
    this.#requestPieces = []
    this.modelRequest = undefined
    this.#facts.onEnd?.()
    for (const step of this.#endSteps.splice(0)) step()
  }

  /** The work is over, and was no turn. It may become one for a while: an app may answer first and call the model then. */
  #forgetLater(): void {
    this.#forgetting?.cancel()
    this.#forgetting = this.#dependencies.after(lateTurnMs, () => {
      for (const { onNone } of this.#waiting.splice(0)) onNone()
    })
  }

  /** What is known of it only when it ends. */
  #lastAttributes(): TurnAttributes {
    return {
      ...this.#attributes,
      // What the app declares takes precedence over what was found.
      ...defined({ 'gen_ai.conversation.id': this.conversationId }),
    }
  }

  /** When something last worked on it. */
  #endedAt(): number {
    return Math.max(this.#releasedAt, this.#facts.startedAt)
  }

  #content(slot: ContentSlot, piece: string | Uint8Array): void {
    if (this.span === undefined || this.isEnded) return
    this.#dependencies.recorder.content(this.span, slot, piece)
  }

  #cancelDelay(): void {
    this.#delay?.cancel()
    this.#delay = undefined
  }

  #isStillWorking(): boolean {
    return this.#workChecks.some((check) => check())
  }

  #names(): TurnAttributes {
    return defined({
      'gen_ai.agent.name': this.#agent,
      'gen_ai.conversation.id': this.conversationId,
    })
  }

  #startSpan(): Span {
    const { transport, startedAt, path, method, traceparent, within, links = [] } = this.#facts
    return this.#dependencies.recorder.tracer.startSpan(
      `invoke_agent ${this.#agent}`,
      {
        kind: SpanKind.INTERNAL,
        root: within === undefined,
        startTime: startedAt,
        links: [...linkTo(traceparent), ...links],
        attributes: {
          'gen_ai.operation.name': 'invoke_agent',
          ...this.#names(),
          ...defined({
            'turnlog.turn.transport': transport,
            'url.path': path,
            'http.request.method': method,
          }),
        } satisfies TurnAttributes,
      },
      within?.context ?? ROOT_CONTEXT,
    )
  }

  #renameSpan(span: Span): void {
    span.updateName(`invoke_agent ${this.#agent}`)
    span.setAttributes(this.#names())
    this.#dependencies.recorder.startAgain(span)
  }
}

/** W3C Trace Context §3.2. The caller's span is only linked: its sampling flag does not switch recording off. */
function linkTo(traceparent: string | undefined): Link[] {
  const match = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})/.exec(traceparent ?? '')
  const [, traceId, spanId, flags] = match ?? []
  if (traceId === undefined || spanId === undefined || flags === undefined) return []
  const context = { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true }
  return isSpanContextValid(context) ? [{ context }] : []
}
