/**
 * What is known of a turn while it is open, and when it ends. Each candidate has one from its start (`candidate.ts`).
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
 * declared it: it is recorded so far, and a later request can continue it (`waiting-turns.ts`).
 *
 * When the process exits, turns that only wait for more to come end too, and held ones fail. After a kill they are closed as
 * abandoned later.
 */
import { ROOT_CONTEXT, type Span, trace } from '@opentelemetry/api'
import { defined } from '@turnlog/conventions/plain'
import type { TurnOptions } from '../api.ts'
import type { Candidate } from './candidate.ts'
import type { CandidateFacts } from './candidate-facts.ts'
import type { After } from './delayed-ends.ts'
import type { ContentSlot, Recorder } from './recorder.ts'
import type { ToolCall } from './tool-call.ts'
import { type ProcessExit, type TurnFailure, TurnResult } from './turn-result.ts'
import { renameTurnSpan, startTurnSpan, type TurnAttributes, type TurnNames } from './turn-span.ts'
import { unreadAnswers } from './unread-answers.ts'
import type { WaitingTurns } from './waiting-turns.ts'

const waitMs = 2_000
const openToolWaitMs = 10 * 60_000

export interface TurnDependencies {
  readonly recorder: Recorder
  readonly agent: string
  readonly now: () => number
  /** Calls back later, or never when the process exits before. */
  readonly after: After
  /** Calls back later, or at the exit of the process. */
  readonly delayedEnd: After
  readonly waitingTurns: WaitingTurns
  /** Called when a turn waits for a person. */
  readonly onWait?: ((turn: Candidate) => void) | undefined
}

/** A turn as the app declares it. */
export type ApiTurn = { readonly [Name in keyof TurnOptions]?: string | undefined }

/** A model call of a turn that has ended, or the work of an agent that is a child process. */
export interface EndedCall {
  readonly isFailed: boolean
  /** It has failed because the app has stopped it. */
  readonly isAborted: boolean
  /** Why it has failed, if no record of the call tells of that. */
  readonly cause?: TurnFailure | undefined
  /** Whether its request has the user's words as a text of their own; `undefined`: not known. */
  readonly repeatsPrompt: boolean | undefined
}

export class Turn {
  /** The candidate that it began as. */
  readonly candidate: Candidate
  readonly #facts: CandidateFacts
  readonly #dependencies: TurnDependencies
  #agent: string
  #endIsKnown: boolean
  /** The app has declared the end: nothing more is waited for. */
  #isOver = false
  #holds = 0
  #wasReleased = false
  #releasedAt: number
  #idleSince: number | undefined
  readonly #result = new TurnResult()
  #delay: { cancel(): void } | undefined
  readonly #endSteps: (() => void)[] = []
  readonly #lastSteps: (() => void)[] = []
  /** Say whether work goes on whose end cannot be observed. */
  readonly #workChecks: (() => boolean)[] = []
  #attributes: TurnAttributes | undefined
  #span: Span | undefined
  #isEnded: boolean = false
  #wasAnswered: boolean = false
  /** A call that repeats the user's words has succeeded. */
  #promptWasAnswered: boolean = false
  #isWaiting: boolean = false
  #doneAt: number | undefined
  #isDeclared: boolean = false
  #conversationId: string | undefined
  readonly #openTools = new Map<string, ToolCall>()
  readonly createdFiles: Set<string> = new Set()
  modelRequest: Uint8Array | undefined

  constructor(candidate: Candidate, facts: CandidateFacts, dependencies: TurnDependencies) {
    this.candidate = candidate
    this.#facts = facts
    this.#dependencies = dependencies
    this.#agent = dependencies.agent
    this.#endIsKnown = facts.endIsKnown
    this.#releasedAt = facts.startedAt
  }

  get span(): Span | undefined {
    return this.#span
  }

  get openTools(): Map<string, ToolCall> {
    unreadAnswers.readAll()
    return this.#openTools
  }

  get isEnded(): boolean {
    return this.#isEnded
  }

  get isDeclared(): boolean {
    return this.#isDeclared
  }

  get conversationId(): string | undefined {
    return this.#conversationId
  }

  /** Something works on it. */
  get isHeld(): boolean {
    return this.#holds > 0
  }

  get holds(): number {
    return this.#holds
  }

  idleSince(at: number | undefined): void {
    this.#idleSince = at
  }

  beforeEnd(step: () => void): void {
    this.#lastSteps.push(step)
  }

  get isUnanswered(): boolean {
    return this.#span !== undefined && !this.#isEnded && this.#holds === 0 && this.#awaitsResults()
  }

  start(): Span {
    this.#span = startTurnSpan(this.#dependencies.recorder.tracer, this.#facts, this.#names())
    return this.#span
  }

  /** What was recorded of it, what works on it, and what waits for its end belong to the turn `earlier` from now on. */
  continueAs(earlier: Turn): void {
    const [from, to] = [this.#span, earlier.#span]
    this.#cancelDelay()
    this.#span = undefined
    if (from !== undefined && to !== undefined) this.#dependencies.recorder.merge(from, to)
    earlier.#resume(this.#facts, this.#holds)
    earlier.#endSteps.push(...this.#endSteps.splice(0))
    earlier.#lastSteps.push(...this.#lastSteps.splice(0))
  }

  whenEnded(step: () => void): void {
    if (this.#isEnded) step()
    else this.#endSteps.push(step)
  }

  /** The app declares it, before or after it is known to be a turn. */
  declare({ agent, conversationId }: Omit<ApiTurn, 'prompt'>): void {
    this.#isDeclared = true
    this.#agent = agent ?? this.#agent
    this.#conversationId ??= conversationId
  }

  rename(span: Span): void {
    renameTurnSpan(span, this.#names())
    this.#dependencies.recorder.startAgain(span)
  }

  /** Work on it begins; each `hold` is followed by one `release`. */
  hold(): void {
    this.#stopWaiting()
    this.#noteDone(undefined)
    // The work goes on after its known end: the app has answered first and works now.
    if (this.#holds === 0 && this.#wasReleased) this.#endIsKnown = false
    this.#holds += 1
    this.#idleSince = undefined
    this.#cancelDelay()
  }

  release(): void {
    this.#holds -= 1
    if (this.#holds > 0) return
    this.#releasedAt = this.#idleSince ?? this.#dependencies.now()
    this.#idleSince = undefined
    this.#wasReleased = true
  }

  /** The app names the conversation, later than `declare`. */
  setConversation(id: string): void {
    this.#conversationId = id
    if (this.#span !== undefined && !this.#isEnded) this.rename(this.#span)
  }

  /** The final answer, as the app gives it: the app has coped with whatever failed before. */
  answer(text: string): void {
    this.#result.callEnded(false)
    this.content('turn.answer', text)
  }

  /** The app says why the turn failed. */
  fail(failure: TurnFailure): void {
    this.#result.fail(failure)
  }

  /** An exception surfaced in it: if it fails, that is why. */
  causedBy(cause: TurnFailure): void {
    this.#result.causedBy(cause)
  }

  /** The app declares the end: the turn waits for its holds and for nothing else. */
  finish(): void {
    this.#isOver = true
    this.#endIsKnown = true
  }

  /**
   * The process exits. A turn that something works on has failed, or is aborted if a signal has come meanwhile; one that waits for a
   * person is as it was left, and one that waits for more to come ends as it is. Without a server the process is the work, so its exit
   * code decides: 0 means that the agent is done, perhaps with the call of a tool whose result no model needs; or that its user has left
   * while a model answers.
   */
  processExits({ code, signal, failure }: ProcessExit): void {
    if (this.#span === undefined || this.#isEnded || this.#isWaiting) return
    const { isInferred = false, startedAt } = this.#facts
    const stopped = (signal?.at ?? startedAt) < startedAt ? undefined : signal
    const isIdle = this.#holds === 0
    const isFailure = code !== 0 && stopped === undefined
    if (isIdle && this.openTools.size === 0 && !(isFailure && isInferred)) return
    if (stopped !== undefined) this.describe({ 'turnlog.process.signal': stopped.name })
    if (stopped !== undefined || (isInferred && code === 0 && !isIdle))
      this.#result.conclude('aborted')
    else if (code !== 0 || !isIdle) this.#result.failWithProcess(failure)
    this.describe({ 'process.exit.code': code })
    this.#releasedAt = this.#dependencies.now()
    this.#end()
  }

  /** The span ids of the turns that its model calls count for: its own, then those it works for as a sub-agent. */
  turnIds(): string[] {
    const own = this.span === undefined ? [] : [this.span.spanContext().spanId]
    return [...own, ...(this.#facts.within?.candidate?.turnIds() ?? [])]
  }

  content(slot: ContentSlot, piece: string | Uint8Array): void {
    if (this.span === undefined || this.#isEnded) return
    this.#dependencies.recorder.content(this.span, slot, piece)
  }

  /** Adds attributes to the turn when it ends. */
  describe(attributes: TurnAttributes): void {
    this.#attributes = { ...this.#attributes, ...attributes }
  }

  /** A model call of the turn ended; the last one decides whether the turn failed. */
  callEnded({ isFailed, isAborted, cause, repeatsPrompt }: EndedCall): void {
    // An app asks for titles and summaries, too: they do not decide how the turn ends.
    if (isFailed && repeatsPrompt === false && this.#promptWasAnswered) return
    this.#result.callEnded(isFailed, { isAborted, cause })
    this.#wasAnswered ||= !isFailed
    this.#promptWasAnswered ||= !isFailed && repeatsPrompt === true
  }

  /** A model call of the turn has succeeded. */
  get wasAnswered(): boolean {
    return this.#wasAnswered
  }

  /** Its last model call has failed. */
  get hasFailedLast(): boolean {
    return this.#result.hasFailedLast
  }

  /** Adds work whose end cannot be observed: `check` says whether it goes on. */
  addWorkCheck(check: () => boolean): void {
    this.#workChecks.push(check)
  }

  /** The client left, or the app failed or is done: the turn waits for work that goes on, not for new work. */
  conclude(outcome: 'aborted' | 'failed' | 'completed'): void {
    // A client that leaves while a person is asked has aborted nothing.
    if (this.#isWaiting) return
    const isIdle = this.#holds === 0 && this.openTools.size === 0 && !this.#isStillWorking()
    this.#endIsKnown = true
    // A client that leaves after its answer has aborted nothing.
    const isAbortOfNothing = outcome === 'aborted' && isIdle
    if (outcome !== 'completed' && !isAbortOfNothing) this.#result.conclude(outcome)
    if (this.#holds === 0) this.settle()
  }

  /** The model was sent the result of a tool call. */
  toolEnded(key: string): void {
    this.openTools.delete(key)
    if (this.#holds > 0) return
    if (!this.#isWaiting) this.#releasedAt = this.#dependencies.now()
    else if (this.#awaitsResults()) return
    this.#stopWaiting()
    this.settle()
  }

  /** Nothing holds the turn: it ends now, or later if nothing else begins. */
  settle(): void {
    if (this.span === undefined || this.#isEnded || this.#holds > 0 || this.#isWaiting) return
    this.#cancelDelay()
    const hasOpenTools = this.openTools.size > 0 && !this.#isOver
    if (this.#endIsKnown && !hasOpenTools) {
      this.#end()
      return
    }
    if (!hasOpenTools) this.#noteDone(this.#endedAt())
    const isLong = hasOpenTools && !this.#endIsKnown && this.#workChecks.length === 0
    const { after, delayedEnd } = this.#dependencies
    const delay = hasOpenTools ? after : delayedEnd
    this.#delay = delay(isLong ? openToolWaitMs : waitMs, () => {
      if (!this.#endIsKnown && this.#isStillWorking()) this.settle()
      else if (!this.#result.isFailed && this.#awaitsResults()) this.#wait()
      else this.#end()
    })
  }

  /**
   * Without a server a thread may be stopped, or the process killed, as soon as the answer is there: the turn is over then, unless
   * more of it has begun. `at`: when it was.
   */
  #noteDone(at: number | undefined): void {
    const { span } = this
    if (this.#facts.isInferred !== true || span === undefined || at === this.#doneAt) return
    if (at !== undefined && this.#result.hasFailedLast) return
    this.#doneAt = at
    this.#dependencies.recorder.note(span, { doneAt: at })
    this.#dependencies.recorder.startAgain(span)
  }

  /** Whether its answer asked for tool calls whose results the app may still bring. */
  #awaitsResults(): boolean {
    if (this.#isDeclared || this.#facts.within !== undefined) return false
    return [...this.openTools.values()].some(({ isAwaited }) => isAwaited)
  }

  /** The turn is recorded so far, and waits to be continued. */
  #wait(): void {
    const { span } = this
    if (span === undefined) return
    const { recorder, waitingTurns } = this.#dependencies
    const at = this.#endedAt()
    this.candidate.decide()
    this.#isWaiting = true
    const outcome = this.#result.outcomeSoFar
    span.setAttributes(this.#lastAttributes())
    recorder.interim(span, at, { 'turnlog.waiting': true, 'turnlog.turn.outcome': outcome })
    for (const call of this.openTools.values()) call.recordWaiting(at)
    this.#dependencies.onWait?.(this.candidate)
    waitingTurns.add(this, () => this.#giveUp())
  }

  #stopWaiting(): void {
    if (!this.#isWaiting) return
    this.#isWaiting = false
    this.#dependencies.waitingTurns.remove(this)
  }

  /** No request has continued it. What was recorded of it stays. */
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
    this.#result.reopen()
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
    if (span === undefined || this.#isEnded) return
    this.candidate.decide()
    this.#isEnded = true
    for (const step of this.#lastSteps.splice(0)) step()
    this.#cancelDelay()
    const failedTool = [...this.openTools.values()].findLast(({ failure }) => failure !== undefined)
    if (failedTool?.failure !== undefined) this.#result.endsWith(failedTool.failure)
    this.#forgetOpenTools((call) => call.leaveUnfinished())
    span.setAttributes(this.#lastAttributes())
    this.#result.writeTo(span)
    span.end(this.#endedAt())
    this.#over()
  }

  #over(): void {
    this.candidate.forgetRequest()
    this.modelRequest = undefined
    this.#facts.onEnd?.()
    for (const step of this.#endSteps.splice(0)) step()
  }

  /** What is known of it only when it ends. */
  #lastAttributes(): TurnAttributes {
    return {
      ...this.#attributes,
      // What the app declares takes precedence over what was found.
      ...defined({ 'gen_ai.conversation.id': this.#conversationId }),
    }
  }

  /** When something last worked on it. */
  #endedAt(): number {
    return Math.max(this.#releasedAt, this.#facts.startedAt)
  }

  #cancelDelay(): void {
    this.#delay?.cancel()
    this.#delay = undefined
  }

  #isStillWorking(): boolean {
    return this.#workChecks.some((check) => check())
  }

  #names(): TurnNames {
    return { agent: this.#agent, conversationId: this.#conversationId }
  }
}
