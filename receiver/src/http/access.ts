/** Who may use an endpoint that answers in JSON: the holder of a bearer token, or a browser that is signed in. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Database, TokenScope } from '../storage/index.ts'
import { authenticate } from './authenticate.ts'
import { currentSession, isOwnHost } from './sign-in.ts'

export interface AccessOptions {
  readonly database: Database
  readonly scopes: readonly TokenScope[]
  /** A signed-in browser may as well, under these names and loopback's. The scope needs `@fastify/cookie`. */
  readonly pageHosts?: readonly string[]
  /** The body of a refusal; `google.rpc.Status` without. */
  readonly refusal?: (status: 401 | 403, reason: string) => object
}

export interface Access {
  readonly teamId: string
  readonly scope: TokenScope
  /** Undefined for a signed-in browser. */
  readonly userId: string | undefined
}

/**
 * Undefined when it has been answered: 401 without a token or with an unknown one, 403 with one for something else.
 * Throws when the database does not answer.
 */
export async function requireAccess(
  request: FastifyRequest,
  reply: FastifyReply,
  { database, scopes, pageHosts, refusal = statusBody }: AccessOptions,
): Promise<Access | undefined> {
  const { authorization, host } = request.headers
  if (authorization === undefined && pageHosts !== undefined && isOwnHost(host, pageHosts)) {
    const session = await currentSession(database, request)
    if (session) return { teamId: session.teamId, scope: 'read', userId: undefined }
  }
  const authentication = await authenticate(database, { authorization, scopes })
  if (authentication.status === 'known') return authentication.holder
  // What is still being sent is read and thrown away, so that the answer is read.
  request.raw.resume()
  if (authentication.status === 'forbidden') {
    reply.code(403).send(refusal(403, authentication.reason))
    return undefined
  }
  reply.code(401).header('www-authenticate', 'Bearer realm="turnlog"')
  reply.send(refusal(401, authentication.reason))
  return undefined
}

/** `google.rpc.Status`: UNAUTHENTICATED is 16, PERMISSION_DENIED 7. */
function statusBody(status: 401 | 403, message: string): object {
  return { code: status === 401 ? 16 : 7, message }
}
