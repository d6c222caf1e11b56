/** Which turns does this turn link to? The one that it goes on from, or one that has asked for it. */
import { queryOfTurn } from './turn-read.ts'

export interface LinkedTurn {
  readonly traceId: string
  /** `turnlog.link.type`. */
  readonly type: string | null
  readonly promptPreview: string | null
  readonly startedAt: Date
}

/** A link may also lead to a span of another program, or to a turn that has not landed: these are left out. */
export const linkedTurns = queryOfTurn<LinkedTurn>(`
  select l.trace_id as "traceId", k.type, left(l.prompt_preview, $3) as "promptPreview", l.started_at as "startedAt"
    from (
      select link ->> 'trace_id' as trace_id, min(link -> 'attributes' ->> 'turnlog.link.type') as type
        from spans s
       cross join lateral jsonb_array_elements(s.links) link
       where s.team_id = $1 and s.trace_id = $2   -- index: spans_pkey
         and s.operation = 'invoke_agent' and s.links is not null
       group by 1
    ) k
   cross join lateral (
     select t.trace_id, t.prompt_preview, t.started_at
       from turns t
      where t.team_id = $1 and t.trace_id = k.trace_id   -- index: spans_pkey
      order by t.started_at, t.span_id
      limit 1
   ) l
   where k.trace_id <> $2
   order by l.started_at, l.trace_id
   limit $4`)
