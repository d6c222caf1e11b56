/**
 * The only way for an observer to record: it starts OpenTelemetry spans, emits logs, and writes raw contents beside them
 * into the journal. Nothing here hashes, parses or copies more than once.
 */
import type { Logger, Span, SpanContext, Tracer } from '@opentelemetry/api'
import type { AttributeName } from '@turnlog/conventions'

/** Facts about one HTTP exchange with a model API; later calls add to them. */
export interface WireFacts {
  readonly url?: string
  /** The name of the model API. */
  readonly api?: string
  readonly status?: number
  readonly headers?: readonly (readonly [string, string])[]
  readonly isComplete?: boolean
  /** The answer was a success, and none of its bytes were seen. */
  readonly isUnseen?: boolean
  readonly error?: string
  /** The app has stopped the request, or stopped reading its answer. */
  readonly isAborted?: boolean
  /** A sub-agent of the turn made the call: its prompt and its answer are not the turn's. */
  readonly isInner?: boolean
  /** It brings the answer of an earlier exchange of the call, by its number: the server has worked in the background. */
  readonly answers?: number
  /** Seconds from the request to the first byte of the answer's body. */
  readonly timeToFirstChunk?: number
  /** It began when the app's response to its user had ended. */
  readonly isLate?: boolean
  /** Span ids of the open turns it counts for: its own, and those a sub-agent works for. */
  readonly turns?: readonly string[]
}

/** Names of the contents an observer records raw; the sealer turns them into attributes. */
export type ContentSlot =
  /** Of a turn: the body of its request or its message, and the body of a JSON answer. */
  | 'turn.request'
  | 'turn.response'
  /** Of a turn: the result of an agent that is a child process. */
  | 'turn.agent_answer'
  /** Of a turn, as the app declares them: the last one counts. */
  | 'turn.prompt'
  | 'turn.answer'
  /** Of a model call: bytes as they were on the wire. */
  | 'wire.request'
  | 'wire.response'
  /** Of a tool call: its arguments, JSON as the model wrote it. */
  | 'tool.arguments'
  /** Of a tool call that the app reports: its result; the last one counts. */
  | 'tool.result'
  /** Of a file operation: the file's bytes. */
  | 'file.before'
  | 'file.after'
  | 'file.overwritten'

type InterimAttributes = { readonly [Name in AttributeName]?: string | boolean }

export interface Recorder {
  readonly tracer: Tracer
  readonly logger: Logger
  /** Adds a piece of content to a span that has not ended. `exchange` numbers the requests of one model call from 1. */
  content(span: Span, slot: ContentSlot, value: string | Uint8Array, exchange?: number): void
  /** Adds facts about an exchange of a model call. */
  wire(span: Span, exchange: number, facts: WireFacts): void
  /** The span's attributes have changed since its start, or its start itself (milliseconds since 1970). */
  startAgain(span: Span, startedAt?: number): void
  /** The span will not end. What `interim` has recorded of it stays; nothing else is recorded. */
  discard(spanId: string): void
  /**
   * Records how far an open span is, with these attributes besides its own. Its end replaces that, and so does the
   * record that closes it after a crash. `endedAt`: until when something worked on it, in milliseconds since 1970.
   */
  interim(span: Span, endedAt: number, attributes: InterimAttributes): void
  /** `from` turned out to be the same as `to`: it is not recorded, and its children are recorded below `to` from now on. */
  merge(from: Span, to: Span): void
  /** `span`, the root of its trace, and all spans below it that end later are recorded below `parent`. */
  adopt(span: Span, parent: SpanContext): void
  /** The open span is recorded below `parent` from now on, in that span's trace; `undefined`: in a trace of its own. */
  move(span: Span, parent: SpanContext | undefined): SpanContext
  /** Adds facts for the sealer that are not attributes, such as where a tool's result is found. Call before the span ends. */
  note(span: Span, notes: Readonly<Record<string, unknown>>): void
  /** Writes what is buffered, before the host blocks. */
  flush(): void
}
