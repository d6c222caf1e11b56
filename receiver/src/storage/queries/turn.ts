/** What happened in this turn? Reads all of its trace, and contents up to a length. */
import type { Database } from '../database.ts'
import { awaitedOfTurn } from './awaited-contents.ts'
import { decisionsOfTurn, errorsOfTurn } from './events-of-turn.ts'
import { fileOperationsOfTurn } from './file-operations-of-turn.ts'
import { linkedTurns } from './linked-turns.ts'
import { modelCallsOfTurn } from './model-calls-of-turn.ts'
import { processesOfTurn } from './processes-of-turn.ts'
import { toolCallsOfTurn } from './tool-calls-of-turn.ts'

/** Characters of a content on a page; one more is read, to know whether the content is longer. */
export const contentLengthMax = 64 * 1024
/** Records of each kind that are read for a page. */
export const recordsMax = 500

export interface Turn {
  readonly traceId: string
  readonly spanId: string
  readonly sessionId: string | null
  readonly userId: string | null
  readonly conversationId: string | null
  readonly agent: string | null
  readonly transport: string | null
  readonly startedAt: Date
  /** Also null when the duration is unknown. */
  readonly endedAt: Date | null
  readonly outcome: string | null
  readonly prompt: string | null
  readonly promptBytes: number | null
  readonly answer: string | null
  readonly answerBytes: number | null
  readonly model: string | null
  readonly inputTokens: number | null
  readonly outputTokens: number | null
  readonly cacheReadTokens: number | null
  readonly cacheWriteTokens: number | null
  readonly errorType: string | null
  readonly urlPath: string | null
  readonly httpStatus: number | null
}

const text = `
  select trace_id as "traceId", span_id as "spanId", session_id as "sessionId", user_id as "userId",
         conversation_id as "conversationId", agent, transport, started_at as "startedAt",
         case when duration is not null then ended_at end as "endedAt",
         outcome,
         left(prompt, $3) as prompt,
         octet_length(prompt_bytes) as "promptBytes",
         left(answer, $3) as answer,
         octet_length(answer_bytes) as "answerBytes",
         model, input_tokens as "inputTokens", output_tokens as "outputTokens",
         cache_read_tokens as "cacheReadTokens", cache_write_tokens as "cacheWriteTokens",
         error_type as "errorType", url_path as "urlPath", http_status as "httpStatus"
    from turns
   where team_id = $1 and trace_id = $2   -- index: spans_pkey
   order by started_at, span_id
   limit 1`

/** Undefined when there is no such turn. */
export async function wholeTurn(
  database: Database,
  { teamId, traceId }: { readonly teamId: string; readonly traceId: string },
) {
  const [turn] = await database.query<Turn>(text, [teamId, traceId, contentLengthMax + 1])
  if (turn === undefined) return undefined
  const limits = { teamId, traceId, lengthMax: contentLengthMax + 1, rowsMax: recordsMax }
  const [linked, modelCalls, toolCalls, fileOperations, processes, decisions, errors, awaited] =
    await Promise.all([
      linkedTurns(database, limits),
      modelCallsOfTurn(database, limits),
      toolCallsOfTurn(database, limits),
      fileOperationsOfTurn(database, limits),
      processesOfTurn(database, limits),
      decisionsOfTurn(database, limits),
      errorsOfTurn(database, limits),
      awaitedOfTurn(database, limits),
    ])
  return {
    turn,
    linked,
    modelCalls,
    toolCalls,
    fileOperations,
    processes,
    decisions,
    errors,
    awaited,
  }
}
export type WholeTurn = NonNullable<Awaited<ReturnType<typeof wholeTurn>>>
