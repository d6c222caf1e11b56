/**
 * What an observer may do with what it sees: start real OpenTelemetry spans and emit logs, and put raw contents
 * beside them into the journal. Nothing here hashes, parses or copies more than once.
 */
import type { Logger, Span, Tracer } from '@opentelemetry/api'

/** What is known of one HTTP exchange with a model API; later calls add to it. */
export interface WireFacts {
  readonly url?: string
  readonly status?: number
  readonly headers?: readonly (readonly [string, string])[]
  readonly isComplete?: boolean
  readonly error?: string
  /** Seconds from the request to the first byte of the answer's body. */
  readonly timeToFirstChunk?: number
  /** Span ids of the open turns it counts for: its own, and those a sub-agent works for. */
  readonly turns?: readonly string[]
}

/** Names of the contents an observer records raw; the sealer turns them into attributes. */
export type ContentSlot =
  /** Of a turn: the body or message it came in with, and a JSON answer's body. */
  | 'turn.request'
  | 'turn.response'
  /** Of a turn, as the app tells them: the last one counts. */
  | 'turn.prompt'
  | 'turn.answer'
  /** Of a model call: bytes as they lay on the wire. */
  | 'wire.request'
  | 'wire.response'
  /** Of a tool call: its arguments, JSON as the model wrote it. */
  | 'tool.arguments'
  /** Of a tool call the app tells of: its result; the last one counts. */
  | 'tool.result'
  /** Of a file operation: the file's bytes. */
  | 'file.before'
  | 'file.after'
  | 'file.overwritten'

export interface Recorder {
  readonly tracer: Tracer
  readonly logger: Logger
  /** Adds a piece of content to a span that has not ended. `exchange` numbers the requests of one model call from 1. */
  content(span: Span, slot: ContentSlot, value: string | Uint8Array, exchange?: number): void
  /** Adds to what is known of a model call's exchange. */
  wire(span: Span, exchange: number, facts: WireFacts): void
  /** What was said of the span at its start has changed: its attributes, or when it began (milliseconds since 1970). */
  startAgain(span: Span, startedAt?: number): void
  /** The span will not end: its contents are not needed. */
  discard(spanId: string): void
  /** Facts for the sealer that are no attributes, such as where a tool's result is found. Call before the span ends. */
  note(span: Span, notes: Readonly<Record<string, unknown>>): void
  /** Writes what is buffered, before the host blocks. */
  flush(): void
}
