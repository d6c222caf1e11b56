/** What the public API takes and gives: plain values, and the two objects a callback gets to say more on. */
import type {
  DecisionOutcome,
  DecisionSource,
  DecisionType,
  FileOperationType,
} from '@turnlog/conventions'

export interface TurnOptions {
  /** The user's message, as it was written. Without it: what is found in the request or in the first model call. */
  readonly prompt?: string
  /** The chat the turn belongs to, when the app has one. Never make one up for each turn. */
  readonly conversationId?: string
  /** Which agent answers; default: the app's name. */
  readonly agent?: string
}

/** The turn a callback works in. What is said after its end is ignored; nothing here ever throws. */
export interface Turn {
  /** The final answer; said again, the last one counts. Without it: the text of the last model call. */
  answer(text: string): void
  /** The chat the turn belongs to, once it is known. */
  conversation(id: string): void
  /** The turn failed, although nothing is thrown. */
  fail(error: unknown): void
  /** The turn's trace; `undefined` when nothing is recorded. */
  readonly traceId: string | undefined
}

export interface ToolCallOptions {
  /** The tool, as the model knows it. */
  readonly name: string
  /** What the model gave: JSON as text is kept as it is, any other value is recorded as its JSON. */
  readonly arguments?: unknown
  /** The id the model gave the call: a call that was inferred from its answer then is this one. */
  readonly id?: string
}

/** The tool call a callback works in. What is said after its end is ignored; nothing here ever throws. */
export interface ToolCall {
  /** What the model is told, where it is not what the callback returns; said again, the last one counts. */
  result(value: unknown): void
  /** The call failed, although nothing is thrown: a result that tells the model of an error. */
  fail(error: unknown): void
  /** The trace the call is part of; `undefined` when nothing is recorded. */
  readonly traceId: string | undefined
}

export interface FileOperation {
  /** The file: relative to the workspace (`TELEMETRY_WORKSPACE`), or absolute. On a rename: its new path. */
  readonly path: string | URL
  /** Needed only where `before`, `after` and `previousPath` do not tell. */
  readonly type?: FileOperationType
  /** What the file held; `null`: there was none. Left out: not known. */
  readonly before?: string | Uint8Array | null
  /** What the file holds now; `null`: there is none. Left out: read from disk, if it is there. */
  readonly after?: string | Uint8Array | null
  /** On a rename: where the file was. */
  readonly previousPath?: string | URL
}

export interface Decision {
  /** The file operation's id, as `fileOperation()` or `GET /api/changes/recent` gives it. */
  readonly operationId: string
  readonly type: DecisionType
  /** Who decided. */
  readonly source: DecisionSource
  readonly reason?: string
  readonly outcome?: DecisionOutcome
  /** The trace and span of the file operation, where they are known: the decision is then found with its trace. */
  readonly traceId?: string
  readonly spanId?: string
}
