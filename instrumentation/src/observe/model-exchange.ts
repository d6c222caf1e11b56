/**
 * One HTTP exchange with a model API, whichever client sends it: the span it belongs to, its raw bytes, the tool calls
 * that its answer asks for and the tool results that its request brings.
 *
 * If the active span is already a model call (the SDK traces itself), the bytes are added to that span, each retry as a
 * further exchange of it; otherwise the exchange opens a span. Never both. An exchange is over once: whichever of
 * `finished` and `failed` comes first.
 */
import { SpanStatusCode, trace } from '@opentelemetry/api'
import type { UnseenReason } from '@turnlog/conventions'
import { errorCode } from '@turnlog/conventions/plain'
import { quietly } from '../health.ts'
import type { ToolCallRequest } from '../models/model-api.ts'
import type { WireFacts } from '../record/recorder.ts'
import { holdWhileOpen, pauseHold } from '../record/turn-holds.ts'
import { type LateAnswer, recordLateAnswer } from './background-answers.ts'
import { BodyMark } from './body-mark.ts'
import { CallPlace } from './call-place.ts'
import type { Exchange } from './exchange.ts'
import type { ExchangeDependencies, ExchangeFacts } from './exchange-facts.ts'
import { type FailedCall, isRetried, parentIdOf, retryAfterMs } from './retried-calls.ts'
import { postponeEnd } from './span-end.ts'
import { isStoppedByApp } from './stopped-requests.ts'
import { addressOf } from './unknown-exchange.ts'
import { WatchedAnswer } from './watched-answer.ts'

/** A request body larger than this is not searched for tool results, nor for whose it is. */
const searchedBytesMax = 64 * 1024 ** 2
/**
 * A request body up to this size is kept with its turn while the turn waits. If two turns have calls with one id, the
 * bodies show which is meant.
 */
const keptBytesMax = 128 * 1024

export class ModelExchange implements Exchange {
  readonly #dependencies: ExchangeDependencies
  readonly #facts: ExchangeFacts
  readonly #place: CallPlace
  #requestPieces: (string | Uint8Array)[] = []
  /** Knows the request's body again. */
  readonly #mark = new BodyMark()
  #hasBegunTools: boolean = false
  /** A copy of the request's body, unless it is long. */
  #request: Uint8Array | undefined
  #status = 0
  #headers: readonly (readonly [string, string])[] = []
  /** The answer has a body. */
  #hasBody: boolean = true
  #answer: WatchedAnswer | undefined
  #firstChunkAt: number | undefined
  #forcesTool: boolean = false
  #isOver: boolean = false
  #finishSpan: (at?: number) => void

  constructor(dependencies: ExchangeDependencies, facts: ExchangeFacts) {
    this.#dependencies = dependencies
    this.#facts = facts
    this.#finishSpan = (at) => facts.span.end(at)
    this.#place = new CallPlace({
      dependencies,
      facts,
      addWire: (wire) => this.#addWire(wire),
      isAmbiguous: () => this.#countUnseen('ambiguous_model_call'),
    })
    const { api, url } = facts
    this.#addWire({ url, api: api.name, ...this.#place.facts })
    dependencies.inFlight.add(this, () => this.#processExits())
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
    this.#readRequest()
    this.#requestPieces = []
  }

  answered(status: number, headers: readonly (readonly [string, string])[]): void {
    this.#status = status
    this.#headers = headers
    // A body whose length was announced may be answered before the host has ended the request.
    this.#readRequest()
    this.#addWire({ status, headers })
    const header = (name: string) => headers.find(([key]) => key === name)?.[1]
    this.#hasBody = status !== 204 && header('content-length') !== '0'
    if (status < 300) {
      const watcher = this.#facts.api.watch({
        contentType: header('content-type'),
        contentEncoding: header('content-encoding'),
      })
      const begin = (requests: readonly ToolCallRequest[], at: number): void =>
        this.#beginTools(requests, at)
      this.#answer = new WatchedAnswer(watcher, { begin, now: this.#dependencies.now })
    }
  }

  received(chunk: Uint8Array): void {
    this.#dependencies.modelAnswers()
    if (this.#firstChunkAt === undefined) this.#isSeen()
    this.#firstChunkAt ??= this.#dependencies.clock()
    this.#addContent('wire.response', chunk)
    this.#answer?.received(chunk)
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

  /** Its turn ends with the process, and a call is recorded before its turn. */
  #processExits(): void {
    const turn = this.#place.candidate?.turn
    if (turn?.span === undefined || turn.isEnded) this.#endWithProcess()
    else turn.beforeEnd(() => this.#endWithProcess())
  }

  /** The app has stopped it, by ending. */
  #endWithProcess(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#addWire({ isComplete: false, isAborted: true, ...this.#times() })
    if (this.#facts.span.isRecording()) this.#endSpan(false)
  }

  #isSeen(): void {
    this.#dependencies.wireCalls.seen(this.#facts.request, this.#place.candidate)
  }

  #end(facts: WireFacts, hasFailed: boolean): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#dependencies.inFlight.remove(this)
    this.#requestPieces = []
    // What a library tells of a call is all that is known of it if no byte of its answer was seen.
    if (facts.isUnseen !== true && this.#firstChunkAt === undefined) this.#isSeen()
    const isStopped = facts.isAborted === true
    quietly('read an answer to its end', () => this.#answer?.ended({ isStopped }))
    // An API that fails after it has begun to answer says so in the answer.
    const isPending = this.#answer?.watcher.isPending === true && this.#facts.span.isRecording()
    const isCut = hasFailed && !(this.#answer?.watcher.isWhole === true || isPending)
    const hasError = this.#answer?.watcher.hasError === true
    const isFailed = isCut || hasError
    const isAborted = isCut && !hasError && facts.isAborted === true
    // A stream in the background goes on without its client.
    const wire = isPending ? { isComplete: true } : facts
    this.#addWire({ ...wire, ...this.#times() })
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

  #times(): Pick<WireFacts, 'timeToFirstChunk'> {
    const at = this.#firstChunkAt
    return at === undefined ? {} : { timeToFirstChunk: (at - this.#facts.startedAt) / 1_000 }
  }

  #tellTurn(call: { readonly isFailed: boolean; readonly isAborted: boolean }): void {
    const callEnd = call.isAborted ? 'aborted' : call.isFailed ? 'failed' : undefined
    this.#dependencies.wireCalls.ended(this.#facts.request, this.#place.candidate, callEnd)
    if (this.#place.isLate || this.#place.around !== undefined) return
    this.#place.candidate?.callEnded({ ...call, repeatsPrompt: this.#place.repeatsPrompt })
  }

  #endSpan(isFailed: boolean, at?: number): void {
    if (isFailed) this.#facts.span.setStatus({ code: SpanStatusCode.ERROR })
    this.#finishSpan(at)
  }

  /** The server works in the background: the app will ask for the answer. */
  #waitForAnswer(): boolean {
    const { backgroundAnswers, now } = this.#dependencies
    const { api, url, span, isOwn } = this.#facts
    const id = this.#answer?.watcher.id
    if (id === undefined) return false
    if (!isOwn) this.#finishSpan = postponeEnd(span)
    const acceptedAt = now()
    const giveUp = (): void => {
      this.#tellTurn({ isFailed: false, isAborted: false })
      const turn = this.#place.candidate?.turn
      if (turn?.holds === 1) turn.idleSince(acceptedAt)
      this.#endSpan(false, acceptedAt)
    }
    const answered = (answer: LateAnswer): void => this.#answeredLater(answer)
    backgroundAnswers.wait({ api, url, id, answered, giveUp })
    return true
  }

  #answeredLater(answer: LateAnswer): void {
    const { number, span, url, api } = this.#facts
    const facts = { url, api: api.name, turns: [], ...this.#place.facts }
    recordLateAnswer(this.#dependencies.recorder, { span, number, facts }, answer)
    const isFailed = answer.watcher.hasError
    this.#beginTools(answer.tools)
    this.#tellTurn({ isFailed, isAborted: false })
    this.#endSpan(isFailed)
  }

  #keepConversation(): void {
    const candidate = this.#place.candidate
    if (candidate === undefined || this.#place.around !== undefined) return
    const names = { before: this.#place.kept, answer: this.#answer?.watcher }
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
      this.#place.candidate?.beforeEnd(() => giveUp(true))
    }
  }

  #waitForRetry(giveUp: FailedCall['giveUp'], failedAt: number): void {
    const { retries } = this.#dependencies
    const { api, url, span, number, candidate, active } = this.#facts
    pauseHold(span, failedAt)
    this.#mark.settle()
    retries.wait({
      place: { api, url, turn: candidate?.turn, parent: parentIdOf(trace.getSpan(active)) },
      body: this.#mark,
      span,
      candidate: this.#place.candidate,
      spanContext: this.#place.spanContext,
      around: this.#place.around,
      number,
      retryAfterMs: retryAfterMs(this.#headers, failedAt),
      giveUp,
    })
  }

  /**
   * Tool calls are siblings of the model call: children of the turn, or of the tool call around it.
   * Without either, they are children of the model call.
   */
  #beginTools(requests: readonly ToolCallRequest[], at?: number): void {
    if (requests.length === 0) return
    this.#hasBegunTools = true
    const { active, apiCall } = this.#facts
    const candidate = this.#place.candidate
    const around = this.#place.around
    const above = apiCall?.span ?? around?.span ?? candidate?.span
    const parent =
      above === undefined
        ? trace.setSpanContext(active, this.#place.spanContext)
        : trace.setSpan(active, above)
    const owner = apiCall ?? candidate?.turn
    if (candidate !== undefined && around === undefined) {
      candidate.turn.modelRequest = this.#request
    }
    const isForced = this.#forcesTool
    for (const request of requests) {
      this.#dependencies.toolCalls.begin({ ...request, isForced }, { parent, owner, around, at })
    }
  }

  #readRequest(): void {
    const body = joined(this.#requestPieces)
    const isWhole = body.length > 0 && body.length === this.#mark.bytes
    if (isWhole && body.length <= keptBytesMax) this.#request = new Uint8Array(body)
    this.#place.read(body, { isWhole })
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
