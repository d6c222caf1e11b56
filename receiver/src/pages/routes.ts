/** The pages: recent turns, one turn, sessions, and the link that signs in. */
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { parseSpanId, parseTraceId } from '@turnlog/conventions'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { type Exchange, refuse, unwellRetrySeconds } from '../http/refuse.ts'
import {
  cookieName,
  currentSession,
  isBehindTls,
  refuseForeignHost,
  requireSession,
  setPageHeaders,
} from '../http/sign-in.ts'
import type { Database } from '../storage/index.ts'
import {
  type ContentName,
  contentNames,
  contentOfSpan,
} from '../storage/queries/content-of-span.ts'
import { hasExpired, recentSessions } from '../storage/queries/recent-sessions.ts'
import { recentTurns } from '../storage/queries/recent-turns.ts'
import { wholeTurn } from '../storage/queries/turn.ts'
import { signInPath, useSignInCode } from '../storage/sign-in.ts'
import { awaitedPage, notSignedInPage, pageFormat } from './notices.ts'
import { sessionListPage } from './session-list.ts'
import { turnListPage } from './turn-list.ts'
import { turnPage } from './turn-page.ts'

export interface PageOptions {
  readonly database: Database
  /** Names besides loopback under which the pages answer. */
  readonly hosts: readonly string[]
  readonly publicUrl: string | undefined
  readonly onUnwell: (error: unknown) => void
}

const require = createRequire(import.meta.url)

/** Files of @turnlog/web that anybody may see. */
const files = {
  'pages.css': 'text/css; charset=utf-8',
  'turnlog.svg': 'image/svg+xml',
} as const

/** Needs the cookie plugin. */
export function pageRoutes(app: FastifyInstance, options: PageOptions): void {
  const { database, hosts, publicUrl, onUnwell } = options
  app.addHook('onRequest', async (request, reply) => {
    setPageHeaders(reply)
    return refuseForeignHost(exchangeOf(request, reply), hosts)
  })
  app.setErrorHandler((error, request, reply) => {
    onUnwell(error)
    const message = 'The database does not answer.'
    const refusal = { httpStatus: 503, message, retrySeconds: unwellRetrySeconds }
    return refuse(exchangeOf(request, reply), refusal)
  })

  app.get('/', async (request, reply) => {
    const teamId = await requireSession(database, exchangeOf(request, reply))
    if (teamId === undefined) return reply
    const { before, sessionId } = listPlace(request)
    const turns = await recentTurns(database, { teamId, before, sessionId })
    const isEmpty = sessionId !== undefined && turns.length === 0
    return page(
      reply,
      turnListPage({
        turns,
        sessionId,
        hasExpired: isEmpty && (await hasExpired(database, { teamId, sessionId })),
      }),
    )
  })

  app.get<{ Params: { traceId: string } }>('/turns/:traceId', async (request, reply) => {
    const teamId = await requireSession(database, exchangeOf(request, reply))
    if (teamId === undefined) return reply
    const traceId = parseTraceId(request.params.traceId)
    const whole = traceId && (await wholeTurn(database, { teamId, traceId }))
    if (!whole) return notFound(request, reply)
    return page(reply, turnPage(whole))
  })

  app.get<{ Params: { traceId: string; spanId: string; name: string } }>(
    '/turns/:traceId/:spanId/:name',
    async (request, reply) => {
      const teamId = await requireSession(database, exchangeOf(request, reply))
      if (teamId === undefined) return reply
      const traceId = parseTraceId(request.params.traceId)
      const spanId = parseSpanId(request.params.spanId)
      const { name } = request.params
      const found =
        traceId && spanId && isContentName(name)
          ? await contentOfSpan(database, { teamId, traceId, spanId, name })
          : undefined
      if (found?.status === 'awaited') return page(reply.code(404), awaitedPage())
      if (found?.status !== 'here') return notFound(request, reply)
      const { content } = found
      // Never as what it may say it is: what an agent wrote is shown as text, or saved.
      if (typeof content === 'string') return reply.type('text/plain; charset=utf-8').send(content)
      reply.header('content-disposition', `attachment; filename="${name}.bin"`)
      return reply.type('application/octet-stream').send(content)
    },
  )

  app.get('/sessions', async (request, reply) => {
    const teamId = await requireSession(database, exchangeOf(request, reply))
    if (teamId === undefined) return reply
    return page(reply, sessionListPage(await recentSessions(database, { teamId })))
  })

  app.get(signInPath, async (request, reply) => {
    const code = queryOf(request, 'code')
    const session = code === undefined ? undefined : await useSignInCode(database, code)
    if (session !== undefined) {
      reply.setCookie(cookieName, session.secret, {
        path: '/',
        httpOnly: true,
        secure: isBehindTls(request, publicUrl),
        sameSite: 'lax',
        maxAge: session.maxAgeSeconds,
      })
      return reply.redirect('/', 303)
    }
    // The same link once more, in the browser that it signed in.
    if (await currentSession(database, request)) return reply.redirect('/', 303)
    return page(reply.code(401), notSignedInPage({ wasRefused: code !== undefined }))
  })

  for (const [name, type] of Object.entries(files)) {
    const path = require.resolve(`@turnlog/web/pages/${name}`)
    app.get(`/pages/${name}`, async (_request, reply) => {
      reply.header('cache-control', 'no-cache')
      return reply.type(type).send(await readFile(path))
    })
  }
}

function exchangeOf(request: FastifyRequest, reply: FastifyReply): Exchange {
  return { request, reply, format: pageFormat }
}

function notFound(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const message = 'There is no such page.'
  return refuse(exchangeOf(request, reply), { httpStatus: 404, message })
}

function page(reply: FastifyReply, text: string): FastifyReply {
  return reply.type('text/html; charset=utf-8').send(text)
}

function listPlace(request: FastifyRequest) {
  const startedAt = queryOf(request, 'before')
  const spanId = parseSpanId(queryOf(request, 'span'))
  const isPlace = startedAt !== undefined && spanId !== undefined && isTime(startedAt)
  return {
    before: isPlace ? { startedAt, spanId } : undefined,
    sessionId: queryOf(request, 'session'),
  }
}

function isTime(text: string): boolean {
  return (
    /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}Z$/.test(text) && !Number.isNaN(Date.parse(text))
  )
}

/** One value of the query; PostgreSQL takes no NUL. */
function queryOf(request: FastifyRequest, name: string): string | undefined {
  const query: unknown = request.query
  if (typeof query !== 'object' || query === null) return undefined
  const value: unknown = Object.getOwnPropertyDescriptor(query, name)?.value
  return typeof value === 'string' && !value.includes('\0') ? value : undefined
}

function isContentName(name: string): name is ContentName {
  return Object.hasOwn(contentNames, name)
}
