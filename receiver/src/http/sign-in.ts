/**
 * Who may see the pages: a browser that speaks to us by a name of ours, with a session's cookie.
 *
 * The name stops DNS rebinding: a foreign site whose name suddenly means 127.0.0.1 still sends its own.
 */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { notSignedInPage, wrongHostPage } from '../pages/notices.ts'
import type { Database } from '../storage/index.ts'
import { findPageSession } from '../storage/sign-in.ts'

export const cookieName = 'turnlog_session'

const loopbackNames = new Set(['localhost', '127.0.0.1', '[::1]'])

/** True for loopback and for the names of the setting, whatever the port. */
export function isOwnHost(host: string | undefined, hosts: readonly string[]): boolean {
  const name = nameOf(host)
  return name !== undefined && (loopbackNames.has(name) || hosts.includes(name))
}

function nameOf(host: string | undefined): string | undefined {
  return host?.toLowerCase().replace(/:\d*$/, '')
}

/** Whether the browser speaks to a proxy with a certificate. On loopback, beside it, it does not. */
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

export function refuseForeignHost(
  request: FastifyRequest,
  reply: FastifyReply,
  hosts: readonly string[],
): FastifyReply | undefined {
  if (isOwnHost(request.headers.host, hosts)) return undefined
  return reply.code(421).type('text/html; charset=utf-8').send(wrongHostPage())
}

/** The team the browser may see; undefined when it has been answered that it may see nothing. */
export async function requireSession(
  database: Database,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<string | undefined> {
  const session = await currentSession(database, request)
  if (session) return session.teamId
  reply
    .code(401)
    .type('text/html; charset=utf-8')
    .send(notSignedInPage({ wasRefused: false }))
  return undefined
}

export async function currentSession(
  database: Database,
  request: FastifyRequest,
): Promise<{ readonly teamId: string } | undefined> {
  const secret = request.cookies[cookieName]
  return secret === undefined ? undefined : findPageSession(database, secret)
}
