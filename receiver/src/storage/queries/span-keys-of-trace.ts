/** Which spans does this trace have, in which order, and how large are they? Read first; the spans then follow in parts. */
import type { Reader, TeamRead } from '../database.ts'

export interface SpanKey {
  readonly spanId: string
  readonly parentSpanId: string | null
  /** Nanoseconds since 1970, as text. Two spans may have one id; id and start identify a span. */
  readonly start: string
  /** Its size as stored: large values are compressed. */
  readonly bytes: number
}

/** Of spans with equal starts, roots come first, and siblings in the order of their sequence. */
const byTime = 'start_unix_nano, parent_span_id is not null, sequence nulls last, span_id'

/** By time; or by resource and scope, and then by time. */
const orders = {
  time: byTime,
  origin: `jsonb_hash_extended(resource, 0), jsonb_hash_extended(scope, 0), ${byTime}`,
} as const
export type SpanOrder = keyof typeof orders

const textBy = (order: SpanOrder) => `
  select span_id as "spanId", parent_span_id as "parentSpanId", start_unix_nano::text as start,
         pg_column_size(attributes) + pg_column_size(resource)
           + coalesce(pg_column_size(events), 0) + coalesce(pg_column_size(links), 0) as bytes
    from spans
   where team_id = $1 and trace_id = $2   -- index: spans_pkey
   order by ${orders[order]}
   limit $3`

export async function spanKeysOfTrace(
  database: Reader,
  options: TeamRead & {
    readonly traceId: string
    readonly order: SpanOrder
    readonly rowsMax: number
  },
): Promise<readonly SpanKey[]> {
  const { teamId, traceId, order, rowsMax, ...limits } = options
  return database.read<SpanKey>(textBy(order), [teamId, traceId, rowsMax], limits)
}
