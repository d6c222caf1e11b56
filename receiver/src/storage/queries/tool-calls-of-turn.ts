/** Which tools did this turn call, with what, and what did they answer? */
import { queryOfTurn } from './turn-read.ts'

export interface ToolCall {
  readonly spanId: string
  readonly tool: string | null
  readonly callId: string | null
  readonly startedAt: Date
  /** Also null when the duration is unknown. */
  readonly endedAt: Date | null
  readonly arguments: string | null
  readonly argumentsBytes: number | null
  readonly result: string | null
  readonly resultBytes: number | null
  readonly errorType: string | null
  readonly errorMessage: string | null
  readonly inferred: boolean | null
  readonly unfinished: boolean | null
  readonly abandoned: boolean
  readonly aborted: boolean | null
  /** What a person decided about it: `accept` or `reject`. */
  readonly decision: string | null
  readonly fileOperationsLeftOut: number | null
}

export const toolCallsOfTurn = queryOfTurn<ToolCall>(`
  select span_id as "spanId", tool, call_id as "callId", started_at as "startedAt",
         case when duration is not null then ended_at end as "endedAt",
         left(arguments, $3) as arguments,
         octet_length(arguments_bytes) as "argumentsBytes",
         left(result, $3) as result,
         octet_length(result_bytes) as "resultBytes",
         error_type as "errorType", error_message as "errorMessage", inferred, unfinished, abandoned, aborted,
         decision, file_operations_left_out as "fileOperationsLeftOut"
    from tool_calls
   where team_id = $1 and trace_id = $2   -- index: spans_pkey
   order by started_at, span_id
   limit $4`)
