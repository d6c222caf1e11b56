/**
 * `GET /api/v1/completeness`: what the ledger has, for clients that need to know what landed.
 *
 * A recorder's own user and a gateway may ask for recorders and contents by name; lists need the scope `read`. Contents are
 * never read. When the database does not answer, the app's error handler answers 503.
 */
import type { FastifyInstance, FastifyReply } from 'fastify'
import { requireAccess } from '../http/access.ts'
import { badRequest, plainFormat, refuse } from '../http/refuse.ts'
import type { Keeping } from '../keeping.ts'
import { isExpiredDay, type Period } from '../period.ts'
import type { Database } from '../storage/database.ts'
import { completenessOfRecorders } from '../storage/queries/completeness-of-recorders.ts'
import { completenessOfSessions } from '../storage/queries/completeness-of-sessions.ts'
import { missingContents } from '../storage/queries/missing-contents.ts'
import { recordersOfSession } from '../storage/queries/recorders-of-session.ts'
import { unseenOfSessions } from '../storage/queries/unseen-of-sessions.ts'
import { parseQuestion, type Question, writeCursor } from './completeness-question.ts'

export interface CompletenessOptions {
  readonly database: Database
  /** Names besides loopback under which a signed-in browser may ask. */
  readonly pageHosts: readonly string[]
  readonly keeping: Keeping
}

/** Needs the cookie plugin. */
export function completenessRoutes(
  app: FastifyInstance,
  { database, pageHosts, keeping }: CompletenessOptions,
): void {
  app.get('/api/v1/completeness', async (request, reply): Promise<FastifyReply> => {
    const question = parseQuestion(request.query)
    const isList = question.kind === 'session' || question.kind === 'sessions'
    const scopes = isList ? readers : askers
    const exchange = { request, reply, format: plainFormat }
    const access = await requireAccess(exchange, { database, scopes, pageHosts })
    if (access === undefined) return reply
    if (question.kind === 'refused') return refuse(exchange, badRequest(question.reason))
    const { teamId, scope } = access
    const userId = scope === 'ingest' ? access.userId : undefined
    reply.header('cache-control', 'no-store')
    const period = await keeping.period()
    return reply.send(await answer(question, { database, teamId, userId, period }))
  })
}

const readers = ['read'] as const
const askers = ['ingest', 'gateway', ...readers] as const

interface Asker {
  readonly database: Database
  readonly teamId: string
  readonly userId: string | undefined
  readonly period: Period
}

async function answer(
  question: Exclude<Question, { kind: 'refused' }>,
  { database, teamId, userId, period }: Asker,
): Promise<object> {
  switch (question.kind) {
    case 'ledger': {
      const { recorders } = question
      // The content of an expired day had landed.
      const contents = question.contents.filter(({ day }) => !isExpiredDay(day, period))
      const missing = await missingContents(database, { teamId, contents })
      return {
        recorders: await completenessOfRecorders(database, { teamId, userId, recorders }),
        missing_contents: missing.map(({ day, sha256 }) => `${day}/${sha256}`),
      }
    }
    case 'session': {
      const { session, limit, after } = question
      const found = await recordersOfSession(database, { teamId, session, after, limit: limit + 1 })
      const page = found.slice(0, limit)
      const recorders = page.map((recorder) => ({ recorder, from: 1 }))
      return {
        recorders: await completenessOfRecorders(database, { teamId, userId, recorders }),
        unseen: await unseenOf(session, { database, teamId }),
        next: found.length > limit ? page.at(-1) : null,
      }
    }
    case 'sessions': {
      const { limit, after } = question
      const found = await completenessOfSessions(database, { teamId, after, limit: limit + 1 })
      const page = found.slice(0, limit)
      const last = page.at(-1)
      return {
        sessions: page.map(({ firstTime, lastTime, ...counts }) => ({
          ...counts,
          first_time: firstTime,
          last_time: lastTime,
        })),
        next: found.length > limit && last !== undefined ? writeCursor(last) : null,
      }
    }
  }
}

/** What the session noticed and did not record, by reason and address. */
async function unseenOf(
  session: string,
  { database, teamId }: Pick<Asker, 'database' | 'teamId'>,
): Promise<readonly object[]> {
  const unseen = await unseenOfSessions(database, { teamId, sessions: [session] })
  return unseen.map(({ reason, why, host, port, path, count, lastRecordedAt }) => ({
    reason,
    why,
    host,
    port,
    path,
    count,
    last_time: lastRecordedAt,
  }))
}
