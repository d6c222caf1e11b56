/**
 * A file operation in the local store, its file's name and JSON, and the decisions about it.
 *
 * The file of an operation is valid if and only if it is JSON of at most 1 MiB with `schema` 1, every required field is well
 * formed, and its name matches its start and id. A newer schema is foreign, not damaged.
 */

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
import { asString, isObject, parseObject } from '@turnlog/conventions/plain'

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
  /** ISO 8601, UTC, with microseconds, so that operations of one millisecond have an order. */
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
  /** How it was observed: `fs`, `process` or `api`. */
  readonly source?: string | undefined
  /** The call failed, and had changed the file. */
  readonly errorType?: string | undefined
  /** Nothing shows which tool call, or which child process, did it. */
  readonly isShared?: boolean | undefined
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
  const opId = parseFileOperationId(value.opId)
  const { path, absolutePath, workspace, startedAt, traceId, spanId, sessionId, uploaded } = value
  if (before === undefined || after === undefined || opType === undefined) return undefined
  if (!isTime(startedAt) || opId === undefined || typeof path !== 'string') return undefined
  if (typeof absolutePath !== 'string' || typeof workspace !== 'string') return undefined
  if (typeof traceId !== 'string' || typeof spanId !== 'string') return undefined
  if (typeof sessionId !== 'string') return undefined
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
    uploaded: isObject(uploaded)
      ? { before: asString(uploaded.before), after: asString(uploaded.after) }
      : undefined,
    diff: asString(value.diff),
    linesAdded: count(value.linesAdded),
    linesRemoved: count(value.linesRemoved),
    binary: value.binary === true,
    source: asString(value.source),
    errorType: asString(value.errorType),
    isShared: value.isShared === true || undefined,
  }
}

export function parseChangeDecision(value: unknown): ChangeDecision | undefined {
  if (!isObject(value)) return undefined
  const type = decisionTypes.find((known) => known === value.type)
  const source = decisionSources.find((known) => known === value.source)
  const outcome = decisionOutcomes.find((known) => known === value.outcome)
  const { decidedAt } = value
  if (type === undefined || source === undefined || outcome === undefined) return undefined
  if (!isTime(decidedAt)) return undefined
  const [reason, resultSha256] = [asString(value.reason), asString(value.resultSha256)]
  return { type, source, outcome, decidedAt, reason, resultSha256 }
}

function isTime(value: unknown): value is string {
  return typeof value === 'string' && !Number.isNaN(Date.parse(value))
}

function count(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined
}

export interface StoredOperation {
  /** `diff` is absent where it was too large: see `diffHash`. */
  readonly change: RecordedChange
  /** The content that holds a diff above 16 KiB. */
  readonly diffHash: RawHash | undefined
}

export type DecodedOperation =
  | { readonly status: 'operation'; readonly operation: StoredOperation }
  | { readonly status: 'foreign' | 'damaged' }

const schema = 1
/** We write far less: a diff in it has at most 16 KiB. */
const bytesMax = 1024 ** 2

/** Sorts by time. */
export function operationName({ startedAt, opId }: RecordedChange): string {
  return `${String(Math.max(0, Date.parse(startedAt))).padStart(13, '0')}-${opId}.json`
}

/** Undefined for names that are not an operation's. */
export function parseOperationName(
  name: string,
): { readonly opId: string; readonly startedAtMs: number } | undefined {
  const match = /^(\d{13})-([0-9a-f-]{36})\.json$/.exec(name)
  const [startedAtMs, opId] = [match?.[1], match?.[2]]
  if (startedAtMs === undefined || opId === undefined) return undefined
  return { opId, startedAtMs: Number(startedAtMs) }
}

export function encodeOperation({ change, diffHash }: StoredOperation): Uint8Array {
  return Buffer.from(JSON.stringify({ schema, ...change, diffHash }))
}

export function decodeOperation(name: string, bytes: Uint8Array): DecodedOperation {
  if (bytes.byteLength > bytesMax) return { status: 'damaged' }
  const value = parseObject(Buffer.from(bytes).toString())
  if (value === undefined) return { status: 'damaged' }
  if (typeof value.schema === 'number' && value.schema > schema) return { status: 'foreign' }
  const change = parseRecordedChange(value)
  if (change === undefined || operationName(change) !== name) return { status: 'damaged' }
  const diffHash = isRawHash(value.diffHash) ? value.diffHash : undefined
  return { status: 'operation', operation: { change, diffHash } }
}
