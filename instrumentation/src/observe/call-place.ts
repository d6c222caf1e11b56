/**
 * Whose a model call is: the turn that it is made for, the tool call of the turn that it is a part of, and the tool calls whose
 * results it brings. The async context says it first; what the call sends shows it better.
 */
import { type Span, type SpanContext, trace } from '@opentelemetry/api'
import type { AttributeName } from '@turnlog/conventions'
import { viewOf } from '@turnlog/conventions/content/text'
import { isReadable } from '../journal/describe-span.ts'
import { countLater } from '../models/tool-results.ts'
import { Candidate } from '../record/candidate.ts'
import type { WireFacts } from '../record/recorder.ts'
import type { ToolCall } from '../record/tool-call.ts'
import type { InferredCall } from '../record/tool-calls.ts'
import { holdWhileOpen } from '../record/turn-holds.ts'
import type { ExchangeDependencies, ExchangeFacts } from './exchange-facts.ts'
import type { Kept } from './kept-conversations.ts'
import { certain, isWritten, mentionOf } from './mentioned-calls.ts'
import { callAround } from './sub-agent-calls.ts'
import { turnOfCall } from './turn-of-call.ts'
import { chatRequestIn, isRepeated, turnsMeant } from './turns-meant.ts'

/** A result may stand before the id of its call; in a longer one, a refusal is not looked for there. */
const resultBytesMax = 16 * 1024

export interface CallPlaceOptions {
  readonly dependencies: ExchangeDependencies
  readonly facts: ExchangeFacts
  readonly addWire: (facts: WireFacts) => void
  /** It may belong to several turns. */
  readonly isAmbiguous: () => void
}

export class CallPlace {
  readonly #dependencies: ExchangeDependencies
  readonly #facts: ExchangeFacts
  readonly #addWire: (facts: WireFacts) => void
  readonly #isAmbiguous: () => void
  #isLate: boolean
  #candidate: Candidate | undefined
  #spanContext: SpanContext
  #around: ToolCall | undefined
  #kept: Kept | undefined
  #repeatsPrompt: boolean | undefined

  constructor({ dependencies, facts, addWire, isAmbiguous }: CallPlaceOptions) {
    this.#dependencies = dependencies
    this.#facts = facts
    this.#addWire = addWire
    this.#isAmbiguous = isAmbiguous
    const { failed, span } = facts
    this.#candidate = failed === undefined ? facts.candidate : failed.candidate
    this.#spanContext = failed?.spanContext ?? span.spanContext()
    this.#isLate = this.#candidate?.hasAnswered === true
    this.#around = failed?.around
  }

  /** The turn that it is made for. */
  get candidate(): Candidate | undefined {
    return this.#candidate
  }

  /** Where its span is recorded. */
  get spanContext(): SpanContext {
    return this.#spanContext
  }

  /** The tool call of the turn that it is a part of. */
  get around(): ToolCall | undefined {
    return this.#around
  }

  /** What it goes on from, where the server keeps the conversation. */
  get kept(): Kept | undefined {
    return this.#kept
  }

  /** Whether it has the user's words as a text of their own; `undefined`: not known. */
  get repeatsPrompt(): boolean | undefined {
    return this.#repeatsPrompt
  }

  /** It began when the app's response had ended, and is not for it. */
  get isLate(): boolean {
    return this.#isLate
  }

  /** As the record of the exchange has it. */
  get facts(): WireFacts {
    const turns = this.#candidate?.turnIds()
    return {
      ...(this.#isLate ? { isLate: true } : {}),
      ...(this.#around === undefined ? {} : { isInner: true }),
      ...(turns === undefined ? {} : { turns }),
    }
  }

  /**
   * Reads the request's body, or as much of it as was kept. Ends the tool calls whose results it brings. If it is the candidate's first model call, they also show
   * which turn it is part of.
   */
  read(body: Uint8Array, { isWhole }: { readonly isWhole: boolean }): void {
    const { toolCalls, approvals, keptConversations } = this.#dependencies
    const { api, span, number, url } = this.#facts
    if (isWhole) this.#kept = keptConversations.before(api, url, body)
    const found = api.findAnswered(body, toolCalls.openCalls())
    if (isWhole) this.#findTurn(body, found)
    const candidate = this.#candidate
    if (isWhole && candidate !== undefined) {
      const { prompt } = chatRequestIn(candidate.turn)
      this.#repeatsPrompt = isRepeated(prompt, body, { isWholeText: true })
    }
    const meant = this.#meant(found, body)
    if (candidate !== undefined && !candidate.isDecided) this.#decideTurn(candidate, meant, body)
    const answered = certain(meant, candidate, body)
    if (isWhole) this.#findCallAround(body, answered)
    if (isWhole && candidate?.turn.span !== undefined && this.#around === undefined)
      keptConversations.link(candidate, this.#kept?.turn)
    if (answered.length === 0) return
    if (mayRefuse(body.subarray(placeOf(answered, body)))) {
      approvals.answered(
        answered.map(({ call }) => call),
        api.lastResults(body) ?? [],
      )
    }
    for (const [index, { key }] of answered.entries()) {
      toolCalls.finish(key, span, number, countLater(answered, index))
    }
  }

  /** A queue may have run the call in the context of another user's request, and an app without a server has no requests. */
  #findTurn(body: Uint8Array, answered: readonly InferredCall[]): void {
    const { inferredTurns, open, traces } = this.#dependencies
    const { active, api, apiCall, candidate: own, failed, request, span } = this.#facts
    // The results that it brings were brought by its first attempt.
    if (apiCall !== undefined || own?.isDeclared === true || failed !== undefined) return
    const isAlone = !open.hasOthers(own) && (request?.workedFor.length ?? 0) <= 1
    const known = isAlone ? own : turnOfCall({ api, body, answered, own, open })
    const found = known ?? this.#inferTurn(body, answered)
    const turn = found === 'ambiguous' ? undefined : found
    if (request === undefined && known instanceof Candidate) inferredTurns.workOutside(known)
    request?.worksFor(turn)
    if (request === undefined && turn !== undefined) traces.adoptAround(turn, active)
    if (found === this.#candidate && !this.#isBelowAnother(turn)) return
    const { recorder } = this.#dependencies
    if (turn?.span === undefined) this.#beginTurn(turn)
    holdWhileOpen(span, turn)
    this.#candidate = turn
    this.#isLate = turn?.hasAnswered === true
    // The span may be below the library's spans in the turn, and stays there.
    const place = turn?.span?.spanContext()
    const isInTrace = place?.traceId === this.#spanContext.traceId
    if (!isInTrace) this.#spanContext = recorder.move(span, place)
    if (turn === undefined) {
      span.setAttribute('turnlog.turn.ambiguous' satisfies AttributeName, true)
      this.#isAmbiguous()
    }
    this.#addWire({ turns: turn?.turnIds() ?? [], isLate: this.#isLate })
  }

  /** The context's turn is over, and code in it works for another one: the span has begun below the first. */
  #isBelowAnother(turn: Candidate | undefined): boolean {
    const ofContext = this.#facts.request?.turn
    if (turn === undefined || ofContext === undefined || ofContext === turn) return false
    return ofContext.span?.spanContext().traceId === this.#spanContext.traceId
  }

  /** It may be a sub-agent's. A span that a library has below its own spans stays there. */
  #findCallAround(body: Uint8Array, answered: readonly InferredCall[]): void {
    const { active, api, apiCall, failed, span } = this.#facts
    const turn = this.#candidate?.turn
    if (turn?.span === undefined || apiCall !== undefined || failed !== undefined) return
    if (this.#around !== undefined || turn.openTools.size === 0) return
    const calls = answered.map(({ call }) => call)
    this.#around = callAround({ api, body, turn, answered: calls, active })
    if (this.#around === undefined) return
    this.#addWire({ isInner: true })
    const parent = isReadable(span) ? span.parentSpanContext?.spanId : undefined
    if (parent !== turn.span.spanContext().spanId) return
    this.#spanContext = this.#dependencies.recorder.move(span, this.#around.span.spanContext())
  }

  /** The call does not begin before the turn. */
  #beginTurn(turn: Candidate | undefined): void {
    const { at, isOwn, span } = this.#facts
    turn?.promote()
    if (turn !== undefined && isOwn)
      this.#dependencies.recorder.startAgain(span, startOf(span) ?? at)
  }

  #inferTurn(body: Uint8Array, answered: readonly InferredCall[]) {
    const { active, api, at, isOwn, request, span } = this.#facts
    if (request !== undefined) return undefined
    // A span of the app that is below another one is part of what a library records, and that may be part of a turn.
    const { inferredTurns, traces } = this.#dependencies
    const isInTurn = traces.hasFreeRoot(active) || traces.requestOf(active) !== undefined
    if (!isOwn && hasParent(span) && !isInTurn) return undefined
    const around = isOwn ? trace.getSpan(active) : undefined
    const before = this.#kept?.turn?.turn
    const call = { api, body, answered, before, startedAt: startOf(span) ?? at, around }
    return inferredTurns.turnOf(call)
  }

  /**
   * If several calls have the same id, or the same name and the request gives no id, returns those of its own turn; if
   * there are none, those of turns that the request can be about.
   */
  #meant(found: readonly InferredCall[], body: Uint8Array): InferredCall[] {
    const { apiCall, api } = this.#facts
    const candidate = this.#candidate
    const isOwn = ({ owner }: InferredCall): boolean =>
      owner !== undefined && (owner === apiCall || owner === candidate?.turn)
    const own = new Set(found.filter(isOwn).map((entry) => mentionOf(entry, body)))
    const possible = found.filter((entry) => isOwn(entry) || !own.has(mentionOf(entry, body)))
    const others = new Set(
      possible.flatMap((entry) =>
        !isOwn(entry) && entry.owner instanceof Candidate ? [entry.owner] : [],
      ),
    )
    const meant = turnsMeant({ candidate, api, body }, [...others])
    return possible.filter(
      (entry) => isOwn(entry) || !(entry.owner instanceof Candidate) || meant.includes(entry.owner),
    )
  }

  #decideTurn(candidate: Candidate, answered: readonly InferredCall[], body: Uint8Array): void {
    const { recorder, waitingTurns, approvals } = this.#dependencies
    const { api, span } = this.#facts
    const earlier = new Set(
      answered.flatMap(({ owner }) => (owner instanceof Candidate ? [owner] : [])),
    )
    const [only, ...others] = [...earlier].filter((turn) => candidate.canContinue(turn))
    const isContinued =
      only !== undefined &&
      others.length === 0 &&
      api.lastResults(body) !== undefined &&
      approvals.isFor(candidate, only, body)
    if (isContinued) candidate.continueTurn(only)
    else approvals.read(candidate)
    if (candidate.turn !== candidate) {
      // What was recorded of the call so far names the candidate's own turn, which does not exist any more.
      recorder.startAgain(span)
      this.#addWire({ turns: candidate.turnIds() })
      return
    }
    candidate.decide()
    // A name alone does not say which of many earlier turns is meant.
    const ended = api
      .findAnswered(body, waitingTurns.endedCalls)
      .flatMap(({ id, turn }) => (isWritten(id, body) ? [turn] : []))
    const open = certain(answered, candidate, body).flatMap(({ owner }) =>
      owner instanceof Candidate ? (owner.span?.spanContext() ?? []) : [],
    )
    for (const context of new Set([...ended, ...open])) candidate.link(context)
  }
}

function hasParent(span: Span): boolean {
  return isReadable(span) && span.parentSpanContext !== undefined
}

/** Milliseconds since 1970. */
function startOf(span: Span): number | undefined {
  if (!isReadable(span)) return undefined
  const [seconds, nanos] = span.startTime
  return seconds * 1_000 + nanos / 1e6
}

/** Where the results of these calls begin, at the latest: beside the ids or after them. */
function placeOf(calls: readonly InferredCall[], body: Uint8Array): number {
  const bytes = viewOf(body)
  const places = calls.map(({ id }) => (id === undefined ? 0 : bytes.indexOf(JSON.stringify(id))))
  return Math.max(0, Math.min(...places) - resultBytesMax)
}

/** Whether the body may hold the text of a refusal; most bodies do not, and need not be parsed for it. */
function mayRefuse(body: Uint8Array): boolean {
  const bytes = viewOf(body)
  return refusalMarks.some((mark) => bytes.includes(mark))
}

const refusalMarks = ['rejected', 'denied', 'declined', 'does not want', 'doesn'].flatMap(
  (words) => [`ser ${words}`, `ser has ${words}`],
)
