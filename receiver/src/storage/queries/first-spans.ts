/** Which span represents each of these traces? Its root, or else its first. Contents are not read, only referred to. */
import type { Reader, ReadLimits } from '../database.ts'
import { type StoredSpan, spanColumns } from './spans-by-key.ts'

const text = `
  select ${spanColumns}
    from unnest($2::text[]) with ordinality t (trace_id, place)
   cross join lateral (
     select *
       from spans
      where team_id = $1 and trace_id = t.trace_id   -- index: spans_pkey
      order by parent_span_id is not null, start_unix_nano, span_id
      limit 1
   ) s
   order by t.place`

/** In the order of the ids. */
export async function firstSpans(
  database: Reader,
  options: { readonly teamId: string; readonly traceIds: readonly string[] } & ReadLimits,
): Promise<readonly StoredSpan[]> {
  const { teamId, traceIds, ...limits } = options
  if (traceIds.length === 0) return []
  return database.read<StoredSpan>(text, [teamId, traceIds], limits)
}
