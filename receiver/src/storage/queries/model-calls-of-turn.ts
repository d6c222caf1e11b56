/** Which model calls did this turn make, and what was new in each? */
import type { Database } from '../database.ts'
import { queryOfTurn, type TurnRead } from './turn-read.ts'

export interface ModelCall {
  readonly spanId: string
  readonly name: string
  readonly startedAt: Date
  readonly endedAt: Date | null
  readonly requestModel: string | null
  readonly responseModel: string | null
  readonly systemInstructions: string | null
  readonly toolDefinitions: string | null
  readonly outputMessages: string | null
  /** The messages that the previous call had not sent, each as JSON text. */
  readonly newMessages: readonly NewMessage[]
  /** All messages as one text, if they are not stored as a list. */
  readonly inputText: string | null
  readonly inputCount: number | null
  readonly inputTokens: number | null
  readonly outputTokens: number | null
  readonly cacheReadTokens: number | null
  readonly cacheWriteTokens: number | null
  readonly firstChunkSeconds: number | null
  readonly finishReasons: unknown
  readonly stream: boolean | null
  readonly httpStatus: number | null
  readonly attempts: number | null
  readonly errorType: string | null
  readonly errorMessage: string | null
  readonly abandoned: boolean
  readonly aborted: boolean | null
}

export interface NewMessage {
  readonly spanId: string
  readonly place: number
  /** Null when the message is not text. */
  readonly text: string | null
}

const calls = queryOfTurn<Omit<ModelCall, 'newMessages'>>(`
  select m.span_id as "spanId", m.name, m.started_at as "startedAt", m.ended_at as "endedAt",
         m.request_model as "requestModel", m.response_model as "responseModel",
         left(m.system_instructions, $3) as "systemInstructions",
         left(m.tool_definitions, $3) as "toolDefinitions",
         left(m.output_messages, $3) as "outputMessages",
         case when not s.attributes -> 'gen_ai.input.messages' ? 'turnlog.messages'
              then left(m.input_messages, $3) end as "inputText",
         turnlog_integer(s.attributes #> '{gen_ai.input.messages,count}') as "inputCount",
         m.input_tokens as "inputTokens", m.output_tokens as "outputTokens",
         m.cache_read_tokens as "cacheReadTokens", m.cache_write_tokens as "cacheWriteTokens",
         extract(epoch from m.time_to_first_chunk)::float8 as "firstChunkSeconds",
         m.finish_reasons as "finishReasons", m.stream, m.http_status as "httpStatus", m.attempts,
         m.error_type as "errorType", m.error_message as "errorMessage", m.abandoned, m.aborted
    from model_calls m
    join spans s
      on s.team_id = m.team_id and s.trace_id = m.trace_id and s.span_id = m.span_id
     and s.start_time = m.started_at
   where m.team_id = $1 and m.trace_id = $2   -- index: spans_pkey
   order by m.started_at, m.span_id
   limit $4`)

/** If two calls share a link, they share all messages before it. */
const newMessages = queryOfTurn<NewMessage>(`
  with calls as (
    select s.span_id, s.team_id,
           turnlog_day(s.start_time) as day,
           turnlog_hash(s.attributes #>> '{gen_ai.input.messages,turnlog.messages}') as list,
           lag(turnlog_hash(s.attributes #>> '{gen_ai.input.messages,turnlog.messages}'))
             over (order by s.start_time, s.span_id) as list_before
      from model_calls m
      join spans s
        on s.team_id = m.team_id and s.trace_id = m.trace_id and s.span_id = m.span_id
       and s.start_time = m.started_at
     where m.team_id = $1 and m.trace_id = $2   -- index: spans_pkey
     order by s.start_time, s.span_id
     limit $4
  )
  select c.span_id as "spanId", m.place, left(turnlog_expand(c.team_id, c.day, m.message_body), $3) as text
    from calls c
   cross join lateral (
     select place, message_body, max(place) filter (where link = c.list_before) over () as shared
       from turnlog_messages(c.team_id, c.day, c.list)
   ) m
   where m.place > coalesce(m.shared, 0)
   order by c.span_id, m.place
   limit $4`)

export async function modelCallsOfTurn(
  database: Database,
  turn: TurnRead,
): Promise<readonly ModelCall[]> {
  const [found, messages] = await Promise.all([calls(database, turn), newMessages(database, turn)])
  const bySpan = Map.groupBy(messages, ({ spanId }) => spanId)
  return found.map((call) => ({ ...call, newMessages: bySpan.get(call.spanId) ?? [] }))
}
