/** Which child processes ran in this turn, and how far was the workspace compared around them? */
import { queryOfTurn } from './turn-read.ts'

export interface ProcessOfTurn {
  /** The span id of the tool call, else of the turn. */
  readonly spanId: string | null
  readonly program: string | null
  readonly command: string | null
  readonly exitCode: number | null
  readonly signal: string | null
  readonly filesChanged: number | null
  readonly filesNotCompared: number | null
  readonly partial: boolean | null
  readonly notComparedReason: string | null
  readonly recordedAt: Date
}

export const processesOfTurn = queryOfTurn<ProcessOfTurn>(`
  select span_id as "spanId", program,
         left(command, $3) as command,
         exit_code as "exitCode", signal, files_changed as "filesChanged",
         files_not_compared as "filesNotCompared", partial,
         not_compared_reason as "notComparedReason", recorded_at as "recordedAt"
    from processes
   where team_id = $1 and trace_id = $2   -- index: log_records_by_trace
   order by recorded_at
   limit $4`)
