/** The receiver as an HTTP application: all its routes, in order. It does not listen. */
import type { Socket } from 'node:net'
import fastifyCookie from '@fastify/cookie'
import { errorMessage } from '@turnlog/conventions/plain'
import Fastify, { type FastifyInstance } from 'fastify'
import type { Config } from './config.ts'
import { type Counters, openCounters } from './counters.ts'
import { openCapacity } from './http/capacity.ts'
import { clientStatusOf, jsonType, plainFormat, refuse, refuseError } from './http/refuse.ts'
import { setPageHeaders } from './http/sign-in.ts'
import { jaegerRoutes } from './jaeger/routes.ts'
import { openKeeping } from './keeping.ts'
import { describeRoutes, descriptionRoutes } from './openapi/document.ts'
import { openOutageNotices } from './outage-notices.ts'
import { pageFormat } from './pages/notices.ts'
import { pageRoutes } from './pages/routes.ts'
import { attachmentRoutes } from './routes/attachments.ts'
import { completenessRoutes } from './routes/completeness.ts'
import { eventRoutes } from './routes/events.ts'
import { healthRoutes } from './routes/health.ts'
import { otlpRoutes } from './routes/otlp.ts'
import type { Database } from './storage/database.ts'

export type AppConfig = Pick<
  Config,
  | 'bodyBytesMax'
  | 'attachmentBytesMax'
  | 'memoryBytesMax'
  | 'pageHosts'
  | 'retentionDays'
  | 'databaseBytesMax'
  | 'publicUrl'
  | 'jaegerAttributeBytesMax'
  | 'jaegerReadsMax'
  | 'jaegerReadSecondsMax'
>

export interface AppOptions {
  /** Called with a sentence that an operator needs to know. */
  readonly log?: (message: string) => void
  readonly now?: () => Date
  /** Counts what is received. */
  readonly counters?: Counters
}

/** A client that sends a body more slowly than this is cut off; 64 MiB then need 4.5 Mbit/s. */
const requestMilliseconds = 120_000

export function buildApp(
  config: AppConfig,
  database: Database,
  { log = () => undefined, now = () => new Date(), counters = openCounters() }: AppOptions = {},
): FastifyInstance {
  const app = openFastify()
  const { unwell: onUnwell, well: onWell } = openOutageNotices(log)
  const keeping = openKeeping(database, { ...config, now })
  const withCookies = (routes: (scope: FastifyInstance) => void) =>
    app.register(async (scope) => {
      await scope.register(fastifyCookie)
      routes(scope)
    })

  describeRoutes(app)
  answerFailures(app, onUnwell)
  const { bodyBytesMax, attachmentBytesMax, pageHosts, publicUrl } = config
  const receiving = {
    database,
    counters,
    capacity: openCapacity({ bytesMax: config.memoryBytesMax }),
    bodyBytesMax,
    attachmentBytesMax,
    pageHosts,
    keeping,
    onUnwell,
    onWell,
  }
  app.register(async (scope) => otlpRoutes(scope, receiving))
  app.register(async (scope) => eventRoutes(scope, receiving))
  withCookies((scope) => attachmentRoutes(scope, receiving))
  app.register(async (scope) => descriptionRoutes(scope))
  app.register(async (scope) => healthRoutes(scope, receiving))
  withCookies((scope) => completenessRoutes(scope, receiving))
  withCookies((scope) =>
    jaegerRoutes(scope, {
      database,
      pageHosts,
      publicUrl,
      attributeBytesMax: config.jaegerAttributeBytesMax,
      readsMax: config.jaegerReadsMax,
      readSecondsMax: config.jaegerReadSecondsMax,
      now,
      onUnwell,
    }),
  )
  withCookies((scope) => pageRoutes(scope, { database, hosts: pageHosts, publicUrl, onUnwell }))
  return app
}

function openFastify(): FastifyInstance {
  return Fastify({
    logger: false,
    // A HEAD request for the sign-in link would use the link up.
    exposeHeadRoutes: false,
    requestTimeout: requestMilliseconds,
    forceCloseConnections: 'idle',
    clientErrorHandler: answerBrokenRequest,
    // An unparsable URL matches no route, so the error handler is not called. Fastify's types let this reply send nothing.
    frameworkErrors: (_error, _request, reply) => {
      reply.hijack()
      reply.raw.writeHead(400, { 'content-type': jsonType })
      reply.raw.end(JSON.stringify({ code: 3, message: 'The address cannot be read.' }))
    },
  })
}

/** Answers for paths without a route, and for errors that no group of routes handles. */
function answerFailures(app: FastifyInstance, onUnwell: (error: unknown) => void): void {
  app.setNotFoundHandler((request, reply) => {
    const isBrowser = request.headers.accept?.includes('text/html')
    if (isBrowser) setPageHeaders(reply)
    const format = isBrowser ? pageFormat : plainFormat
    const message = 'There is nothing at this path.'
    return refuse({ request, reply, format }, { httpStatus: 404, message })
  })
  app.setErrorHandler((error, request, reply) => {
    const status = clientStatusOf(error)
    if (status !== undefined)
      return reply.code(status).send({ code: 3, message: errorMessage(error) })
    return refuseError({ request, reply, format: plainFormat }, error, {
      message: 'Not now.',
      onUnwell,
    })
  })
}

/** A request that is not HTTP is 400. One that came too slowly is 503: an OTLP client does not send again after 408. */
function answerBrokenRequest(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable) {
    socket.destroy()
    return
  }
  const status =
    error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
      ? '503 Service Unavailable\r\nRetry-After: 5'
      : error.code === 'HPE_HEADER_OVERFLOW'
        ? '431 Request Header Fields Too Large'
        : '400 Bad Request'
  socket.end(`HTTP/1.1 ${status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`)
}
