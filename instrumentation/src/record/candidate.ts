/**
 * Turns are found, not configured. Handling one HTTP request or one WebSocket message is a *candidate*. It becomes a
 * turn, with the candidate's start time, when a model call begins inside it, or when the app declares it (`turn()`).
 * What the app declares takes precedence over what is found. How a turn ends is in `turn.ts`.
 *
 * A request may continue an earlier turn that waits for a person. Its candidate then becomes no turn: all calls are
 * passed on to the turn that it continues. A candidate is *decided* when it is known whether it is a turn of its own or
 * continues one: when its first model call has been sent, since only then are the results of tools known that it brings.
 * A candidate that the app declares is decided at once.
 *
 * What happens before that, such as file operations, waits (`whenTurn`). A candidate that never becomes a turn records
 * nothing.
 */
import type { Span, SpanContext } from '@opentelemetry/api'
import { quietly } from '../health.ts'
import type { CandidateFacts } from './candidate-facts.ts'
import {
  type ConversationPlace,
  type NamedConversation,
  namedConversation,
} from './conversation-places.ts'
import { startInTrace } from './next-trace.ts'
import type { OpenCandidates } from './open-candidates.ts'
import { RequestBody } from './request-body.ts'
import type { ToolCall } from './tool-call.ts'
import { type ApiTurn, type EndedCall, Turn, type TurnDependencies } from './turn.ts'
import { linkToPreviousTurn } from './turn-links.ts'
import type { ProcessExit, TurnFailure } from './turn-result.ts'
import type { TurnAttributes } from './turn-span.ts'
import { unreadAnswers } from './unread-answers.ts'

/** A request's body is kept until it is known whether it belongs to a turn. The prompt of a larger one is not recorded. */
const requestBytesMax = 16 * 1024 ** 2
/** Enough of an answer to know it again, and for small answers all of it. */
const sentLengthMax = 1024 ** 2
/** A request is read for a person's approval up to this size. */
const readBytesMax = 64 * 1024
/** How long the files of a request that is over are kept, for a late turn. */
const lateTurnMs = 10_000
/** A longer address is not searched for a conversation. */
const urlLengthMax = 8 * 1024
/** Once the work is over and is no turn yet, only a body up to this size is kept, for a late turn. */
const idleRequestBytesMax = 64 * 1024

interface CandidateDependencies extends TurnDependencies {
  readonly approvals: ApprovalReader
  readonly open: OpenCandidates
  /** The trace of a library's span that has begun in the candidate and is open. */
  readonly earlyTraceId?: ((turn: Candidate) => string | undefined) | undefined
  readonly conversationPlaces: readonly ConversationPlace[]
  /** Called when a candidate becomes a turn. */
  readonly onTurn?: ((turn: Candidate) => void) | undefined
}

/** Reads what a person has decided about tool calls, while the request is known. */
export interface ApprovalReader {
  /** Called when a candidate turns out to continue a turn with these open calls. */
  continued(candidate: Candidate, calls: readonly ToolCall[]): void
  /** Called when the work on a candidate is over and no turn has begun. The candidate may turn out to continue one. */
  read(candidate: Candidate): void
}

/** Where a request names its conversation, beside its body. */
export interface ConversationAddress extends NamedConversation {
  readonly url: string | undefined
}

/** Makes candidates for the observers of requests, messages and declared turns. */
export interface CandidateSource {
  readonly openCandidate: (facts: CandidateFacts) => Candidate
  /** Milliseconds since 1970. */
  readonly now: () => number
}

/** One is made for every request of a server: a class, so that all have one shape and share their functions. */
export class Candidate {
  readonly #facts: CandidateFacts
  readonly #dependencies: CandidateDependencies
  /** Its own, or the earlier one that it continues. */
  #turn: Turn
  readonly #body = new RequestBody()
  /** Operations that belong to the turn, if there will be one. */
  readonly #waiting: { readonly onTurn: () => void; readonly onNone: () => void }[] = []
  #forgetting: { cancel(): void } | undefined
  #isDecided: boolean = false

  #sentLength = 0
  #isResponseOver: boolean = false
  /** Turns that the code in its context works for as well. */
  readonly #others = new Set<Candidate>()

  #hasAnswered: boolean = false
  /** The only tool call that its request approves. */
  approvedCallId: string | undefined

  constructor(facts: CandidateFacts, dependencies: CandidateDependencies) {
    this.#facts = facts
    this.#dependencies = dependencies
    this.#turn = new Turn(this, facts, dependencies)
  }

  /** The candidate whose turn this is: itself, or the earlier one whose turn it continues. */
  get turn(): Candidate {
    return this.#turn.candidate
  }

  /** The turn's span, once the candidate is a turn. */
  get span(): Span | undefined {
    return this.#turn.span
  }

  get isEnded(): boolean {
    return this.#turn.isEnded
  }

  /** The app has declared that it is a turn. */
  get isDeclared(): boolean {
    return this.#turn.isDeclared
  }

  /** No server and no declaration shows where it begins. */
  get isInferred(): boolean {
    return this.#facts.isInferred === true
  }

  /** The conversation that the app has declared. */
  get conversationId(): string | undefined {
    return this.#turn.conversationId
  }

  /** The body of its last model call whose answer asked for tools, while it is open and unless it is long. */
  get modelRequest(): Uint8Array | undefined {
    unreadAnswers.readAll()
    return this.#turn.modelRequest
  }

  set modelRequest(body: Uint8Array | undefined) {
    this.#turn.modelRequest = body
  }

  /** Tool calls that have begun and whose results the model has not been sent. */
  get openTools(): Map<string, ToolCall> {
    return this.#turn.openTools
  }

  /** Files that were created in this turn and not moved since, by absolute path. */
  get createdFiles(): Set<string> {
    return this.#turn.createdFiles
  }

  /** Something works on the turn. */
  get isHeld(): boolean {
    return this.#turn.isHeld
  }

  /** The turn's last model call has failed. */
  get hasFailedLast(): boolean {
    return this.#turn.hasFailedLast
  }

  /** Nothing works on the turn: its answer asked for tool calls, and nobody has run them yet. */
  get isUnanswered(): boolean {
    return this.#turn.isUnanswered
  }

  /** Milliseconds since 1970. */
  get startedAt(): number {
    return this.#facts.startedAt
  }

  /** The path of its request. */
  get path(): string | undefined {
    return this.#facts.path
  }

  /** The content type of its request. */
  get contentType(): string | undefined {
    return this.#facts.contentType
  }

  /** Where its request names the conversation, beside its body. */
  get address(): ConversationAddress {
    const { url } = this.#facts
    const named = namedConversation(this.#dependencies.conversationPlaces, this.#facts)
    return { url: (url?.length ?? 0) > urlLengthMax ? undefined : url, ...named }
  }

  /** How much works on it. */
  get holds(): number {
    return this.#turn.holds
  }

  /** Nothing works on it since `at`, in milliseconds since 1970, although it is held; `undefined`: something does. */
  idleSince(at: number | undefined): void {
    this.#turn.idleSince(at)
  }

  /** Calls back right before the turn ends. */
  beforeEnd(step: () => void): void {
    this.#turn.beforeEnd(step)
  }

  /** Its request or message, while the turn is open; `undefined` when it is too long to be read. */
  get requestText(): string | undefined {
    return this.#body.textUpTo(readBytesMax)
  }

  /** It is a turn, and it is known whether it is one of its own or continues an earlier one. */
  get isDecided(): boolean {
    return this.#isDecided
  }

  /** It is a turn of its own, unless it continues one. */
  decide(): void {
    if (this.#isDecided || this.span === undefined) return
    this.#isDecided = true
    this.#body.keepUpTo(readBytesMax)
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
    const own = this.#turn
    this.#turn = earlier.#turn
    own.continueAs(this.#turn)
    this.decide()
    this.#turn.settle()
  }

  /** The app's response has ended, and a model had answered: model calls that begin later are not for it. */
  get hasAnswered(): boolean {
    return this.#hasAnswered
  }

  /**
   * The turns that the code in this request's context may work for: its own, and others whose model calls were made in it, as a
   * queue does that runs the work of several users in the context of the one who woke it.
   */
  get workedFor(): readonly Candidate[] {
    if (this.#others.size === 0) return [this.turn]
    return [this.turn, ...this.#others].filter(({ isEnded }) => !isEnded)
  }

  /** A model call of the turn was made in this request's context; `undefined`: of a turn that is not known. */
  worksFor(turn: Candidate | undefined): void {
    if (turn === this.turn) return
    for (const other of this.#others) if (other.isEnded) this.#others.delete(other)
    if (turn !== undefined) this.#others.add(turn)
  }

  /** The app's response has ended. Without an answer so far the app may go on to work on the turn. */
  responseEnded(): void {
    this.#isResponseOver = true
    this.#hasAnswered = this.#turn.wasAnswered && this.openTools.size === 0
  }

  /** Links the turn to the one that it goes on from. */
  link(context: SpanContext): void {
    const { span } = this
    if (span?.spanContext().spanId !== context.spanId) span?.addLink(linkToPreviousTurn(context))
  }

  /** Calls back when it is decided which turn it is, or when it is clear that it is none. */
  whenTurn(onTurn: () => void, onNone: () => void): void {
    this.#waiting.push({ onTurn, onNone })
    if (!this.#turn.isHeld) this.#forgetLater()
  }

  /** Calls back when the turn has ended; at once, if it has. */
  whenEnded(step: () => void): void {
    this.#turn.whenEnded(step)
  }

  /** A model call begins: the candidate is a turn from now on. */
  promote(): Span {
    if (this.span !== undefined) return this.span
    const { recorder } = this.#dependencies
    const span = startInTrace(this.#dependencies.earlyTraceId?.(this), () => this.#turn.start())
    recorder.note(span, { contentType: this.#facts.contentType, address: this.address })
    for (const piece of this.#body.pieces) recorder.content(span, 'turn.request', piece)
    this.#facts.onTurn?.()
    this.#dependencies.onTurn?.(this)
    return span
  }

  /** The app declares that it is a turn. */
  declare({ prompt, conversationId, agent }: ApiTurn): Span {
    const isKnown = this.span !== undefined
    this.#turn.declare({ agent, conversationId })
    const span = this.promote()
    this.decide()
    if (prompt !== undefined) this.#turn.content('turn.prompt', prompt)
    if (isKnown) this.#turn.rename(span)
    return span
  }

  /** Work on it begins; each `hold` is followed by one `release`. */
  hold(): void {
    this.#turn.hold()
    this.#dependencies.open.add(this)
  }

  release(): void {
    this.#turn.release()
    if (this.#turn.isHeld) return
    if (this.span === undefined) {
      this.#dependencies.open.remove(this)
      this.#workIsOver()
    }
    this.#turn.settle()
  }

  /** A piece of the request's body or the message. It is not copied, and written when the candidate becomes a turn. */
  request(piece: string | Uint8Array): void {
    if (this.turn !== this) return
    this.#body.add(piece)
    this.#body.keepUpTo(this.#isDecided ? readBytesMax : requestBytesMax)
    if (this.#body.bytes <= requestBytesMax) this.#turn.content('turn.request', piece)
  }

  /** The turn has ended: its request is not needed any more. */
  forgetRequest(): void {
    this.#dependencies.open.remove(this)
    this.#body.forget()
  }

  /** A piece of what the app sends to its user. The first `sentLengthMax` are recorded. */
  response(piece: string | Uint8Array): void {
    // An app may write on when its user has left.
    if (this.#isResponseOver || this.#sentLength > sentLengthMax) return
    this.#sentLength += piece.length
    this.#turn.content('turn.response', piece)
  }

  /** The app names the conversation, later than `declare`. */
  setConversation(id: string): void {
    this.#turn.setConversation(id)
  }

  /** What its user wrote, as a later model call shows it. */
  setPrompt(text: string): void {
    this.#turn.content('turn.prompt', text)
  }

  /** What an agent that is a child process gave as its result. */
  agentAnswered(text: string): void {
    this.#turn.content('turn.agent_answer', text)
  }

  /** A header of the app's answer names the conversation. */
  answeredConversation(id: string): void {
    const { span } = this
    if (span !== undefined) this.#dependencies.recorder.note(span, { answeredConversation: id })
  }

  /** The final answer, as the app gives it: the app has coped with whatever failed before. */
  answer(text: string): void {
    this.#turn.answer(text)
  }

  /** The app says why the turn failed. */
  fail(failure: TurnFailure): void {
    this.#turn.fail(failure)
  }

  /** An exception surfaced in it: if it fails, that is why. */
  causedBy(cause: TurnFailure): void {
    this.#turn.causedBy(cause)
  }

  /** The process exits while the turn is open. */
  processExits(exit: ProcessExit): void {
    this.#turn.processExits(exit)
  }

  /** The app declares the end: the turn waits for its holds and for nothing else. */
  finish(): void {
    this.#turn.finish()
  }

  /** The client left, or the app failed or is done: the turn waits for work that goes on, not for new work. */
  conclude(outcome: 'aborted' | 'failed' | 'completed'): void {
    this.#turn.conclude(outcome)
  }

  /** The span ids of the turns that its model calls count for: its own, then those it works for as a sub-agent. */
  turnIds(): string[] {
    return this.#turn.turnIds()
  }

  /** Adds attributes to the turn when it ends. */
  describe(attributes: TurnAttributes): void {
    this.#turn.describe(attributes)
  }

  /** A model call of the turn ended; the last one decides whether the turn failed. */
  callEnded(call: EndedCall): void {
    this.#turn.callEnded(call)
  }

  /** Adds work whose end cannot be observed: `check` says whether it goes on. */
  addWorkCheck(check: () => boolean): void {
    this.#turn.addWorkCheck(check)
  }

  /** The model was sent the result of a tool call. */
  toolEnded(key: string): void {
    this.#turn.toolEnded(key)
  }

  /** The work is over and is no turn, unless the request has approved a tool call of an earlier turn. */
  #workIsOver(): void {
    quietly('read an approval', () => this.#dependencies.approvals.read(this))
    this.#body.keepUpTo(idleRequestBytesMax)
    if (this.span === undefined && this.#waiting.length > 0) this.#forgetLater()
  }

  /** It may become a turn for a while: an app may answer first and call the model then. */
  #forgetLater(): void {
    this.#forgetting?.cancel()
    this.#forgetting = this.#dependencies.after(lateTurnMs, () => {
      for (const { onNone } of this.#waiting.splice(0)) onNone()
    })
  }
}
