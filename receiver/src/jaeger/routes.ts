/**
 * Jaeger's HTTP query API, from the receiver's rows: v1 as Grafana's data source asks it, v3 as Jaeger's own UI does.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { openGate, readInTurns } from './request/gate.ts'
import { askedOf, type JaegerOptions, type RouteOptions } from './request/request-facts.ts'
import { type Failure, refuse, serve } from './request/serve.ts'
import { v1Failure } from './v1/answer.ts'
import { v1Routes } from './v1/routes.ts'
import { v3Failure } from './v3/answer.ts'
import { v3Routes } from './v3/routes.ts'

/** Answers for each statement that may be at work: most wait for their clients, or for their turn. */
const answersPerRead = 8
/** Longer than a viewer would wait; one that has left waits no more. */
const waitMs = 30_000

/** Needs the cookie plugin. */
export function jaegerRoutes(app: FastifyInstance, options: JaegerOptions): void {
  const { database, readsMax } = options
  const answersMax = readsMax * answersPerRead
  const statements = openGate({ atOnceMax: readsMax, waitingMax: answersMax, waitMs })
  const reader = readInTurns(database, statements)
  const answers = openGate({ atOnceMax: answersMax, waitingMax: 0, waitMs: 0 })
  app.addHook('onRequest', async (_request, reply) => {
    // What an agent wrote is data, and nobody else's.
    reply.headers({ 'x-content-type-options': 'nosniff', 'cache-control': 'no-store' })
  })
  app.setErrorHandler((error, request, reply) =>
    refuse({ request, reply, failure: failureFor(request), ...options }, error),
  )

  const get: RouteOptions['get'] = (url, answer) => {
    app.get(url, (request, reply: FastifyReply) =>
      serve(
        { request, reply, failure: failureFor(request) },
        {
          ...options,
          reader,
          answers,
          answer: (read) => answer({ ...askedOf(request, options), read }),
        },
      ),
    )
  }
  v1Routes({ ...options, get })
  v3Routes({ ...options, get })
}

function failureFor({ url }: FastifyRequest): Failure {
  return url.startsWith('/api/v3/') ? v3Failure : v1Failure
}
