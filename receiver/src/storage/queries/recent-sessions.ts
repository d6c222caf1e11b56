/** Which sessions are the most recent, and have all their records arrived? */
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

export const sessionsMax = 100

const sessionsText = `
  select session_id as "sessionId", user_id as "userId", service_name as "serviceName",
         service_version as "serviceVersion", started_at as "startedAt", ended_at as "endedAt",
         last_record_at as "lastRecordAt", exit_code as "exitCode", abandoned, git_revision as "gitRevision",
         git_branch as "gitBranch", turns, file_operations as "fileOperations", expired as "hasExpired"
    from sessions
   where team_id = $1
   order by last_record_at desc, session_id
   limit $2`

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

export async function recentSessions(
  database: Database,
  { teamId }: { readonly teamId: string },
): Promise<readonly SessionSummary[]> {
  type Session = Omit<SessionSummary, 'recorders' | 'unseen' | 'selfCheck'>
  const sessions = await database.query<Session>(sessionsText, [teamId, sessionsMax])
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
