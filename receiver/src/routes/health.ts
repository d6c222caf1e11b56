/** `GET /api/v1/health`, `/live`, `/ready`. */
import type { FastifyInstance, FastifyReply } from 'fastify'
import type { Counters } from '../counters.ts'
import { TurnlogError } from '../errors.ts'
import { unwellRetrySeconds } from '../http/refuse.ts'
import type { Keeping } from '../keeping.ts'
import type { Database } from '../storage/database.ts'

export interface HealthOptions {
  readonly database: Database
  readonly counters: Counters
  readonly keeping: Keeping
}

/**
 * `live`: the process answers. `ready`: the database answers too, so reads are served. `health`: records land too, with the
 * counts of records. No token is needed, so a reason is only its code.
 */
export function healthRoutes(
  app: FastifyInstance,
  { database, counters, keeping }: HealthOptions,
): void {
  app.get('/api/v1/health/live', () => ({ status: 'ok' }))

  app.get('/api/v1/health/ready', async (_request, reply) => {
    return send(reply, { isOk: await answers(database) })
  })

  app.get('/api/v1/health', async (_request, reply) => {
    const isReady = await answers(database)
    const landing = isReady ? await landingState(keeping) : 'unavailable'
    const details = {
      database: isReady ? 'ok' : 'unavailable',
      landing,
      records: counters.counts(),
    }
    return send(reply, { isOk: landing === 'ok', details })
  })
}

function send(
  reply: FastifyReply,
  { isOk, details }: { readonly isOk: boolean; readonly details?: object },
): FastifyReply {
  if (!isOk) reply.code(503).header('retry-after', String(unwellRetrySeconds))
  return reply.send({ status: isOk ? 'ok' : 'unavailable', ...details })
}

async function landingState(keeping: Keeping): Promise<string> {
  try {
    await keeping.landingPeriod()
    return 'ok'
  } catch (error) {
    return error instanceof TurnlogError ? error.code : 'unavailable'
  }
}

async function answers(database: Database): Promise<boolean> {
  try {
    await database.query('select 1')
    return true
  } catch {
    return false
  }
}
