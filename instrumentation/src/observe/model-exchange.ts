/**
 * One HTTP exchange with a model API, whichever client sends it: the span it belongs to, its raw bytes, the tool calls
 * that its answer asks for and the tool results that its request brings.
 *
 * If the active span is already a model call (the SDK traces itself), the bytes are added to that span, each retry as a
 * further exchange of it; otherwise the exchange opens a span. Never both. An exchange is over once: whichever of
 * `finished` and `failed` comes first.
 */
import {
  type Context,
  type Span,
  type SpanContext,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api'
import type { AttributeName, UnseenReason } from '@turnlog/conventions'
import { viewOf } from '@turnlog/conventions/content/text'
import { defined, errorCode } from '@turnlog/conventions/plain'
import { quietly } from '../health.ts'
import type { AnswerWatcher, ModelApi, ToolCallRequest } from '../models/model-api.ts'
import { countLater } from '../models/tool-results.ts'
import { Candidate } from '../record/candidate.ts'
import type { OpenCandidates } from '../record/open-candidates.ts'
import type { Recorder, WireFacts } from '../record/recorder.ts'
import type { ApiToolCall, ToolCall } from '../record/tool-call.ts'
import type { InferredCall, ToolCalls } from '../record/tool-calls.ts'
import { holdWhileOpen, pauseHold } from '../record/turn-holds.ts'
import type { UnseenWork } from '../record/unseen-work.ts'
import type { WaitingTurns } from '../record/waiting-turns.ts'
import type { WireCalls } from '../record/wire-calls.ts'
import type { Approvals } from './approvals.ts'
import { type BackgroundAnswers, type LateAnswer, recordLateAnswer } from './background-answers.ts'
import { BodyMark } from './body-mark.ts'
import type { Exchange } from './exchange.ts'
import type { InferredTurns } from './inferred-turns.ts'
import type { Kept, KeptConversations } from './kept-conversations.ts'
import { certain, isWritten, mentionOf } from './mentioned-calls.ts'
import { isReadable } from './own-spans.ts'
import {
  type FailedCall,
  isRetried,
  parentIdOf,
  type RetriedCalls,
  retryAfterMs,
} from './retried-calls.ts'
import { isStoppedByApp } from './stopped-requests.ts'
import { callAround } from './sub-agent-calls.ts'
import { turnOfCall } from './turn-of-call.ts'
import type { TurnTraces } from './turn-traces.ts'
import { chatRequestIn, isRepeated, turnsMeant } from './turns-meant.ts'
import { addressOf } from './unknown-exchange.ts'

/** A request body larger than this is not searched for tool results, nor for whose it is. */
const searchedBytesMax = 64 * 1024 ** 2
/** A result may stand before the id of its call; in a longer one, a refusal is not looked for there. */
const resultBytesMax = 16 * 1024
/**
 * A request body up to this size is kept with its turn while the turn waits. If two turns have calls with one id, the
 * bodies show which is meant.
 */
const keptBytesMax = 128 * 1024

export interface ExchangeDependencies {
  readonly recorder: Recorder
  readonly toolCalls: ToolCalls
  readonly waitingTurns: WaitingTurns
  readonly approvals: Approvals
  readonly open: OpenCandidates
  readonly inferredTurns: InferredTurns
  readonly keptConversations: KeptConversations
  readonly backgroundAnswers: BackgroundAnswers
  readonly wireCalls: WireCalls
  readonly traces: Pick<TurnTraces, 'adoptAround' | 'hasFreeRoot'>
  readonly unseen: UnseenWork
  /** A model has sent a part of its answer: tools may run soon. */
  readonly modelAnswers: () => void
  readonly retries: RetriedCalls
  /** Milliseconds since 1970. */
  readonly now: () => number
  /** Milliseconds, monotonic. */
  readonly clock: () => number
}

export interface ExchangeFacts {
  readonly api: ModelApi
  readonly url: string
  /** By `clock`. */
  readonly startedAt: number
  /** The same, in milliseconds since 1970. */
  readonly at: number
  readonly span: Span
  /** Whether the span was opened for this exchange, and ends with it. */
  readonly isOwn: boolean
  /** Counts the exchanges of the span from 1. */
  readonly number: number
  /** The turn in whose context it is made. */
  readonly candidate: Candidate | undefined
  /** The request in whose context it is made. */
  readonly request: Candidate | undefined
  /** The tool call, reported by the app, that it is made in. */
  readonly apiCall: ApiToolCall | undefined
  readonly active: Context
  /** The call of which it is another attempt. */
  readonly failed?: FailedCall | undefined
}

export class ModelExchange implements Exchange {
  readonly #dependencies: ExchangeDependencies
  readonly #facts: ExchangeFacts
  #requestPieces: (string | Uint8Array)[] = []
  /** Knows the request's body again. */
  readonly #mark = new BodyMark()
  #hasBegunTools: boolean = false
  /** A copy of the request's body, unless it is long. */
  #request: Uint8Array | undefined
  #status = 0
  #headers: readonly (readonly [string, string])[] = []
  /** It began when the app's response had ended, and is not for it. */
  #isLate: boolean
  /** The answer has a body. */
  #hasBody: boolean = true
  #watcher: AnswerWatcher | undefined
  #firstChunkAt: number | undefined
  /** The turn that it is made for. */
  #candidate: Candidate | undefined
  /** Where its span is recorded. */
  #spanContext: SpanContext
  /** The tool call of the turn that it is a part of. */
  #around: ToolCall | undefined
  /** What it goes on from, where the server keeps the conversation. */
  #kept: Kept | undefined
  #repeatsPrompt: boolean | undefined
  #forcesTool: boolean = false
  #isOver: boolean = false

  constructor(dependencies: ExchangeDependencies, facts: ExchangeFacts) {
    this.#dependencies = dependencies
    this.#facts = facts
    const { api, failed, span, url } = facts
    const candidate = failed === undefined ? facts.candidate : failed.candidate
    this.#candidate = candidate
    this.#spanContext = failed?.spanContext ?? span.spanContext()
    this.#isLate = candidate?.hasAnswered === true
    this.#around = failed?.around
    const late = this.#isLate ? { isLate: true } : {}
    const inner = this.#around === undefined ? {} : { isInner: true }
    this.#addWire({
      url,
      api: api.name,
      ...late,
      ...inner,
      ...defined({ turns: candidate?.turnIds() }),
    })
  }

  /** A piece of the request's body is sent. */
  sent(chunk: string | Uint8Array): void {
    this.#addContent('wire.request', chunk)
    this.#mark.add(chunk)
    this.#forcesTool ||= this.#facts.api.forcesTool(chunk)
    const { open, toolCalls, waitingTurns } = this.#dependencies
    const { candidate } = this.#facts
    const mayBeOthers = candidate === undefined || open.hasOthers(candidate)
    const isSearched = toolCalls.size > 0 || waitingTurns.endedCallCount > 0 || mayBeOthers
    const bytesMax = isSearched ? searchedBytesMax : keptBytesMax
    if (this.#mark.bytes <= bytesMax) this.#requestPieces.push(chunk)
    else this.#requestPieces = []
  }

  allSent(): void {
    this.#mark.isWhole = true
    this.#readResults()
    this.#requestPieces = []
  }

  answered(status: number, headers: readonly (readonly [string, string])[]): void {
    this.#status = status
    this.#headers = headers
    // A body whose length was announced may be answered before the host has ended the request.
    this.#readResults()
    this.#addWire({ status, headers })
    const header = (name: string) => headers.find(([key]) => key === name)?.[1]
    this.#hasBody = status !== 204 && header('content-length') !== '0'
    if (status < 300) {
      this.#watcher = this.#facts.api.watch({
        contentType: header('content-type'),
        contentEncoding: header('content-encoding'),
      })
    }
  }

  received(chunk: Uint8Array): void {
    this.#dependencies.modelAnswers()
    if (this.#firstChunkAt === undefined) this.#isSeen()
    this.#firstChunkAt ??= this.#dependencies.clock()
    this.#addContent('wire.response', chunk)
    if (this.#watcher !== undefined) this.#beginTools(this.#watcher.push(chunk))
  }

  finished(): void {
    const isSuccess = this.#status >= 200 && this.#status < 300
    const isUnseen = isSuccess && this.#hasBody && this.#firstChunkAt === undefined
    if (isUnseen && !this.#isOver) this.#countUnseen('model_call_bytes')
    this.#end({ isComplete: true, ...(isUnseen ? { isUnseen } : {}) }, this.#status >= 400)
  }

  failed(error: unknown): void {
    const aborted = isStoppedByApp(error) ? { isAborted: true } : {}
    this.#end({ isComplete: false, error: errorName(error), ...aborted }, true)
  }

  #isSeen(): void {
    this.#dependencies.wireCalls.seen(this.#facts.request, this.#candidate)
  }

  #end(facts: WireFacts, hasFailed: boolean): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#requestPieces = []
    // What a library tells of a call is all that is known of it if no byte of its answer was seen.
    if (facts.isUnseen !== true && this.#firstChunkAt === undefined) this.#isSeen()
    quietly('read an answer to its end', () => this.#beginTools(this.#watcher?.end() ?? []))
    // An API that fails after it has begun to answer says so in the answer.
    const isPending = this.#watcher?.isPending === true && this.#facts.isOwn
    const isCut = hasFailed && !(this.#watcher?.isWhole === true || isPending)
    const hasError = this.#watcher?.hasError === true
    const isFailed = isCut || hasError
    const isAborted = isCut && !hasError && facts.isAborted === true
    const at = this.#firstChunkAt
    const timeToFirstChunk = at === undefined ? undefined : (at - this.#facts.startedAt) / 1_000
    // A stream in the background goes on without its client.
    const wire = isPending ? { isComplete: true } : facts
    this.#addWire({ ...wire, ...defined({ timeToFirstChunk }) })
    this.#keepConversation()
    if (isPending && this.#waitForAnswer()) return
    this.#tellTurn({ isFailed, isAborted })
    const end = (at?: number): void => this.#endSpan(isFailed && !isAborted, at)
    const isRetryable = isFailed && this.#mayBeRetried(facts)
    const failedAt = this.#dependencies.now()
    if (this.#facts.isOwn) {
      if (isRetryable) this.#waitForRetry(() => end(failedAt), failedAt)
      else end()
    } else if (isFailed) this.#waitForLibrary(isRetryable, () => end(failedAt), failedAt)
  }

  #tellTurn(call: { readonly isFailed: boolean; readonly isAborted: boolean }): void {
    const callEnd = call.isAborted ? 'aborted' : call.isFailed ? 'failed' : undefined
    this.#dependencies.wireCalls.ended(this.#facts.request, this.#candidate, callEnd)
    if (this.#isLate || this.#around !== undefined) return
    this.#candidate?.callEnded({ ...call, repeatsPrompt: this.#repeatsPrompt })
  }

  #endSpan(isFailed: boolean, at?: number): void {
    const { span } = this.#facts
    if (isFailed) span.setStatus({ code: SpanStatusCode.ERROR })
    span.end(at)
  }

  /** The server works in the background: the app will ask for the answer. */
  #waitForAnswer(): boolean {
    const { backgroundAnswers, now } = this.#dependencies
    const { api, url } = this.#facts
    const id = this.#watcher?.id
    if (id === undefined) return false
    const acceptedAt = now()
    const giveUp = (): void => {
      this.#tellTurn({ isFailed: false, isAborted: false })
      const turn = this.#candidate?.turn
      if (turn?.holds === 1) turn.idleSince(acceptedAt)
      this.#endSpan(false, acceptedAt)
    }
    const answered = (answer: LateAnswer): void => this.#answeredLater(answer)
    backgroundAnswers.wait({ api, url, id, answered, giveUp })
    return true
  }

  #answeredLater(answer: LateAnswer): void {
    const { number, span, url, api } = this.#facts
    const facts = {
      url,
      api: api.name,
      turns: this.#candidate?.turnIds() ?? [],
      ...(this.#around === undefined ? {} : { isInner: true }),
      ...(this.#isLate ? { isLate: true } : {}),
    }
    recordLateAnswer(this.#dependencies.recorder, { span, number, facts }, answer)
    const isFailed = answer.watcher.hasError
    this.#beginTools(answer.tools)
    this.#tellTurn({ isFailed, isAborted: false })
    this.#endSpan(isFailed)
  }

  #keepConversation(): void {
    const candidate = this.#candidate
    if (candidate === undefined || this.#around !== undefined) return
    const names = { before: this.#kept, answer: this.#watcher }
    this.#dependencies.keptConversations.answered(this.#facts.api, candidate.turn, names)
  }

  /** A request that the app has aborted is not sent again, nor one whose answer was whole enough to run its tools. */
  #mayBeRetried({ isAborted }: WireFacts): boolean {
    if (isAborted === true || this.#hasBegunTools) return false
    return this.#status < 400 || isRetried(this.#status, this.#headers)
  }

  /** Some libraries do not end the span of a call that has failed: it holds the turn no longer, and ends with it. */
  #waitForLibrary(isRetryable: boolean, end: () => void, failedAt: number): void {
    const { span } = this.#facts
    const giveUp = (isOver: boolean): void => {
      if (isOver && span.isRecording()) end()
      else holdWhileOpen(span, undefined)
    }
    if (isRetryable) this.#waitForRetry(giveUp, failedAt)
    else {
      giveUp(false)
      this.#candidate?.beforeEnd(() => giveUp(true))
    }
  }

  #waitForRetry(giveUp: FailedCall['giveUp'], failedAt: number): void {
    const { retries } = this.#dependencies
    const { api, url, span, number, candidate, active } = this.#facts
    pauseHold(span, failedAt)
    retries.wait({
      place: { api, url, turn: candidate?.turn, parent: parentIdOf(trace.getSpan(active)) },
      body: this.#mark,
      span,
      candidate: this.#candidate,
      spanContext: this.#spanContext,
      around: this.#around,
      number,
      retryAfterMs: retryAfterMs(this.#headers, failedAt),
      giveUp,
    })
  }

  /**
   * Tool calls are siblings of the model call: children of the turn, or of the tool call around it.
   * Without either, they are children of the model call.
   */
  #beginTools(requests: readonly ToolCallRequest[]): void {
    if (requests.length === 0) return
    this.#hasBegunTools = true
    const { active, apiCall } = this.#facts
    const candidate = this.#candidate
    const around = this.#around
    const above = apiCall?.span ?? around?.span ?? candidate?.span
    const parent =
      above === undefined
        ? trace.setSpanContext(active, this.#spanContext)
        : trace.setSpan(active, above)
    const owner = apiCall ?? candidate?.turn
    if (candidate !== undefined && around === undefined) {
      candidate.turn.modelRequest = this.#request
    }
    const isForced = this.#forcesTool
    for (const request of requests) {
      this.#dependencies.toolCalls.begin({ ...request, isForced }, { parent, owner, around })
    }
  }

  /**
   * Ends the tool calls whose results the request brings. If it is the candidate's first model call, they also show
   * which turn it is part of.
   */
  #readResults(): void {
    const { toolCalls, approvals, keptConversations } = this.#dependencies
    const { api, span, number, url } = this.#facts
    const body = joined(this.#requestPieces)
    const isWhole = body.length > 0 && body.length === this.#mark.bytes
    if (isWhole && body.length <= keptBytesMax) this.#request = new Uint8Array(body)
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
      this.#countUnseen('ambiguous_model_call')
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
    // A span of the app that is below another one is part of what a library records.
    const { inferredTurns, traces } = this.#dependencies
    if (!isOwn && hasParent(span) && !traces.hasFreeRoot(active)) return undefined
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

  #countUnseen(reason: UnseenReason): void {
    this.#dependencies.unseen.add({ reason, address: addressOf(new URL(this.#facts.url)) })
  }

  #addContent(slot: 'wire.request' | 'wire.response', chunk: string | Uint8Array): void {
    const { span, number } = this.#facts
    // When a host stops reading, the SDK's span ends before the last bytes come: those are not recorded.
    if (span.isRecording()) this.#dependencies.recorder.content(span, slot, chunk, number)
  }

  #addWire(facts: WireFacts): void {
    const { span, number } = this.#facts
    if (span.isRecording()) this.#dependencies.recorder.wire(span, number, facts)
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

function joined(pieces: readonly (string | Uint8Array)[]): Uint8Array {
  const [first] = pieces
  if (pieces.length === 1 && first instanceof Uint8Array) return first
  return Buffer.concat(
    pieces.map((piece) => (typeof piece === 'string' ? Buffer.from(piece) : piece)),
  )
}

function errorName(error: unknown): string {
  return error instanceof Error ? (errorCode(error) ?? error.name) : 'error'
}
