/** Which recorders does a session have? A page at a time. */
import type { Database } from '../database.ts'

const text = `
  select recorder_id as recorder
    from recorders
   where team_id = $1 and session_id = $2   -- index: recorders_by_session
     and ($3::text is null or recorder_id > $3)
   order by recorder_id
   limit $4`

/** In the order of their ids. */
export async function recordersOfSession(
  database: Database,
  options: {
    readonly teamId: string
    readonly session: string
    readonly after: string | undefined
    readonly limit: number
  },
): Promise<string[]> {
  const { teamId, session, after, limit } = options
  const rows = await database.query<{ recorder: string }>(text, [teamId, session, after, limit])
  return rows.map(({ recorder }) => recorder)
}
