/**
 * What a request becomes: rows, named as the columns they land in, and what could not become one.
 *
 * received = records + content parts + rejects. Times are text in microseconds, null is SQL's.
 */

import type { Claim, PointKind } from '../wire/request.ts'
import type { ContentRow, MessageLinkRow } from './contents.ts'

interface RecordRow {
  readonly service_name: string | null
  readonly session_id: string | null
  readonly user_id: string | null
  readonly recorder_id: string | null
  readonly sequence: bigint | null
  readonly conversation_id: string | null
  readonly trace_id: string | null
  readonly span_id: string | null
  readonly flags: number
  readonly file_path: string | null
  readonly file_operation_id: string | null
  readonly error_type: string | null
  readonly abandoned: boolean
  /** JSON text, as are the four below. */
  readonly attributes: string
  readonly resource: string
  readonly scope: string
  readonly dropped_counts: string | null
}

export interface SpanRow extends RecordRow {
  readonly trace_id: string
  readonly span_id: string
  readonly start_time: string
  readonly end_time: string | null
  readonly start_unix_nano: bigint
  readonly end_unix_nano: bigint | null
  readonly parent_span_id: string | null
  readonly trace_state: string | null
  readonly name: string
  readonly kind: number
  readonly status_code: number
  readonly status_message: string | null
  readonly operation: string | null
  readonly agent_name: string | null
  readonly tool_name: string | null
  readonly tool_call_id: string | null
  readonly request_model: string | null
  readonly response_model: string | null
  readonly input_tokens: bigint | null
  readonly output_tokens: bigint | null
  readonly cache_read_tokens: bigint | null
  readonly cache_write_tokens: bigint | null
  readonly reasoning_tokens: bigint | null
  readonly file_operation_type: string | null
  readonly events: string | null
  readonly links: string | null
}

export interface LogRow extends RecordRow {
  readonly record_key: string
  readonly time: string
  readonly time_unix_nano: bigint
  readonly observed_time: string | null
  readonly event_name: string | null
  readonly severity_number: number
  readonly severity_text: string | null
  readonly body: string
}

/** Lists of numbers are arrays of PostgreSQL; the other structures are JSON text. */
export interface PointRow {
  readonly stream_sha256: Buffer
  readonly point_sha256: Buffer
  readonly time: string
  readonly time_unix_nano: bigint
  readonly start_time: string | null
  readonly start_unix_nano: bigint | null
  readonly name: string
  readonly description: string | null
  readonly unit: string | null
  readonly kind: PointKind
  readonly temporality: string | null
  readonly monotonic: boolean | null
  readonly flags: number
  readonly value: number | null
  readonly value_integer: bigint | null
  readonly count: bigint | null
  readonly sum: number | null
  readonly min: number | null
  readonly max: number | null
  readonly bucket_counts: readonly bigint[] | null
  readonly bucket_bounds: readonly number[] | null
  readonly exponential: string | null
  readonly quantiles: string | null
  readonly exemplars: string | null
  readonly metadata: string | null
  readonly service_name: string | null
  readonly session_id: string | null
  readonly user_id: string | null
  readonly recorder_id: string | null
  /** Data points are neither numbered nor closed by somebody else. */
  readonly sequence: null
  readonly abandoned: false
  readonly attributes: string
  readonly resource: string
  readonly scope: string
}

/** One record that may land, and what lands with it. */
export interface Item<Row> {
  /** Equal keys are the same record. */
  readonly key: string
  readonly row: Row
  /** The record's own time, for the session's first and last sign of life. */
  readonly time: string
  /** Keys into `contents` and `links` of the batch; what is in neither comes by itself. */
  readonly contentKeys: readonly string[]
  /** What made it. */
  readonly origin: SessionOrigin
  /** What a log event says of its recorder. */
  readonly news?: RecorderNews | undefined
  readonly claim?: Claim | undefined
}

/** What runs, and on what. */
export interface SessionOrigin {
  readonly serviceVersion: string | null
  /** JSON text of what is small of the resource, the same for all days. */
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

/** A recorder named by a resource of the request. */
export interface RecorderRow {
  readonly recorderId: string
  readonly sessionId: string | null
  readonly userId: string | null
  readonly serviceName: string | null
  readonly serviceVersion: string | null
  /** JSON text of the resource's attributes. */
  readonly resource: string
  readonly recordedThrough: bigint | null
}

/** Parts of contents that came apart from their records. */
export interface ContentParts {
  /** Contents that are whole in the request: their keys in `contents`, and in how many parts they came. */
  readonly wholes: readonly { readonly key: string; readonly parts: number }[]
  /** Each once. */
  readonly parts: readonly PartRow[]
  /** How many came again in the same request. */
  readonly repeats: number
}

export interface PartRow {
  readonly day: string
  /** Of the whole content, as is its size. */
  readonly sha256: Buffer
  readonly size: number
  readonly part: number
  readonly parts: number
  /** Parts of different senders are not mixed: they may have been cut differently. */
  readonly sender: string
  readonly recorder_id: string | null
  readonly bytes: Uint8Array
}

interface Shared {
  readonly rejects: readonly Reject[]
  readonly recorders: readonly RecorderRow[]
  readonly contents: ReadonlyMap<string, ContentRow>
  readonly links: ReadonlyMap<string, MessageLinkRow>
  /** Only logs have some. */
  readonly contentParts?: ContentParts | undefined
}

export type Batch =
  | (Shared & { readonly signal: 'traces'; readonly items: readonly Item<SpanRow>[] })
  | (Shared & { readonly signal: 'logs'; readonly items: readonly Item<LogRow>[] })
  | (Shared & { readonly signal: 'metrics'; readonly items: readonly Item<PointRow>[] })
