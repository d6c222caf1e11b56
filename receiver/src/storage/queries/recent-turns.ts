/** Which turns are the most recent? Newest first, a page at a time, without reading contents. */
import type { Database } from '../database.ts'

export interface TurnSummary {
  readonly traceId: string
  readonly spanId: string
  readonly startedAt: Date
  /** The start in microseconds, for the next page. */
  readonly startedAtText: string
  readonly seconds: number | null
  readonly agent: string | null
  readonly model: string | null
  readonly transport: string | null
  readonly outcome: string | null
  readonly userId: string | null
  readonly conversationId: string | null
  readonly sessionId: string | null
  readonly promptPreview: string | null
  readonly answerPreview: string | null
  readonly modelCalls: number
  readonly toolCalls: number
  readonly fileOperations: number
  readonly inputTokens: number | null
  readonly outputTokens: number | null
}

export const turnsPerPage = 40

const text = `
  select trace_id as "traceId", span_id as "spanId", started_at as "startedAt",
         to_char(started_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as "startedAtText",
         extract(epoch from duration)::float8 as seconds,
         agent, model, transport, outcome, user_id as "userId", conversation_id as "conversationId",
         session_id as "sessionId", prompt_preview as "promptPreview", answer_preview as "answerPreview",
         model_calls as "modelCalls", tool_calls as "toolCalls", file_operations as "fileOperations",
         input_tokens as "inputTokens", output_tokens as "outputTokens"
    from turns
   where team_id = $1
     and ($2::timestamptz is null or (started_at, span_id) < ($2::timestamptz, $3))
     and ($4::text is null or session_id = $4)
   order by started_at desc, span_id desc   -- index: turns_by_time
   limit $5`

export async function recentTurns(
  database: Database,
  options: {
    readonly teamId: string
    readonly before?: { readonly startedAt: string; readonly spanId: string } | undefined
    readonly sessionId?: string | undefined
  },
): Promise<readonly TurnSummary[]> {
  const { teamId, before, sessionId } = options
  const parameters = [teamId, before?.startedAt, before?.spanId, sessionId, turnsPerPage + 1]
  return database.query<TurnSummary>(text, parameters)
}
