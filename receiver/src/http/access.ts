/** Who may use an endpoint: the holder of a bearer token with the right scope, or a signed-in browser. */
import type { Database } from '../storage/database.ts'
import { findTokenHolder, type TokenHolder, type TokenScope } from '../storage/tokens.ts'
import { type Exchange, refuse } from './refuse.ts'
import { currentSession, isOwnHost } from './sign-in.ts'

export interface AccessOptions {
  readonly database: Database
  /** A token of scope `admin` may always. */
  readonly scopes: readonly TokenScope[]
  /** Also admits a signed-in browser, under these names and loopback's. Needs `@fastify/cookie`. */
  readonly pageHosts?: readonly string[]
}

export interface Access {
  readonly teamId: string
  readonly scope: TokenScope
  /** Undefined for a signed-in browser. */
  readonly userId: string | undefined
}

/**
 * Undefined when the request has been refused: 401 without a token or with an unknown one, 403 with a token of another
 * scope. Throws when the database does not answer.
 */
export async function requireAccess(
  exchange: Exchange,
  { database, scopes, pageHosts }: AccessOptions,
): Promise<Access | undefined> {
  const { request, reply } = exchange
  const { authorization, host } = request.headers
  if (authorization === undefined && pageHosts !== undefined && isOwnHost(host, pageHosts)) {
    const session = await currentSession(database, request)
    if (session) return { teamId: session.teamId, scope: 'read', userId: undefined }
  }
  const holder = await holderOf(database, authorization)
  if (typeof holder === 'string') {
    reply.header('www-authenticate', 'Bearer realm="turnlog"')
    refuse(exchange, { httpStatus: 401, message: holder })
    return undefined
  }
  if (scopes.includes(holder.scope) || holder.scope === 'admin') return holder
  const expected = scopes.map((scope) => `'${scope}'`).join(' or ')
  const message = `The token is for '${holder.scope}', not for ${expected}.`
  refuse(exchange, { httpStatus: 403, message })
  return undefined
}

/** The token's holder, or why there is none. */
async function holderOf(
  database: Database,
  authorization: string | undefined,
): Promise<TokenHolder | string> {
  if (authorization === undefined) return 'A bearer token is needed.'
  const token = /^bearer +([\x21-\x7e]+) *$/i.exec(authorization)?.[1]
  if (token === undefined) return 'Authorization is not of the form `Bearer <token>`.'
  return (await findTokenHolder(database, token)) ?? 'The token is unknown, or was revoked.'
}

/** The user a record belongs to whatever the client claims; undefined for a gateway, which has authenticated its users. */
export function userOf({ scope, userId }: Access): string | undefined {
  return scope === 'gateway' ? undefined : userId
}
