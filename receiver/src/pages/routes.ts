/** The pages: recent turns, one turn, sessions, and the link that signs in. */

import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { parseSpanId, parseTraceId } from '@turnlog/conventions'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { textsOf } from '../http/query.ts'
import { type Exchange, refuse, unwellRetrySeconds } from '../http/refuse.ts'
import {
  cookieName,
  currentSession,
  isBehindTls,
  refuseForeignHost,
  requireSession,
  setPageHeaders,
} from '../http/sign-in.ts'
import type { Database } from '../storage/database.ts'
import {
  type ContentName,
  contentNames,
  contentOfSpan,
} from '../storage/queries/content-of-span.ts'
import { hasExpired, recentSessions } from '../storage/queries/recent-sessions.ts'
import { recentTurns } from '../storage/queries/recent-turns.ts'
import { wholeTurn } from '../storage/queries/turn.ts'
import { unseenOfSessions } from '../storage/queries/unseen-of-sessions.ts'
import { signInPath, useSignInCode } from '../storage/sign-in.ts'
import { awaitedPage, notSignedInPage, pageFormat } from './notices.ts'
import { sessionListPage } from './session-list.ts'
import { turnListPage } from './turn-list.ts'
import { turnPage } from './turn-page.ts'
import { unseenCount } from './unseen.ts'

export interface PageOptions {
  readonly database: Database
  /** Host names besides loopback under which the pages answer. */
  readonly hosts: readonly string[]
  readonly publicUrl: string | undefined
  readonly onUnwell: (error: unknown) => void
}

const require = createRequire(import.meta.url)

/** Files of @turnlog/web that are served without a sign-in. */
const files = {
  'pages.css': 'text/css; charset=utf-8',
  'turnlog.svg': 'image/svg+xml',
} as const

/** Needs the cookie plugin. */
export function pageRoutes(app: FastifyInstance, options: PageOptions): void {
  const { database, hosts, onUnwell } = options
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
  const signedIn =
    (answer: SignedInHandler) => async (request: FastifyRequest, reply: FastifyReply) => {
      const teamId = await requireSession(database, exchangeOf(request, reply))
      return teamId === undefined ? reply : answer({ database, teamId, request, reply })
    }
  app.get('/', signedIn(answerTurnList))
  app.get('/turns/:traceId', signedIn(answerTurn))
  app.get('/turns/:traceId/:spanId/:name', signedIn(answerContent))
  app.get('/sessions', signedIn(answerSessions))
  app.get(signInPath, (request, reply) => answerSignIn(options, request, reply))
  for (const [name, type] of Object.entries(files)) {
    const path = require.resolve(`@turnlog/web/pages/${name}`)
    app.get(`/pages/${name}`, async (_request, reply) => {
      reply.header('cache-control', 'no-cache')
      return reply.type(type).send(await readFile(path))
    })
  }
}

type SignedInHandler = (options: {
  readonly database: Database
  readonly teamId: string
  readonly request: FastifyRequest
  readonly reply: FastifyReply
}) => Promise<FastifyReply>

const answerTurnList: SignedInHandler = async ({ database, teamId, request, reply }) => {
  const query = textsOf(request.query)
  const sessionId = query.get('session')
  const turns = await recentTurns(database, { teamId, before: continuedAfter(query), sessionId })
  const isEmpty = sessionId !== undefined && turns.length === 0
  return page(
    reply,
    turnListPage({
      turns,
      sessionId,
      hasExpired: isEmpty && (await hasExpired(database, { teamId, sessionId })),
      unseen:
        sessionId === undefined
          ? 0
          : unseenCount(await unseenOfSessions(database, { teamId, sessions: [sessionId] })),
    }),
  )
}

const answerTurn: SignedInHandler = async ({ database, teamId, request, reply }) => {
  const traceId = parseTraceId(textsOf(request.params).get('traceId'))
  const whole = traceId && (await wholeTurn(database, { teamId, traceId }))
  return whole ? page(reply, turnPage(whole)) : notFound(request, reply)
}

const answerContent: SignedInHandler = async ({ database, teamId, request, reply }) => {
  const params = textsOf(request.params)
  const traceId = parseTraceId(params.get('traceId'))
  const spanId = parseSpanId(params.get('spanId'))
  const name = params.get('name') ?? ''
  const found =
    traceId && spanId && isContentName(name)
      ? await contentOfSpan(database, { teamId, traceId, spanId, name })
      : undefined
  if (found?.status === 'awaited') return page(reply.code(404), awaitedPage)
  if (found?.status !== 'here') return notFound(request, reply)
  const { content } = found
  // An agent wrote it, so the browser must never interpret it: it is shown as text or saved.
  if (typeof content === 'string') return reply.type('text/plain; charset=utf-8').send(content)
  reply.header('content-disposition', `attachment; filename="${name}.bin"`)
  return reply.type('application/octet-stream').send(content)
}

const answerSessions: SignedInHandler = async ({ database, teamId, request, reply }) => {
  const query = textsOf(request.query)
  const sessionId = query.get('session')
  const before = sessionsContinuedAfter(query)
  const sessions = await recentSessions(database, { teamId, before, sessionId })
  return page(reply, sessionListPage({ sessions, sessionId }))
}

async function answerSignIn(
  { database, publicUrl }: PageOptions,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const code = textsOf(request.query).get('code')
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
  // The link was opened again in the browser that it signed in.
  if (await currentSession(database, request)) return reply.redirect('/', 303)
  return page(reply.code(401), notSignedInPage({ wasRefused: code !== undefined }))
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

/** The turn after which the list continues; undefined for its beginning. */
function continuedAfter(query: ReadonlyMap<string, string>) {
  const startedAt = query.get('before')
  const spanId = parseSpanId(query.get('span'))
  return startedAt !== undefined && spanId !== undefined && isTime(startedAt)
    ? { startedAt, spanId }
    : undefined
}

/** The session after which the list continues; undefined for its beginning. */
function sessionsContinuedAfter(query: ReadonlyMap<string, string>) {
  const lastRecordAt = query.get('before')
  const sessionId = query.get('after')
  return lastRecordAt !== undefined && sessionId !== undefined && isTime(lastRecordAt)
    ? { lastRecordAt, sessionId }
    : undefined
}

function isTime(text: string): boolean {
  return (
    /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}Z$/.test(text) && !Number.isNaN(Date.parse(text))
  )
}

function isContentName(name: string): name is ContentName {
  return Object.hasOwn(contentNames, name)
}
