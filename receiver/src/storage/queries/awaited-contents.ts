/** Which contents do the spans of this turn refer to that have not arrived? */
import type { Database } from '../database.ts'
import { type ContentName, contentNames } from './content-of-span.ts'

/** Awaited contents, by `awaitedKey`. Some may have arrived meanwhile: only contents without text are looked up here. */
export type AwaitedContents = ReadonlySet<string>

export function awaitedKey(spanId: string, name: ContentName): string {
  return `${spanId} ${contentNames[name]}`
}

const text = `
  select s.span_id || ' ' || a.name as key
    from spans s
   cross join lateral jsonb_each(s.attributes) as a (name, value)
   where s.team_id = $1 and s.trace_id = $2   -- index: spans_pkey
     and a.name = any ($3) and jsonb_typeof(a.value) = 'object'
     and turnlog_awaited(s.team_id, turnlog_day(s.start_time), a.value)
   order by s.start_time, s.span_id
   limit $4`

/** At most as many as a page shows. */
const awaitedMax = 2_000

export async function awaitedOfTurn(
  database: Database,
  { teamId, traceId }: { readonly teamId: string; readonly traceId: string },
): Promise<AwaitedContents> {
  const parameters = [teamId, traceId, Object.values(contentNames), awaitedMax]
  const rows = await database.query<{ key: string }>(text, parameters)
  return new Set(rows.map(({ key }) => key))
}
