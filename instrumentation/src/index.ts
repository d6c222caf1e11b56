/** The public API. Without the preload every call does nothing. */
import type { DecisionOutcome, DecisionSource, DecisionType } from '@turnlog/conventions'
import { findHandle } from './changes/handle.ts'

export interface Decision {
  /** The file operation's id, as `GET /api/changes/recent` gives it. */
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

/** Records what was said of a file operation, for apps that review changes in a place of their own. Never throws. */
export function decide(decision: Decision): void {
  findHandle()?.decide(decision)
}
