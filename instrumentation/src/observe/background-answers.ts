/**
 * Answers that a model's server works on in the background: it answers a call at once, and the app asks for the answer later, by
 * `GET {address}/{id}`. That is no model call of its own. The call stays open, and has the answer of the request that brings it to an
 * end; `POST {address}/{id}/cancel` does so, too.
 *
 *     state     meaning                                   next
 *     pending   the server works on it                    answered; given up, `waitMs` after the app has last asked, or at the exit
 *     answered  its span has ended with the answer        –
 *     given up  its span has ended without an answer,     –
 *               when it was accepted: that is no failure
 *
 * What is kept is bounded: `callsMax` calls, and of an answer that is asked for `answerBytesMax`.
 */
import type { Span } from '@opentelemetry/api'
import { quietly } from '../health.ts'
import { watchedBytesMax } from '../models/answer-watcher.ts'
import type { AnswerWatcher, ModelApi, ToolCallRequest } from '../models/model-api.ts'
import type { After } from '../record/delayed-ends.ts'
import type { Recorder, WireFacts } from '../record/recorder.ts'
import type { Exchange } from './exchange.ts'

const callsMax = 100
const waitMs = 5 * 60_000
const answerBytesMax = watchedBytesMax

export interface PendingCall {
  readonly api: ModelApi
  /** Where the call was sent to. */
  readonly url: string
  readonly id: string
  answered(answer: LateAnswer): void
  giveUp(): void
}

export interface LateAnswer {
  readonly status: number
  readonly headers: readonly (readonly [string, string])[]
  readonly pieces: readonly Uint8Array[]
  /** The answer was longer than what is kept. */
  readonly isUnseen: boolean
  readonly tools: readonly ToolCallRequest[]
  readonly watcher: AnswerWatcher
}

interface WaitingCall {
  readonly call: PendingCall
  timer: { cancel(): void }
}

export class BackgroundAnswers {
  readonly #after: After
  /** By the address at which the answer is asked for. */
  readonly #waiting = new Map<string, WaitingCall>()

  constructor(after: After) {
    this.#after = after
  }

  wait(call: PendingCall): void {
    const address = addressOf(new URL(call.url), `/${call.id}`)
    const [oldest] = this.#waiting.size >= callsMax ? this.#waiting.keys() : []
    if (oldest !== undefined) this.#giveUp(oldest)
    this.#waiting.set(address, { call, timer: this.#timer(address) })
  }

  /** The exchange of a request that may bring an answer; `undefined`: it is not such a request. */
  open(method: string, url: URL): Exchange | undefined {
    if (this.#waiting.size === 0 || (method !== 'GET' && method !== 'POST')) return undefined
    const whole = addressOf(url)
    const address = method === 'GET' ? whole : whole.replace(/\/cancel$/, '')
    const waiting = this.#waiting.get(address)
    if (waiting === undefined || (method === 'POST' && address === whole)) return undefined
    this.#wait(address, waiting)
    return new Poll(waiting.call.api, (answer) => {
      if (!this.#waiting.delete(address)) return
      waiting.timer.cancel()
      waiting.call.answered(answer)
    })
  }

  /** At the exit of the process. */
  giveUpAll(): void {
    for (const address of [...this.#waiting.keys()]) this.#giveUp(address)
  }

  #wait(address: string, waiting: WaitingCall): void {
    waiting.timer.cancel()
    waiting.timer = this.#timer(address)
  }

  #timer(address: string): { cancel(): void } {
    return this.#after(waitMs, () => this.#giveUp(address))
  }

  #giveUp(address: string): void {
    const waiting = this.#waiting.get(address)
    if (waiting === undefined) return
    this.#waiting.delete(address)
    waiting.timer.cancel()
    quietly('give up an answer', () => waiting.call.giveUp())
  }
}

interface AnsweredCall {
  readonly span: Span
  /** The exchange that was answered at once. */
  readonly number: number
  readonly facts: WireFacts
}

/** Records the answer as a further exchange of the call, which brings what the first one has not. */
export function recordLateAnswer(
  recorder: Recorder,
  { span, number, facts }: AnsweredCall,
  { status, headers, pieces, isUnseen }: LateAnswer,
): void {
  if (!span.isRecording()) return
  const unseen = isUnseen ? { isUnseen } : {}
  const wire = { ...facts, ...unseen, answers: number, status, headers, isComplete: true }
  recorder.wire(span, number + 1, wire)
  for (const piece of pieces) recorder.content(span, 'wire.response', piece, number + 1)
}

function addressOf({ origin, pathname }: URL, below = ''): string {
  return `${origin}${pathname.replace(/\/$/, '')}${below}`
}

/** One request for the answer. */
class Poll implements Exchange {
  readonly #api: ModelApi
  readonly #onAnswer: (answer: LateAnswer) => void
  #status = 0
  #headers: readonly (readonly [string, string])[] = []
  #watcher: AnswerWatcher | undefined
  #pieces: Uint8Array[] = []
  #bytes = 0
  readonly #tools: ToolCallRequest[] = []

  constructor(api: ModelApi, onAnswer: (answer: LateAnswer) => void) {
    this.#api = api
    this.#onAnswer = onAnswer
  }

  sent(): void {}

  allSent(): void {}

  answered(status: number, headers: readonly (readonly [string, string])[]): void {
    if (status < 200 || status >= 300) return
    this.#status = status
    this.#headers = headers
    const header = (name: string) => headers.find(([key]) => key === name)?.[1]
    this.#watcher = this.#api.watch({
      contentType: header('content-type'),
      contentEncoding: header('content-encoding'),
    })
  }

  received(chunk: Uint8Array): void {
    if (this.#watcher === undefined) return
    this.#bytes += chunk.byteLength
    // A copy: the memory of a chunk belongs to the host.
    if (this.#bytes <= answerBytesMax) this.#pieces.push(Buffer.from(chunk))
    else this.#pieces = []
    this.#tools.push(...this.#watcher.push(chunk))
  }

  finished(): void {
    this.#end()
  }

  /** The app may hang up after the last event, and ask again after any other. */
  failed(): void {
    if (this.#watcher?.isWhole === true) this.#end()
  }

  #end(): void {
    const watcher = this.#watcher
    this.#watcher = undefined
    if (watcher === undefined) return
    const tools = [...this.#tools, ...watcher.end()]
    const isEmpty = this.#bytes === 0
    if (watcher.isPending || isEmpty) return
    this.#onAnswer({
      status: this.#status,
      headers: this.#headers,
      pieces: this.#pieces,
      isUnseen: this.#bytes > answerBytesMax,
      tools,
      watcher,
    })
  }
}
