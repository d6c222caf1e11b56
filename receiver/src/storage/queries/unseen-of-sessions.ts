/** What was noticed and not recorded in these sessions, by reason and address? The largest counts first. */
import type { Database } from '../database.ts'

export interface Unseen {
  readonly sessionId: string
  readonly reason: string | null
  readonly why: string | null
  readonly host: string | null
  readonly port: number | null
  readonly path: string | null
  readonly count: number
  readonly lastRecordedAt: Date
}

/** Kinds in one answer; an app has a few. */
export const unseenKindsMax = 1_000

const text = `
  select session_id as "sessionId", reason, why, host, port, path,
         sum(count)::bigint as count, max(recorded_at) as "lastRecordedAt"
    from unseen_work
   where team_id = $1 and session_id = any ($2)   -- index: log_records_by_session
   group by session_id, reason, why, host, port, path
  having sum(count) > 0
   order by sum(count) desc, max(recorded_at) desc
   limit $3`

export async function unseenOfSessions(
  database: Database,
  { teamId, sessions }: { readonly teamId: string; readonly sessions: readonly string[] },
): Promise<readonly Unseen[]> {
  return database.query<Unseen>(text, [teamId, sessions, unseenKindsMax])
}
