/** What are these traces, in one row each? Reads no attributes. */
import type { Reader, TeamRead } from '../database.ts'

export interface TraceSummary {
  readonly traceId: string
  readonly rootServiceName: string | null
  readonly rootOperationName: string
  /** Nanoseconds since 1970, as text. */
  readonly start: string
  readonly end: string
  readonly spans: number
  readonly failed: number
  /** Spans whose parent is missing. */
  readonly orphans: number
  readonly services: readonly {
    readonly name: string | null
    readonly spans: number
    readonly failed: number
  }[]
}

/** A trace without a root is named after its first span without a stored parent, else after its first span. */
const text = `
  with found as (
    select trace_id, span_id, parent_span_id, service_name, name, status_code,
           start_unix_nano, end_unix_nano
      from spans
     where team_id = $1 and trace_id = any ($2)   -- index: spans_pkey
  ), placed as (
    select f.*,
           case when f.parent_span_id is null then 0 when p.span_id is null then 1 else 2 end as rank
      from found f
      left join (select distinct trace_id, span_id from found) p
        on p.trace_id = f.trace_id and p.span_id = f.parent_span_id
  ), roots as (
    select distinct on (trace_id) trace_id, service_name, name
      from placed
     order by trace_id, rank, start_unix_nano, span_id
  ), services as (
    select trace_id,
           jsonb_agg(jsonb_build_object('name', service_name, 'spans', spans, 'failed', failed)
                     order by service_name) as list
      from (select trace_id, service_name, count(*) as spans,
                   count(*) filter (where status_code = 2) as failed
              from placed
             group by trace_id, service_name) s
     group by trace_id
  ), sums as (
    select trace_id,
           min(start_unix_nano) as start,
           greatest(max(end_unix_nano), max(start_unix_nano)) as end,
           count(*) as spans,
           count(*) filter (where status_code = 2) as failed,
           count(*) filter (where rank = 1) as orphans
      from placed
     group by trace_id
  )
  select trace_id as "traceId", r.service_name as "rootServiceName", r.name as "rootOperationName",
         t.start::text as start, t.end::text as end, t.spans, t.failed, t.orphans, s.list as services
    from sums t
    join roots r using (trace_id)
    join services s using (trace_id)`

/** In the order of the ids. */
export async function traceSummaries(
  database: Reader,
  options: TeamRead & { readonly traceIds: readonly string[] },
): Promise<readonly TraceSummary[]> {
  const { teamId, traceIds, ...limits } = options
  if (traceIds.length === 0) return []
  const rows = await database.read<TraceSummary>(text, [teamId, traceIds], limits)
  const byId = new Map(rows.map((row) => [row.traceId, row]))
  return traceIds.flatMap((traceId) => byId.get(traceId) ?? [])
}
