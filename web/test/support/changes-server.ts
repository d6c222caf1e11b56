/** A stand-in for the Changes routes: a list in memory, and answers that a test can choose. */

import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import Fastify, { type FastifyInstance } from 'fastify'
import { onTestFinished } from 'vitest'

export interface ServedChange {
  readonly opId: string
  readonly path: string
  readonly opType: string
  readonly [field: string]: unknown
}

export interface Answer {
  readonly status: number
  readonly body: Readonly<Record<string, unknown>> | string
}

const source = fileURLToPath(new URL('../../src/changes/', import.meta.url))

const outcomes: Readonly<Record<string, string>> = {
  accept: 'kept',
  reject: 'kept',
  revert: 'restored',
}

export type ChangesServer = Awaited<ReturnType<typeof startChangesServer>>

/** `markup` is the page's body; the element's script is loaded before it. */
export async function startChangesServer(
  markup = '<turnlog-changes poll="0.2"></turnlog-changes>',
) {
  const state = {
    changes: [] as ServedChange[],
    /** What the answer for one operation has beside its entry in the list, by its id. */
    details: new Map<string, Readonly<Record<string, unknown>>>(),
    /** These replace the usual answers. */
    answerDecision: undefined as Answer | undefined,
    answerRecent: undefined as Answer | undefined,
    asked: [] as string[],
    bodies: [] as unknown[],
  }
  const app = Fastify({ forceCloseConnections: true })
  onTestFinished(() => app.close())
  servePage(app, markup)

  app.get('/api/changes/recent', async (_request, reply) => {
    state.asked.push('recent')
    const { answerRecent, changes } = state
    return answerRecent === undefined
      ? { changes }
      : reply.code(answerRecent.status).send(answerRecent.body)
  })
  app.get<{ Params: { opId: string } }>('/api/changes/:opId', async ({ params }, reply) => {
    state.asked.push(params.opId)
    const change = state.changes.find(({ opId }) => opId === params.opId)
    if (change === undefined) return reply.code(404).send({ error: { code: 'x', message: 'No.' } })
    return { ...change, ...state.details.get(params.opId) }
  })
  app.post<{ Params: { opId: string; type: string } }>(
    '/api/changes/:opId/:type',
    async ({ params: { opId, type }, body }, reply) => {
      state.asked.push(`${type} ${opId}`)
      state.bodies.push(body)
      if (state.answerDecision !== undefined) {
        return reply.code(state.answerDecision.status).send(state.answerDecision.body)
      }
      const decidedAt = new Date().toISOString()
      const decision = { type, outcome: outcomes[type], source: 'user', decidedAt }
      state.changes = state.changes.map((change) =>
        change.opId === opId ? { ...change, decision } : change,
      )
      return { opId, decision }
    },
  )
  return { state, url: await app.listen({ port: 0, host: '127.0.0.1' }), close: () => app.close() }
}

/** The page's content policy allows what its own server serves, and nothing else. */
export function servePage(app: FastifyInstance, markup: string): void {
  app.get('/', async (_request, reply) =>
    reply
      .header('content-security-policy', "default-src 'self'")
      .type('text/html; charset=utf-8')
      .send(`<!doctype html><html lang="en"><meta name="color-scheme" content="light dark">
        <title>Changes</title>
        <script type="module" src="/changes/turnlog-changes.js"></script>${markup}</html>`),
  )
  for (const name of readdirSync(source)) {
    app.get(`/changes/${name}`, async (_request, reply) =>
      reply.type('text/javascript; charset=utf-8').send(readFileSync(source + name)),
    )
  }
}
