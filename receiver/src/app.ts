/** The receiver as an HTTP application: what it serves, in order. It does not listen. */
import fastifyCookie from '@fastify/cookie'
import Fastify, { type FastifyInstance } from 'fastify'
import type { Config } from './config.ts'
import { type Counters, openCounters } from './counters.ts'
import { openCapacity } from './http/capacity.ts'
import { setPageHeaders } from './http/sign-in.ts'
import { jaegerRoutes } from './jaeger/routes.ts'
import { openKeeping } from './keeping.ts'
import { describeRoutes, descriptionRoutes } from './openapi/document.ts'
import { openWellness } from './outage-notices.ts'
import { notFoundPage } from './pages/notices.ts'
import { pageRoutes } from './pages/routes.ts'
import { attachmentRoutes } from './routes/attachments.ts'
import { completenessRoutes } from './routes/completeness.ts'
import { eventRoutes } from './routes/events.ts'
import { healthRoutes } from './routes/health.ts'
import { otlpRoutes } from './routes/otlp.ts'
import type { Database } from './storage/index.ts'

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
  /** Told in a sentence what an operator needs to know. */
  readonly log?: (message: string) => void
  readonly now?: () => Date
  /** Where what is received is counted. */
  readonly counters?: Counters
}

/** A client that sends a body more slowly than this is cut off; 64 MiB then need 4.5 Mbit/s. */
const requestMilliseconds = 120_000

export function buildApp(
  config: AppConfig,
  database: Database,
  { log = () => undefined, now = () => new Date(), counters = openCounters() }: AppOptions = {},
): FastifyInstance {
  const app = Fastify({
    logger: false,
    // A HEAD of the sign-in link would use it up.
    exposeHeadRoutes: false,
    requestTimeout: requestMilliseconds,
    forceCloseConnections: 'idle',
    clientErrorHandler: answerBrokenRequest,
    // An address that is none has no route, and so no error handler; nor, by Fastify's types, anything its reply may send.
    frameworkErrors: (_error, _request, reply) => {
      reply.hijack()
      reply.raw.writeHead(400, { 'content-type': 'application/json; charset=utf-8' })
      reply.raw.end(JSON.stringify({ code: 3, message: 'The address cannot be read.' }))
    },
  })
  const wellness = openWellness(log)
  const keeping = openKeeping(database, { ...config, now })

  describeRoutes(app)
  app.setNotFoundHandler((request, reply) => {
    reply.code(404)
    if (!request.headers.accept?.includes('text/html')) {
      return reply.send({ code: 5, message: 'There is nothing at this path.' })
    }
    setPageHeaders(reply)
    return reply.type('text/html; charset=utf-8').send(notFoundPage())
  })
  app.setErrorHandler((error, _request, reply) => {
    const status = statusOf(error)
    if (status < 500) return reply.code(status).send({ code: 3, message: messageOf(error) })
    wellness.unwell(error)
    return reply.code(503).header('retry-after', '5').send({ code: 14, message: 'Not now.' })
  })

  const receiving = {
    database,
    counters,
    capacity: openCapacity({ bytesMax: config.memoryBytesMax }),
    bodyBytesMax: config.bodyBytesMax,
    attachmentBytesMax: config.attachmentBytesMax,
    pageHosts: config.pageHosts,
    keeping,
    onUnwell: wellness.unwell,
    onWell: wellness.well,
  }
  app.register(async (scope) => otlpRoutes(scope, receiving))
  app.register(async (scope) => eventRoutes(scope, receiving))
  app.register(async (scope) => {
    await scope.register(fastifyCookie)
    attachmentRoutes(scope, receiving)
  })
  app.register(async (scope) => descriptionRoutes(scope))
  app.register(async (scope) => healthRoutes(scope, { database, counters, keeping }))
  app.register(async (scope) => {
    await scope.register(fastifyCookie)
    completenessRoutes(scope, { database, pageHosts: config.pageHosts, keeping })
  })
  app.register(async (scope) => {
    await scope.register(fastifyCookie)
    jaegerRoutes(scope, {
      database,
      pageHosts: config.pageHosts,
      publicUrl: config.publicUrl,
      attributeBytesMax: config.jaegerAttributeBytesMax,
      readsMax: config.jaegerReadsMax,
      readSecondsMax: config.jaegerReadSecondsMax,
      now,
      onUnwell: wellness.unwell,
    })
  })
  app.register(async (scope) => {
    await scope.register(fastifyCookie)
    pageRoutes(scope, {
      database,
      hosts: config.pageHosts,
      publicUrl: config.publicUrl,
      onUnwell: wellness.unwell,
    })
  })
  return app
}

function statusOf(error: unknown): number {
  if (!(error instanceof Error) || !('statusCode' in error)) return 500
  return typeof error.statusCode === 'number' ? error.statusCode : 500
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

interface RawSocket {
  readonly writable: boolean
  readonly destroyed: boolean
  end(text: string): void
  destroy(): void
}

/** What is no HTTP is 400; what came too slowly may come again, which 408 would not say to an OTLP client. */
function answerBrokenRequest(error: Error & { readonly code?: string }, socket: RawSocket): void {
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
