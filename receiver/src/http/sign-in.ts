/**
 * Which browsers may see the pages: those that reach the receiver under one of its own names, with a session's cookie.
 *
 * Checking the name stops DNS rebinding: a foreign site whose name suddenly resolves to 127.0.0.1 still sends that name.
 */
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Database } from '../storage/database.ts'
import { findPageSession } from '../storage/sign-in.ts'
import { type Exchange, refuse } from './refuse.ts'

export const cookieName = 'turnlog_session'

const loopbackNames = new Set(['localhost', '127.0.0.1', '[::1]'])

/** True for loopback and for `hosts`, whatever the port. */
export function isOwnHost(host: string | undefined, hosts: readonly string[]): boolean {
  const name = nameOf(host)
  return name !== undefined && (loopbackNames.has(name) || hosts.includes(name))
}

function nameOf(host: string | undefined): string | undefined {
  return host?.toLowerCase().replace(/:\d*$/, '')
}

/** Whether the browser reaches the receiver through a proxy with TLS; on loopback it does not. */
export function isBehindTls(request: FastifyRequest, publicUrl: string | undefined): boolean {
  if (publicUrl === undefined) return false
  const { protocol, hostname } = new URL(publicUrl)
  return protocol === 'https:' && nameOf(request.headers.host) === hostname
}

export function setPageHeaders(reply: FastifyReply): void {
  reply.headers({
    'content-security-policy':
      "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'referrer-policy': 'no-referrer',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'cache-control': 'no-store',
  })
}

/** Undefined when the request may go on. */
export function refuseForeignHost(
  exchange: Exchange,
  hosts: readonly string[],
): FastifyReply | undefined {
  if (isOwnHost(exchange.request.headers.host, hosts)) return undefined
  return refuse(exchange, { httpStatus: 421, message: 'Not under this name.' })
}

/** The team whose records the browser may see; undefined when the request has been refused. */
export async function requireSession(
  database: Database,
  exchange: Exchange,
): Promise<string | undefined> {
  const session = await currentSession(database, exchange.request)
  if (session) return session.teamId
  refuse(exchange, { httpStatus: 401, message: 'Not signed in.' })
  return undefined
}

export async function currentSession(
  database: Database,
  request: FastifyRequest,
): Promise<{ readonly teamId: string } | undefined> {
  const secret = request.cookies[cookieName]
  return secret === undefined ? undefined : findPageSession(database, secret)
}
