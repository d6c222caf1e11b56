/** Who sends: the bearer token of a request. */
import {
  type Database,
  findTokenHolder,
  type TokenHolder,
  type TokenScope,
} from '../storage/index.ts'

export type Authentication =
  | { readonly status: 'known'; readonly holder: TokenHolder }
  /** 401: no token, or one that nobody holds. */
  | { readonly status: 'unknown'; readonly reason: string }
  /** 403: a token for something else. */
  | { readonly status: 'forbidden'; readonly reason: string }

/** An admin may do all. Throws when the database does not answer. */
export async function authenticate(
  database: Database,
  options: { readonly authorization: string | undefined; readonly scopes: readonly TokenScope[] },
): Promise<Authentication> {
  const { authorization, scopes } = options
  if (authorization === undefined) return { status: 'unknown', reason: 'A bearer token is needed.' }
  const token = /^bearer +([\x21-\x7e]+) *$/i.exec(authorization)?.[1]
  if (token === undefined) {
    return { status: 'unknown', reason: 'Authorization is not of the form `Bearer <token>`.' }
  }
  const holder = await findTokenHolder(database, token)
  if (holder === undefined) {
    return { status: 'unknown', reason: 'The token is unknown, or was revoked.' }
  }
  if (!scopes.includes(holder.scope) && holder.scope !== 'admin') {
    return {
      status: 'forbidden',
      reason: `The token is for '${holder.scope}', not for ${quoted(scopes)}.`,
    }
  }
  return { status: 'known', holder }
}

/** The user that counts whatever the client claims; undefined for a gateway, which has authenticated its users itself. */
export function userOf({ scope, userId }: TokenHolder): string | undefined {
  return scope === 'gateway' ? undefined : userId
}

function quoted(scopes: readonly TokenScope[]): string {
  return scopes.map((scope) => `'${scope}'`).join(' or ')
}
