/** What is in these spans of a trace? Contents by reference. */
import type { Reader, ReadLimits } from '../database.ts'
import type { SpanKey } from './span-keys-of-trace.ts'

export interface StoredSpan {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId: string | null
  /** Nanoseconds since 1970, as text: they are beyond 2^53. */
  readonly start: string
  readonly end: string | null
  /** The UTC day its contents are kept under. */
  readonly day: string
  readonly traceState: string | null
  readonly flags: number
  readonly name: string
  readonly kind: number
  readonly statusCode: number
  readonly statusMessage: string | null
  readonly serviceName: string | null
  readonly operation: string | null
  /** Whom the sender's token stands for, whatever the sender says. */
  readonly userId: string | null
  /** JSON text, as are those below: parsed by the driver, integers beyond 2^53 would be rounded. */
  readonly attributes: string
  readonly events: string | null
  readonly links: string | null
  readonly resource: string
  readonly scope: string
  readonly dropped: string | null
}

/** The columns, for other queries that read whole spans. */
export const spanColumns = `
         s.trace_id as "traceId",
         s.span_id as "spanId",
         s.parent_span_id as "parentSpanId",
         s.start_unix_nano::text as start,
         s.end_unix_nano::text as end,
         turnlog_day(s.start_time)::text as day,
         s.trace_state as "traceState",
         s.flags,
         s.name,
         s.kind,
         s.status_code as "statusCode",
         s.status_message as "statusMessage",
         s.service_name as "serviceName",
         s.operation,
         s.user_id as "userId",
         s.attributes::text as attributes,
         s.events::text as events,
         s.links::text as links,
         s.resource::text as resource,
         s.scope::text as scope,
         s.dropped_counts::text as dropped`

/** One row a key, asked for as such: so it is found by its key also where the planner knows nothing of the table yet. */
const text = `
  select ${spanColumns}
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

/** In the order of the keys; one that was dropped meanwhile is left out. */
export async function spansByKey(
  database: Reader,
  options: {
    readonly teamId: string
    readonly traceId: string
    readonly keys: readonly SpanKey[]
  } & ReadLimits,
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
