/** Jaeger's HTTP query API, served from the receiver's rows: v1 for Grafana's data source, v3 for Jaeger's own UI. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { openGate } from '../http/gate.ts'
import { type Exchange, jsonType } from '../http/refuse.ts'
import { readInTurns } from './read/reader.ts'
import { type JaegerOptions, type RouteOptions, refuseThrown, serve } from './serve.ts'
import { v1Failure } from './v1/answer.ts'
import { v1Routes } from './v1/routes.ts'
import { v3Failure } from './v3/answer.ts'
import { v3Routes } from './v3/routes.ts'

/** Answers per statement that may run: most answers wait for their client, or for their turn to read. */
const answersPerRead = 8
/** Longer than a viewer waits. A client that has left stops waiting. */
const waitMs = 30_000

/** Needs the cookie plugin. */
export function jaegerRoutes(app: FastifyInstance, options: JaegerOptions): void {
  const { database, readsMax } = options
  const answersMax = readsMax * answersPerRead
  const statements = openGate({ atOnceMax: readsMax, waitingMax: answersMax, waitMs })
  const reader = readInTurns(database, statements)
  const answers = openGate({ atOnceMax: answersMax, waitingMax: 0, waitMs: 0 })
  app.addHook('onRequest', async (_request, reply) => {
    // Answers hold what an agent wrote: browsers must neither interpret nor store them.
    reply.headers({ 'x-content-type-options': 'nosniff', 'cache-control': 'no-store' })
  })
  app.setErrorHandler((error, request, reply) =>
    refuseThrown(exchangeOf(request, reply), error, options),
  )

  const get: RouteOptions['get'] = (url, answer) => {
    app.get(url, (request, reply: FastifyReply) =>
      serve(exchangeOf(request, reply), { ...options, reader, answers, answer }),
    )
  }
  v1Routes({ ...options, get })
  v3Routes({ ...options, get })
}

function exchangeOf(request: FastifyRequest, reply: FastifyReply): Exchange {
  const failure = request.url.startsWith('/api/v3/') ? v3Failure : v1Failure
  return {
    request,
    reply,
    format: ({ httpStatus, message }) => ({
      contentType: jsonType,
      body: JSON.stringify(failure(httpStatus, message)),
    }),
  }
}
