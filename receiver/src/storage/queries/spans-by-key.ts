/** What is in these spans? Contents are not read, only referred to. */
import type { Reader, TeamRead } from '../database.ts'
import type { SpanKey } from './span-keys-of-trace.ts'

export interface StoredSpan {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId: string | null
  /** Nanoseconds since 1970, as text: they are beyond 2^53. */
  readonly start: string
  readonly end: string | null
  /** The UTC day under which its contents are stored. */
  readonly day: string
  readonly traceState: string | null
  readonly flags: number
  readonly name: string
  readonly kind: number
  readonly statusCode: number
  readonly statusMessage: string | null
  readonly serviceName: string | null
  readonly operation: string | null
  /** The user of the sender's token, whatever the span says. */
  readonly userId: string | null
  /** JSON text, like those below: the driver's parser would round integers beyond 2^53. */
  readonly attributes: string
  readonly events: string | null
  readonly links: string | null
  readonly resource: string
  readonly scope: string
  readonly dropped: string | null
}

const columns = `
         s.trace_id as "traceId", s.span_id as "spanId", s.parent_span_id as "parentSpanId",
         s.start_unix_nano::text as start, s.end_unix_nano::text as end,
         turnlog_day(s.start_time)::text as day,
         s.trace_state as "traceState", s.flags, s.name, s.kind, s.status_code as "statusCode",
         s.status_message as "statusMessage", s.service_name as "serviceName", s.operation,
         s.user_id as "userId", s.attributes::text as attributes, s.events::text as events,
         s.links::text as links, s.resource::text as resource, s.scope::text as scope,
         s.dropped_counts::text as dropped`

/** The lateral join looks up each span by key, also while the planner has no statistics of the table. */
const text = `
  select ${columns}
    from unnest($3::text[], $4::bigint[]) with ordinality k (span_id, start, place)
   cross join lateral (
     select *
       from spans n
      where n.team_id = $1 and n.trace_id = $2
        and n.span_id = k.span_id and n.start_unix_nano = k.start   -- index: spans_pkey
        and n.start_time >= $5 and n.start_time <= $6
      limit 1
   ) s
   order by k.place`

/** In the order of the keys, without spans that were deleted meanwhile. */
export async function spansByKey(
  database: Reader,
  options: TeamRead & { readonly traceId: string; readonly keys: readonly SpanKey[] },
): Promise<readonly StoredSpan[]> {
  const { teamId, traceId, keys, ...limits } = options
  if (keys.length === 0) return []
  const starts = keys.map(({ start }) => start)
  const milliseconds = starts.map((start) => Number(BigInt(start) / 1_000_000n))
  const parameters = [
    teamId,
    traceId,
    keys.map(({ spanId }) => spanId),
    starts,
    new Date(Math.min(...milliseconds)),
    new Date(Math.max(...milliseconds) + 1),
  ]
  return database.read<StoredSpan>(text, parameters, limits)
}

const firstText = `
  select ${columns}
    from unnest($2::text[]) with ordinality t (trace_id, place)
   cross join lateral (
     select *
       from spans
      where team_id = $1 and trace_id = t.trace_id   -- index: spans_pkey
      order by parent_span_id is not null, start_unix_nano, span_id
      limit 1
   ) s
   order by t.place`

/** The span that represents each trace: its root, or else its first. In the order of the ids. */
export async function firstSpans(
  database: Reader,
  options: TeamRead & { readonly traceIds: readonly string[] },
): Promise<readonly StoredSpan[]> {
  const { teamId, traceIds, ...limits } = options
  if (traceIds.length === 0) return []
  return database.read<StoredSpan>(firstText, [teamId, traceIds], limits)
}
