/**
 * Jaeger's HTTP query API, from the receiver's rows: v1 as Grafana's data source asks it, v3 as Jaeger's own UI does.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { openGate, readInTurns } from './gate.ts'
import type { ReadOptions } from './read-contents.ts'
import { type Answer, type Failure, refuse, type ServeOptions, serve } from './serve.ts'
import { v1Failure } from './v1-answer.ts'
import { v1Routes } from './v1-routes.ts'
import { v3Failure } from './v3-answer.ts'
import { v3Routes } from './v3-routes.ts'

export interface JaegerOptions extends Omit<ServeOptions, 'reader' | 'answers'> {
  readonly readsMax: number
  /** Bytes of one attribute that are shown whole. */
  readonly attributeBytesMax: number
  /** Where people reach this receiver, without a trailing slash; undefined: as the request did. */
  readonly publicUrl: string | undefined
  readonly now: () => Date
}

export interface RouteOptions extends JaegerOptions {
  get(url: string, answer: (asked: Asked) => Promise<Answer>): void
}

export interface Asked {
  /** Path and query as they were sent. */
  readonly url: string
  /** What stands in the place of the path's `*`, decoded. */
  readonly rest: string
  /** What links begin with. */
  readonly baseUrl: string
  readonly read: ReadOptions
}

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

function askedOf(request: FastifyRequest, { publicUrl }: JaegerOptions): Omit<Asked, 'read'> {
  const params: unknown = request.params
  const isObject = typeof params === 'object' && params !== null
  const rest: unknown = isObject && '*' in params ? params['*'] : ''
  return {
    url: request.raw.url ?? '',
    rest: typeof rest === 'string' ? rest : '',
    baseUrl: publicUrl ?? baseUrlOf(request),
  }
}

/** As the client itself reached us; a name that is none gives links without one. */
function baseUrlOf({ headers, protocol }: FastifyRequest): string {
  const { host = '' } = headers
  return /^[\w.:[\]-]+$/.test(host) ? `${protocol}://${host}` : ''
}
