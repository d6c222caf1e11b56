/**
 * The batch that a request becomes: rows, with members named as their columns, and rejected records.
 *
 * received = items + content parts + rejects. Times are text in microseconds; null is SQL's null.
 */

import type { Claim, PointKind } from '../wire/request.ts'
import type * as tables from './columns.ts'
import type { ContentRow, MessageLinkRow } from './contents.ts'

/** A `uint32`, which PostgreSQL only holds as `bigint`. */
interface Flags {
  readonly flags: number
}

export type SpanRow = tables.RowOf<typeof tables.spans.columns, Flags>
export type LogRow = tables.RowOf<typeof tables.logRecords.columns, Flags>

/** Lists of numbers are arrays of PostgreSQL; the other structures are JSON text. */
export interface PointRow
  extends tables.RowOf<typeof tables.metricPoints.columns, Flags & { readonly kind: PointKind }> {
  /** Data points have no sequence, and are never closed on behalf of a dead recorder. */
  readonly sequence: null
  readonly abandoned: false
}

export type RecorderRow = tables.RowOf<typeof tables.recorders.columns>
export type SessionRow = tables.RowOf<typeof tables.sessionLifetimes.columns>

/** One record that may land, and what lands with it. */
export interface Item<Row> {
  /** Equal keys are the same record. */
  readonly key: string
  readonly row: Row
  /** The record's own time, for the session's first and last sign of life. */
  readonly time: string
  /** Keys into `contents` and `links` of the batch; a key in neither is of a content that travels apart. */
  readonly contentKeys: readonly string[]
  readonly origin: SessionOrigin
  /** What a log event states about its recorder. */
  readonly news?: RecorderNews | undefined
  readonly claim?: Claim | undefined
  /** A turn or tool call that may go on: any later record with its key replaces this one. */
  readonly isWaiting?: boolean
}

/** A record that may land, or why it is rejected. */
export type RowResult<Row> = { readonly status: 'row'; readonly item: Item<Row> } | Rejected
export interface Rejected {
  readonly status: 'rejected'
  readonly reason: string
}

export function rejected(reason: string): Rejected {
  return { status: 'rejected', reason }
}

/** The app that made a record, and its machine. */
export interface SessionOrigin {
  readonly serviceVersion: string | null
  /** JSON text of the resource's small attributes, the same for all days. */
  small(): string
}

export interface RecorderNews {
  readonly startedAt?: string
  readonly endedAt?: string
  readonly isEndAbandoned?: boolean
  readonly exitCode?: bigint | null
  readonly lastSequence?: bigint | null
  /** Sequences declared lost, first and last. */
  readonly dropped?: readonly [bigint, bigint]
}

export interface Reject {
  readonly reason: string
  readonly recorderId: string | null
  readonly sequence: bigint | null
  readonly claim?: Claim | undefined
}

/** A recorder that a resource of the request names, with what the resource says of it. */
export type NamedRecorder = Pick<
  RecorderRow,
  | 'recorder_id'
  | 'session_id'
  | 'user_id'
  | 'service_name'
  | 'service_version'
  | 'resource'
  | 'recorded_through'
>

/** Contents that travelled apart from their records. */
export interface ContentParts {
  /** Contents that are complete in the request: their keys in `contents`, and the number of their parts. */
  readonly wholes: readonly { readonly key: string; readonly parts: number }[]
  /** Parts of the other contents, each once. */
  readonly parts: readonly PartRow[]
  /** Parts that came more than once in the request. */
  readonly repeats: number
}

export interface PartRow {
  readonly day: string
  /** Hash and size are those of the whole content. */
  readonly sha256: Buffer
  readonly size: number
  readonly part: number
  readonly parts: number
  /** Parts of different senders are not joined: they may have been cut differently. */
  readonly sender: string
  readonly recorder_id: string | null
  readonly bytes: Uint8Array
}

interface Shared {
  readonly rejects: readonly Reject[]
  readonly recorders: readonly NamedRecorder[]
  readonly contents: ReadonlyMap<string, ContentRow>
  readonly links: ReadonlyMap<string, MessageLinkRow>
  /** Only in requests of logs. */
  readonly contentParts?: ContentParts | undefined
}

export type Batch =
  | (Shared & { readonly signal: 'traces'; readonly items: readonly Item<SpanRow>[] })
  | (Shared & { readonly signal: 'logs'; readonly items: readonly Item<LogRow>[] })
  | (Shared & { readonly signal: 'metrics'; readonly items: readonly Item<PointRow>[] })
