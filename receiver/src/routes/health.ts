/** `GET /api/v1/health`, `/live`, `/ready`. */
import type { FastifyInstance } from 'fastify'
import type { Counters } from '../counters.ts'
import type { Database } from '../storage/index.ts'

/** `live`: the process answers. `ready`: so does the database. `health`: that, and what was counted. */
export function healthRoutes(
  app: FastifyInstance,
  { database, counters }: { readonly database: Database; readonly counters: Counters },
): void {
  app.get('/api/v1/health/live', () => ({ status: 'ok' }))

  app.get('/api/v1/health/ready', async (_request, reply) => {
    const isReady = await answers(database)
    if (isReady) return { status: 'ok' }
    return reply.code(503).header('retry-after', '5').send({ status: 'unavailable' })
  })

  app.get('/api/v1/health', async (_request, reply) => {
    const isReady = await answers(database)
    const health = {
      status: isReady ? 'ok' : 'unavailable',
      database: isReady ? 'ok' : 'unavailable',
      records: counters.counts(),
    }
    return isReady ? health : reply.code(503).header('retry-after', '5').send(health)
  })
}

async function answers(database: Database): Promise<boolean> {
  try {
    await database.query('select 1')
    return true
  } catch {
    return false
  }
}
