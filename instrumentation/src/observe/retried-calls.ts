/**
 * Model calls that failed and may be sent again. An SDK that does not trace itself sends each attempt as a request of its own; the
 * same body to the same URL, in the same turn and tool call, is another attempt of one call. So the span of a failed call stays
 * open for a while.
 *
 *     state     meaning                                          next
 *     waiting   it failed, and may be sent again                 retried, by `take`; given up, after the time that an SDK
 *                                                                waits, at the end of its turn or of the process
 *     retried   its span goes on with the next exchange          waiting again, if that fails too; over
 *     given up  its span has ended as failed, when it failed     –
 *
 * What is kept is bounded: `callsMax` calls. Of their bodies, a checksum is kept.
 */
import type { Span, SpanContext } from '@opentelemetry/api'
import { quietly } from '../health.ts'
import { isReadable } from '../journal/describe-span.ts'
import type { ModelApi } from '../models/model-api.ts'
import type { Candidate } from '../record/candidate.ts'
import type { After } from '../record/delayed-ends.ts'
import type { ToolCall } from '../record/tool-call.ts'
import { resumeHold } from '../record/turn-holds.ts'
import type { BodyMark } from './body-mark.ts'
import { toldOf } from './own-spans.ts'

/** A longer body is not compared. It is held until all of it is known. */
export const retriedBytesMax = 64 * 1024 ** 2
const callsMax = 50
/** SDKs wait between half a second and some seconds, and longer each time. */
const firstWaitMs = 8_000
const waitMsMax = 60_000
/** A server's `retry-after` is kept to, and a little more. */
const afterwardsMs = 2_000

/** What the attempts of a call have in common, before the body is known. */
export interface AttemptPlace {
  readonly api: ModelApi
  readonly url: string
  /** The turn in whose context it is made. */
  readonly turn: Candidate | undefined
  /** The id of the span it is made in. */
  readonly parent: string | undefined
}

/**
 * The id of the span that a call is made in. A library's span of the model call itself may be one of each attempt: then it is the
 * span around it.
 */
export function parentIdOf(span: Span | undefined): string | undefined {
  if (span === undefined) return undefined
  const isOfCall = isReadable(span) && toldOf(span)?.role === 'model_call'
  return isOfCall ? span.parentSpanContext?.spanId : span.spanContext().spanId
}

export interface FailedCall {
  readonly place: AttemptPlace
  readonly body: BodyMark
  readonly span: Span
  /** The turn that it is made for, and where its span is recorded. */
  readonly candidate: Candidate | undefined
  readonly spanContext: SpanContext
  /** The tool call that it is a part of. */
  readonly around: ToolCall | undefined
  /** Counts its exchanges from 1. */
  readonly number: number
  /** What the server asks for, in milliseconds. */
  readonly retryAfterMs: number | undefined
  /** Called when it is not sent again. `isOver`: its turn or the process ends. */
  readonly giveUp: (isOver: boolean) => void
}

interface WaitingCall extends FailedCall {
  readonly timer: { cancel(): void }
}

export class RetriedCalls {
  readonly #after: After
  readonly #waiting = new Set<WaitingCall>()

  constructor(after: After) {
    this.#after = after
  }

  wait(call: FailedCall): void {
    const [oldest] = this.#waiting.size >= callsMax ? this.#waiting : []
    if (oldest !== undefined) this.#giveUp(oldest, false)
    const asked = call.retryAfterMs === undefined ? 0 : call.retryAfterMs + afterwardsMs
    const ms = Math.min(waitMsMax, Math.max(asked, firstWaitMs * 2 ** (call.number - 1)))
    const timer = this.#after(ms, () => this.#giveUp(waiting, false))
    const waiting = { ...call, timer }
    this.#waiting.add(waiting)
    call.candidate?.beforeEnd(() => this.#giveUp(waiting, true))
  }

  /** Whether a request in this place may be another attempt, depending on its body. */
  isAwaited(place: AttemptPlace): boolean {
    return [...this.#waiting].some((call) => isSame(call.place, place))
  }

  /** The call of which a request with this body is another attempt. */
  take(place: AttemptPlace, body: Uint8Array): FailedCall | undefined {
    for (const call of this.#waiting) {
      if (!isSame(call.place, place) || !call.span.isRecording()) continue
      if (!call.body.isOf(body)) continue
      this.#waiting.delete(call)
      call.timer.cancel()
      return call
    }
    return undefined
  }

  /** The SDK sends it again in the same span of its own. */
  resume(span: Span): void {
    for (const call of this.#waiting) {
      if (call.span !== span) continue
      this.#waiting.delete(call)
      call.timer.cancel()
      resumeHold(span)
    }
  }

  /** At the exit of the process. */
  giveUpAll(): void {
    for (const call of this.#waiting) this.#giveUp(call, true)
  }

  #giveUp(call: WaitingCall, isOver: boolean): void {
    if (!this.#waiting.delete(call)) return
    call.timer.cancel()
    quietly('give up a failed call', () => call.giveUp(isOver))
  }
}

function isSame(one: AttemptPlace, other: AttemptPlace): boolean {
  return (
    one.url === other.url &&
    one.api === other.api &&
    one.turn === other.turn &&
    one.parent === other.parent
  )
}

/** Whether SDKs send a request again that was answered like this. */
export function isRetried(
  status: number,
  headers: readonly (readonly [string, string])[],
): boolean {
  // The servers of OpenAI and Anthropic say so, and their SDKs do as they say.
  const said = headers.find(([name]) => name.toLowerCase() === 'x-should-retry')?.[1]
  if (said === 'true' || said === 'false') return said === 'true'
  return status === 408 || status === 409 || status === 429 || status >= 500
}

/** `now`: milliseconds since 1970. */
export function retryAfterMs(
  headers: readonly (readonly [string, string])[],
  now: number,
): number | undefined {
  const header = (wanted: string) => headers.find(([name]) => name.toLowerCase() === wanted)?.[1]
  const exact = Number.parseFloat(header('retry-after-ms') ?? '')
  if (Number.isFinite(exact)) return exact
  const given = header('retry-after') ?? ''
  const seconds = Number.parseFloat(given)
  if (Number.isFinite(seconds)) return seconds * 1_000
  const date = Date.parse(given)
  return Number.isNaN(date) ? undefined : Math.max(0, date - now)
}
