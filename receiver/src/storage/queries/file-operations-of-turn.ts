/** Which files did this turn touch, how, and what was decided about it? */
import { queryOfTurn } from './turn-read.ts'

export interface FileOperation {
  readonly spanId: string
  readonly parentSpanId: string | null
  readonly operationId: string | null
  readonly type: string
  readonly path: string | null
  readonly previousPath: string | null
  readonly startedAt: Date
  /** Also null when the duration is unknown. */
  readonly endedAt: Date | null
  readonly diff: string | null
  readonly linesAdded: number | null
  readonly linesRemoved: number | null
  readonly beforeSha256: string | null
  readonly afterSha256: string | null
  readonly beforeSize: number | null
  readonly afterSize: number | null
  readonly beforeOmitted: string | null
  readonly afterOmitted: string | null
  readonly binary: boolean | null
  readonly decision: string | null
  readonly errorType: string | null
  readonly shared: boolean | null
  readonly open: boolean | null
  readonly merged: number | null
}

export const fileOperationsOfTurn = queryOfTurn<FileOperation>(`
  select span_id as "spanId", parent_span_id as "parentSpanId", operation_id as "operationId", type, path,
         previous_path as "previousPath", started_at as "startedAt",
         case when duration is not null then ended_at end as "endedAt",
         left(diff, $3) as diff,
         lines_added as "linesAdded", lines_removed as "linesRemoved", before_sha256 as "beforeSha256",
         after_sha256 as "afterSha256", before_size as "beforeSize", after_size as "afterSize",
         before_omitted as "beforeOmitted", after_omitted as "afterOmitted", "binary", decision,
         error_type as "errorType", shared, open, merged
    from file_operations
   where team_id = $1 and trace_id = $2   -- index: spans_pkey
   order by started_at, span_id
   limit $4`)
