/** Which sessions are the most recent, and have all their records arrived? Latest record first, a page at a time. */
import type { Database } from '../database.ts'
import { type LastSelfCheck, lastSelfChecks } from './last-self-checks.ts'
import { type Unseen, unseenOfSessions } from './unseen-of-sessions.ts'

export interface SessionSummary {
  readonly sessionId: string
  readonly userId: string | null
  readonly serviceName: string | null
  readonly serviceVersion: string | null
  readonly startedAt: Date
  readonly endedAt: Date | null
  readonly lastRecordAt: Date
  /** In microseconds, for the next page. */
  readonly lastRecordAtText: string
  readonly exitCode: number | null
  readonly abandoned: boolean | null
  readonly gitRevision: string | null
  readonly gitBranch: string | null
  readonly turns: number
  readonly fileOperations: number
  /** All its records have expired; only the ledger still has it. */
  readonly hasExpired: boolean
  readonly recorders: readonly Completeness[]
  /** Work that was noticed and not recorded. */
  readonly unseen: readonly Unseen[]
  /** Undefined for a session of a version without one. */
  readonly selfCheck: LastSelfCheck | undefined
}

export interface Completeness {
  readonly sessionId: string | null
  readonly recorderId: string
  readonly recorded: number | null
  readonly landed: number
  readonly rejected: number
  readonly dropped: number
  readonly missing: number | null
  /** Null when it is of a version that does not tell. */
  readonly unseen: number | null
}

export const sessionsPerPage = 20

const sessionsText = `
  select session_id as "sessionId", user_id as "userId", service_name as "serviceName",
         service_version as "serviceVersion", started_at as "startedAt", ended_at as "endedAt",
         last_record_at as "lastRecordAt",
         to_char(last_record_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as "lastRecordAtText",
         exit_code as "exitCode", abandoned, git_revision as "gitRevision",
         git_branch as "gitBranch", turns, file_operations as "fileOperations", expired as "hasExpired"
    from sessions
   where team_id = $1
     and ($2::timestamptz is null or last_record_at < $2::timestamptz
          or (last_record_at = $2::timestamptz and session_id > $3))
     and ($4::text is null or session_id = $4)
   order by last_record_at desc, session_id
   limit $5`

const completenessText = `
  select session_id as "sessionId", recorder_id as "recorderId", recorded, landed, rejected, dropped, missing, unseen
    from session_completeness
   where team_id = $1 and session_id = any ($2)   -- index: recorders_by_session
   order by session_id, recorder_id
   limit $3`

/** Recorders on one page; a session has a few. */
const recordersMax = 1_000

/** True when the session is known and all its records have expired. */
export async function hasExpired(
  database: Database,
  { teamId, sessionId }: { readonly teamId: string; readonly sessionId: string },
): Promise<boolean> {
  const [row] = await database.query<{ expired: boolean }>(
    'select expired from sessions where team_id = $1 and session_id = $2',
    [teamId, sessionId],
  )
  return row?.expired ?? false
}

/** One more than `sessionsPerPage` when there are older ones. */
export async function recentSessions(
  database: Database,
  options: {
    readonly teamId: string
    readonly before?: { readonly lastRecordAt: string; readonly sessionId: string } | undefined
    /** Only this one. */
    readonly sessionId?: string | undefined
  },
): Promise<readonly SessionSummary[]> {
  const { teamId, before, sessionId } = options
  type Session = Omit<SessionSummary, 'recorders' | 'unseen' | 'selfCheck'>
  const parameters = [
    teamId,
    before?.lastRecordAt,
    before?.sessionId,
    sessionId,
    sessionsPerPage + 1,
  ]
  const sessions = await database.query<Session>(sessionsText, parameters)
  const ids = sessions.map(({ sessionId }) => sessionId)
  const rows = await database.query<Completeness>(completenessText, [teamId, ids, recordersMax])
  const bySession = Map.groupBy(rows, ({ sessionId }) => sessionId)
  const unseen = await unseenOfSessions(database, { teamId, sessions: ids })
  const unseenBySession = Map.groupBy(unseen, ({ sessionId }) => sessionId)
  const checks = await lastSelfChecks(database, { teamId, sessions: ids })
  return sessions.map((session) => ({
    ...session,
    recorders: bySession.get(session.sessionId) ?? [],
    unseen: unseenBySession.get(session.sessionId) ?? [],
    selfCheck: checks.find(({ sessionId }) => sessionId === session.sessionId),
  }))
}
