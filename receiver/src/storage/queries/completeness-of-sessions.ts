/** How complete are the sessions? */
import type { Database } from '../database.ts'

export interface SessionCompleteness {
  readonly session: string
  readonly user: string | null
  readonly service: string | null
  /** The first record's time in microseconds; sessions are listed by it. */
  readonly firstTime: string
  readonly lastTime: string
  readonly recorders: number
  /** Whether all its recorders have ended; null when it has no recorder, as with other SDKs. */
  readonly ended: boolean | null
  readonly recorded: number | null
  readonly landed: number | null
  readonly rejected: number | null
  readonly dropped: number | null
  readonly missing: number | null
  /** Work that was noticed and not recorded; null when the session is of a version that does not tell. */
  readonly unseen: number | null
}

const sessionsText = `
  select s.session_id as session, s.user_id as "user", s.service_name as service,
         to_char(s.first_time at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as "firstTime",
         to_char(s.last_time at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as "lastTime",
         c.*
    from (
      select *
        from session_lifetimes
       where team_id = $1
         and ($2::timestamptz is null or (first_time, session_id) < ($2::timestamptz, $3))
       order by first_time desc, session_id desc   -- index: sessions_by_time
       limit $4
    ) s
    cross join lateral (
      select count(*) as recorders,
             bool_and(ended) as ended,
             sum(recorded)::bigint as recorded,
             sum(landed)::bigint as landed,
             sum(rejected)::bigint as rejected,
             sum(dropped)::bigint as dropped,
             sum(missing)::bigint as missing,
             sum(unseen)::bigint as unseen
        from session_completeness
       where team_id = s.team_id and session_id = s.session_id   -- index: recorders_by_session
    ) c
   order by s.first_time desc, s.session_id desc`

/** Newest first. */
export async function completenessOfSessions(
  database: Database,
  options: {
    readonly teamId: string
    readonly after: { readonly firstTime: string; readonly session: string } | undefined
    readonly limit: number
  },
): Promise<SessionCompleteness[]> {
  const { teamId, after, limit } = options
  const parameters = [teamId, after?.firstTime, after?.session, limit]
  return database.query<SessionCompleteness>(sessionsText, parameters)
}
