/**
 * A tool call that has begun. It was inferred from the bytes of model calls (`tool-calls.ts`), or the app reports it
 * (`toolCall()`). Only a call that was inferred has ends other than its result.
 */
import { type Span, SpanStatusCode } from '@opentelemetry/api'
import type { AttributeName } from '@turnlog/conventions'
import type { ToldFailure } from '@turnlog/conventions/dialects/failure'
import { ToolArguments } from './tool-arguments.ts'
import type { TurnFailure } from './turn-result.ts'

/** A call as the model asks for it, or as the app describes it. */
export interface ToolCallDescription {
  readonly name: string
  /** The model's; not every model API gives one. */
  readonly id?: string | undefined
  /** JSON as the model wrote it, or a text of the app. */
  readonly arguments?: string | undefined
  /** The request allowed no other answer: the arguments may be all that the app wants. */
  readonly isForced?: boolean
}

/** The turn, or the tool call reported by the app, that a call is made in. */
export interface ToolCallOwner {
  readonly openTools: Map<string, ToolCall>
  /** `undefined`: it is no turn yet. */
  readonly span: Span | undefined
  readonly createdFiles: Set<string>
  toolEnded(key: string): void
}

/** A call that the app reports; file operations and model calls inside it belong to it. */
export interface ApiToolCall extends ToolCallOwner {
  readonly span: Span
  readonly call: ToolCall
}

/** A tool call that has begun. */
export class ToolCall {
  readonly id: string | undefined
  readonly name: string
  readonly span: Span
  readonly arguments: ToolArguments
  /** The tool call of the same turn whose sub-agent has asked for it. */
  readonly parent: ToolCall | undefined
  /** Files it has already changed, by absolute path. */
  readonly changed = new Set<string>()
  readonly #end: InferredEnd | undefined
  #secondsWaited = 0
  /** What runs it will not end it any more. */
  #endsWithTurn: boolean = false
  /** It has an interim record, so its start must not change. */
  hasInterim: boolean = false
  /** Why it failed, as what runs it says. */
  failure: TurnFailure | undefined
  /** A person's decision about it is recorded. */
  isDecided: boolean = false

  /** `end` is given for a call that was inferred. */
  constructor(
    { id, name, arguments: given = '' }: ToolCallDescription,
    span: Span,
    { end, parent }: { readonly end?: InferredEnd; readonly parent?: ToolCall | undefined } = {},
  ) {
    this.id = id
    this.name = name
    this.span = span
    this.#end = end
    this.parent = parent
    this.arguments = new ToolArguments(given)
  }

  /** Its result may still come. */
  get isAwaited(): boolean {
    return this.#end?.isAwaited === true
  }

  /** Its turn ends without its result. */
  leaveUnfinished(): void {
    this.#end?.leaveUnfinished()
    if (this.#endsWithTurn && this.span.isRecording()) this.span.end()
  }

  /** Its turn waits: it is recorded so far. `at`: milliseconds since 1970. */
  recordWaiting(at: number): void {
    if (this.#end === undefined) return
    this.hasInterim = true
    this.#end.recordWaiting(at)
  }

  /** Its turn waits no longer, and its interim record is its last. */
  forget(): void {
    this.#end?.forget()
  }

  beginsAfterWait(): void {
    if (this.#secondsWaited > 0) this.addWaited(-this.#secondsWaited)
  }

  /** What runs it says that it failed; the model may still be sent a result. */
  failed({ type, message = '', isAborted }: ToldFailure): void {
    if (isAborted) {
      this.span.setAttribute('turnlog.aborted' satisfies AttributeName, true)
      return
    }
    this.failure = { type, message, isRepeated: true }
    this.span.setAttribute('error.type' satisfies AttributeName, type)
    this.span.setStatus({ code: SpanStatusCode.ERROR, ...(message === '' ? {} : { message }) })
  }

  /** An exception in it ends the process. The record of the exception is the error. */
  endsProcess(failure: ToldFailure): void {
    this.failed(failure)
    this.span.setAttribute('turnlog.error.repeated' satisfies AttributeName, true)
    this.#endsWithTurn = true
  }

  /** It was not run for this long, because a person was asked. */
  addWaited(seconds: number): void {
    this.#secondsWaited += seconds
    this.span.setAttribute('turnlog.tool_call.waited' satisfies AttributeName, this.#secondsWaited)
  }
}

/** The ends of an inferred call other than its result. */
export interface InferredEnd {
  readonly isAwaited: boolean
  leaveUnfinished(): void
  recordWaiting(at: number): void
  forget(): void
}
