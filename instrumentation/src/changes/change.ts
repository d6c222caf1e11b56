/** A file operation in the local store, and the decisions about it. */

import {
  type DecisionOutcome,
  type DecisionSource,
  type DecisionType,
  decisionOutcomes,
  decisionSources,
  decisionTypes,
  type FileOperationType,
  fileOperationTypes,
  parseContentHash,
  parseFileOperationId,
} from '@turnlog/conventions'
import { asString, isObject } from '@turnlog/conventions/plain'

/** SHA-256 of a file's raw bytes. It never leaves this machine (see `uploaded`). */
export type RawHash = `sha256:${string}`

/** What a path held: these bytes, nothing, or content that was not stored (too large, unreadable, outside). */
export type FileState = RawHash | 'absent' | 'unknown'

/** Which of an operation's two paths is meant. */
export type PathRole = 'path' | 'previousPath'

export interface RecordedChange {
  /** A lowercase UUID, the same in the trace and in decisions. */
  readonly opId: string
  /** Relative to the workspace, with `/`; absolute when outside it. On a rename: the new path. */
  readonly path: string
  readonly absolutePath: string
  /** Absolute path of the workspace at the time. */
  readonly workspace: string
  readonly opType: FileOperationType
  /** ISO 8601, UTC. */
  readonly startedAt: string
  readonly traceId: string
  readonly spanId: string
  readonly sessionId: string
  readonly toolName?: string | undefined
  readonly toolCallId?: string | undefined
  readonly previousPath?: string | undefined
  readonly previousAbsolutePath?: string | undefined
  readonly before: FileState
  readonly after: FileState
  /** On a rename over an existing file: what the new path held. */
  readonly overwritten?: FileState | undefined
  /** Permission bits before the operation. */
  readonly mode?: number | undefined
  /** Permission bits of the file a rename overwrote. */
  readonly overwrittenMode?: number | undefined
  /**
   * The hashes of the redacted contents. Decisions name these, so that the hash of a secret does not leave this machine.
   * Absent: redaction changed nothing.
   */
  readonly uploaded?:
    | { readonly before?: string | undefined; readonly after?: string | undefined }
    | undefined
  /** Unified diff of the raw contents. */
  readonly diff?: string | undefined
  readonly linesAdded?: number | undefined
  readonly linesRemoved?: number | undefined
  readonly binary: boolean
}

/** One decision. A revert that failed is stored too, with outcome `conflict` or `missing`. */
export interface ChangeDecision {
  readonly type: DecisionType
  readonly source: DecisionSource
  readonly outcome: DecisionOutcome
  /** ISO 8601, UTC. */
  readonly decidedAt: string
  readonly reason?: string | undefined
  /** Raw hash of the file afterwards; absent when there is no file. */
  readonly resultSha256?: string | undefined
}

/** Whether a decision counts: a revert that was refused does not. */
export function counts(decision: ChangeDecision): boolean {
  return decision.type !== 'revert' || decision.outcome.startsWith('restored')
}

export function isRawHash(state: unknown): state is RawHash {
  return parseContentHash(state) !== undefined
}

export function parseFileState(value: unknown): FileState | undefined {
  return value === 'absent' || value === 'unknown' || isRawHash(value) ? value : undefined
}

/** Undefined if a required field is missing or malformed; unknown fields are left out. */
export function parseRecordedChange(value: unknown): RecordedChange | undefined {
  if (!isObject(value)) return undefined
  const before = parseFileState(value.before)
  const after = parseFileState(value.after)
  const opType = fileOperationTypes.find((type) => type === value.opType)
  const startedAt = asString(value.startedAt)
  const [opId, path, absolutePath] = [
    parseFileOperationId(value.opId),
    asString(value.path),
    asString(value.absolutePath),
  ]
  const [workspace, traceId] = [asString(value.workspace), asString(value.traceId)]
  const [spanId, sessionId] = [asString(value.spanId), asString(value.sessionId)]
  if (before === undefined || after === undefined || opType === undefined) return undefined
  if (startedAt === undefined || Number.isNaN(Date.parse(startedAt))) return undefined
  if (opId === undefined || path === undefined || absolutePath === undefined) return undefined
  if (workspace === undefined || traceId === undefined) return undefined
  if (spanId === undefined || sessionId === undefined) return undefined
  const uploaded = isObject(value.uploaded) ? value.uploaded : undefined
  return {
    opId,
    path,
    absolutePath,
    workspace,
    opType,
    startedAt,
    traceId,
    spanId,
    sessionId,
    toolName: asString(value.toolName),
    toolCallId: asString(value.toolCallId),
    previousPath: asString(value.previousPath),
    previousAbsolutePath: asString(value.previousAbsolutePath),
    before,
    after,
    overwritten: parseFileState(value.overwritten),
    mode: count(value.mode),
    overwrittenMode: count(value.overwrittenMode),
    uploaded: uploaded && { before: asString(uploaded.before), after: asString(uploaded.after) },
    diff: asString(value.diff),
    linesAdded: count(value.linesAdded),
    linesRemoved: count(value.linesRemoved),
    binary: value.binary === true,
  }
}

export function parseChangeDecision(value: unknown): ChangeDecision | undefined {
  if (!isObject(value)) return undefined
  const type = decisionTypes.find((known) => known === value.type)
  const source = decisionSources.find((known) => known === value.source)
  const outcome = decisionOutcomes.find((known) => known === value.outcome)
  const decidedAt = asString(value.decidedAt)
  if (type === undefined || source === undefined || outcome === undefined) return undefined
  if (decidedAt === undefined || Number.isNaN(Date.parse(decidedAt))) return undefined
  const [reason, resultSha256] = [asString(value.reason), asString(value.resultSha256)]
  return { type, source, outcome, decidedAt, reason, resultSha256 }
}

function count(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined
}
