/** What was decided about this turn's file operations, and what went wrong in it? */
import { queryOfTurn } from './turn-read.ts'

export interface TurnDecision {
  readonly operationId: string | null
  readonly decision: string | null
  readonly source: string | null
  readonly reason: string | null
  readonly outcome: string | null
  readonly path: string | null
  readonly decidedAt: Date
  readonly seconds: number | null
}

export interface ErrorOfTurn {
  readonly occurredAt: Date
  readonly type: string | null
  readonly message: string | null
  readonly stacktrace: string | null
  readonly origin: string | null
}

/** Found by the operation: a decision from another day, or of a client that knew only the operation, names no trace. */
export const decisionsOfTurn = queryOfTurn<TurnDecision>(`
  select operation_id as "operationId", decision, source,
         left(reason, $3) as reason,
         outcome, path, decided_at as "decidedAt",
         extract(epoch from elapsed)::float8 as seconds
    from change_decisions
   where team_id = $1
     and (trace_id = $2   -- index: log_records_by_trace
          or operation_id = any (array(   -- index: log_records_by_file_operation
            select file_operation_id
              from spans
             where team_id = $1 and trace_id = $2 and file_operation_id is not null)))
   order by decided_at
   limit $4`)

/** Exceptions, with their stacks, also if another record counts as the error: failed spans are shown at their own steps. */
export const errorsOfTurn = queryOfTurn<ErrorOfTurn>(`
  select time as "occurredAt", error_type as type,
         left(turnlog_text(team_id, turnlog_day(time), attributes -> 'exception.message'), $3) as message,
         left(turnlog_text(team_id, turnlog_day(time), attributes -> 'exception.stacktrace'), $3) as stacktrace,
         attributes ->> 'turnlog.error.origin' as origin
    from log_records
   where team_id = $1 and trace_id = $2   -- index: log_records_by_trace
     and (event_name = 'exception' or error_type is not null)
     and turnlog_boolean(attributes -> 'turnlog.aborted') is not true
   order by time
   limit $4`)
