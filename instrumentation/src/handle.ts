/**
 * How the API and the Changes routes find the running instrumentation: one object under a global symbol, set by the
 * preload. The app may load them without the preload, from another copy or version of this package, or before the preload
 * is done; so it is looked up at each use, and a missing object or member only means that nothing is recorded.
 */

import type { DecisionOutcome, DecisionSource, DecisionType } from '@turnlog/conventions'
import { isObject } from '@turnlog/conventions/plain'
import type { FileOperation, ToolCall, ToolCallOptions, Turn, TurnOptions } from './api.ts'
import type { FileSystem } from './file-system.ts'
import type { OpenWork } from './follow-work.ts'

export const handleKey: unique symbol = Symbol.for('turnlog.instrumentation')

/** A decision to be recorded. Its hash is that of the redacted content, as it is known outside this machine. */
export interface DecisionRecord {
  readonly operationId: string
  readonly type: DecisionType
  readonly source: DecisionSource
  readonly reason?: string | undefined
  readonly outcome?: DecisionOutcome | undefined
  readonly resultSha256?: string | undefined
  /** From the operation's start to the decision. */
  readonly elapsedSeconds?: number | undefined
  readonly path?: string | undefined
  readonly traceId?: string | undefined
  readonly spanId?: string | undefined
}

/**
 * Revert is about to write a file; the returned function is called when it has. Without that, a child process that runs at
 * this moment would be taken for the writer. The path is absolute and has no links.
 */
export type BeginWrite = (path: string) => (() => void) | undefined

export interface ChangesHandle {
  /** Waits, bounded, until what was recorded so far is in the store. */
  refresh(): Promise<void>
  /** The store's folder. */
  readonly directory: string
  /** Only operations of this workspace are shown; the same text as `RecordedChange.workspace`. */
  readonly workspace: string
  /** `node:fs` as it was before the preload patched it; default: as it was when this module loaded. */
  readonly fileSystem?: FileSystem | undefined
  readonly beginWrite?: BeginWrite | undefined
}

/** None of its members throws. */
export interface TurnlogHandle {
  readonly changes?: ChangesHandle | undefined
  decide(decision: DecisionRecord): void
  /** The app has loaded the API: turns may come soon. */
  expectTurns?(): void
  /** `undefined`: the turn cannot be recorded. */
  openTurn?(options: TurnOptions): OpenWork<Turn> | undefined
  openToolCall?(options: ToolCallOptions): OpenWork<ToolCall> | undefined
  /** Records the operation under `id`. */
  fileOperation?(operation: FileOperation, id: string): void
}

export function findHandle(): TurnlogHandle | undefined {
  const found: unknown = Reflect.get(globalThis, handleKey)
  return isHandle(found) ? found : undefined
}

function isHandle(value: unknown): value is TurnlogHandle {
  return isObject(value) && typeof value.decide === 'function'
}
