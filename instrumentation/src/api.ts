/** The values of the public API, and the two objects that callbacks get. */
import type {
  DecisionOutcome,
  DecisionSource,
  DecisionType,
  FileOperationType,
} from '@turnlog/conventions'

export interface TurnOptions {
  /** The user's message, as it was written. Default: found in the request or in the first model call. */
  readonly prompt?: string
  /** The chat the turn belongs to, when the app has one. Never make one up for each turn. */
  readonly conversationId?: string
  /** Which agent answers; default: the app's name. */
  readonly agent?: string
}

/** The turn a callback works in. Calls after its end are ignored; nothing here ever throws. */
export interface Turn {
  /** The final answer; of several, the last one counts. Default: the text of the last model call. */
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
  /** The arguments from the model: a text is recorded as it is, any other value as its JSON. */
  readonly arguments?: unknown
  /** The id the model gave the call: connects it with the call that was inferred from the model's answer. */
  readonly id?: string
}

/** The tool call a callback works in. Calls after its end are ignored; nothing here ever throws. */
export interface ToolCall {
  /** The result for the model, if it is not what the callback returns; of several, the last one counts. */
  result(value: unknown): void
  /** The call failed, although nothing is thrown: its result describes an error to the model. */
  fail(error: unknown): void
  /** The trace the call is part of; `undefined` when nothing is recorded. */
  readonly traceId: string | undefined
}

export interface FileOperation {
  /** The file: relative to the workspace (`TELEMETRY_WORKSPACE`), or absolute. On a rename: its new path. */
  readonly path: string | URL
  /** Needed only if `before`, `after` and `previousPath` do not determine it. */
  readonly type?: FileOperationType
  /** The file's content before; `null`: there was no file. Left out: not known. */
  readonly before?: string | Uint8Array | null
  /** The file's content now; `null`: there is no file. Left out: read from disk, if it exists. */
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
  /** The trace and span of the file operation, if they are known: the decision is then shown with its trace. */
  readonly traceId?: string
  readonly spanId?: string
}
