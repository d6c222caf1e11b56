/** How a turn ends: completed, failed or aborted. The first cause counts; if there is none, the last model call decides. */
import { type Span, SpanStatusCode } from '@opentelemetry/api'
import type { TurnOutcome } from '@turnlog/conventions'
import { defined } from '@turnlog/conventions/plain'
import { mayPassOn } from './known-failures.ts'
import type { TurnAttributes } from './turn-span.ts'

/** Why a turn failed: `error.type` and the span's status message. */
export interface TurnFailure {
  readonly type: string
  readonly message: string
  /** Another record of its trace tells of it: an exception, or a tool call. */
  readonly isRepeated?: boolean
}

/** What has asked the process to exit. */
export interface StopSignal {
  readonly name: string
  /** When it came, in ms since 1970. Undefined if only the exit code tells of it. */
  readonly at: number | undefined
}

/** Why a call has failed. */
export interface CallFailure {
  /** The turn's user has stopped it. */
  readonly isAborted?: boolean
  /** Undefined if a record of the call tells of it. */
  readonly cause?: TurnFailure | undefined
}

/** How the process exits. */
export interface ProcessExit {
  readonly code: number
  /** Undefined also if an exception ends the process. */
  readonly signal: StopSignal | undefined
  /** Why a turn fails that is open. */
  readonly failure: TurnFailure
}

export class TurnResult {
  #outcome: TurnOutcome = 'completed'
  #failure: TurnFailure | undefined
  #cause: TurnFailure | undefined
  #lastCallFailed: boolean = false
  #lastCallAborted: boolean = false
  #lastCallCause: TurnFailure | undefined

  get isFailed(): boolean {
    return this.#outcome === 'failed'
  }

  /** Its last model call has failed, and nothing came after it. */
  get hasFailedLast(): boolean {
    return this.#lastCallFailed
  }

  /** The outcome of an interim record, while the turn waits for a person. */
  get outcomeSoFar(): TurnOutcome {
    return this.#outcome === 'completed' ? 'waiting' : this.#outcome
  }

  fail(failure: TurnFailure): void {
    if (this.#outcome !== 'completed') return
    this.#failure = failure
    this.#outcome = 'failed'
  }

  /** The process exits. If the last model call has failed, that is why, unless the exception is one of code. */
  failWithProcess(failure: TurnFailure): void {
    const isOfCall = this.#lastCallFailed && !this.#lastCallAborted && mayPassOn(failure)
    if (isOfCall) this.conclude('failed')
    else this.fail(failure)
  }

  /** What it fails of, if it fails and its last model call has not. */
  causedBy(cause: TurnFailure): void {
    this.#cause = cause
  }

  /** The last thing that happened is the failure of a tool, of which no model was told. */
  endsWith(cause: TurnFailure): void {
    this.causedBy(cause)
    if (!this.#lastCallFailed) this.conclude('failed')
  }

  /** That of a failed model call is known when the call is sealed. */
  #ownCause(): TurnFailure | undefined {
    return this.#lastCallFailed ? this.#lastCallCause : this.#cause
  }

  conclude(outcome: 'aborted' | 'failed'): void {
    if (this.#outcome === 'completed') this.#outcome = outcome
  }

  callEnded(isFailed: boolean, { isAborted = false, cause }: CallFailure = {}): void {
    this.#lastCallFailed = isFailed
    this.#lastCallAborted = isAborted
    this.#lastCallCause = cause
  }

  /** The turn is continued, so the outcome of its first request is not its own. */
  reopen(): void {
    this.#outcome = 'completed'
  }

  /** Called when the turn ends. */
  writeTo(span: Span): void {
    if (this.#lastCallFailed) this.conclude(this.#lastCallAborted ? 'aborted' : 'failed')
    const failure = this.isFailed ? (this.#failure ?? this.#ownCause()) : undefined
    span.setAttributes(
      defined({
        'turnlog.turn.outcome': this.#outcome,
        'error.type': failure?.type,
        'turnlog.error.repeated': failure?.isRepeated || undefined,
      } satisfies { [Name in keyof TurnAttributes]?: string | boolean | undefined }),
    )
    if (!this.isFailed) return
    span.setStatus({ code: SpanStatusCode.ERROR, ...defined({ message: failure?.message }) })
  }
}
