/** Access tokens. A token is shown once, when it is created; only its SHA-256 is stored. */
import { createHash, randomBytes } from 'node:crypto'
import type { Database } from './database.ts'

/** The team of every key in the database; there is only one so far. */
export const defaultTeam = 'default'

/**
 * `ingest` lands records of its user, and reads the ledger of that user's recorders; `gateway` lands records of any user
 * of its team; `read` reads everything; `admin` may do all of this.
 */
export const tokenScopes = ['ingest', 'gateway', 'read', 'admin'] as const
export type TokenScope = (typeof tokenScopes)[number]

export interface TokenHolder {
  readonly teamId: string
  readonly userId: string
  readonly scope: TokenScope
}

export interface TokenDescription extends Omit<TokenHolder, 'teamId'> {
  readonly tokenId: string
  readonly createdAt: Date
  readonly revokedAt: Date | null
}

/** Makes a token recognizable, for example to secret scanners. */
const prefix = 'tlt_'
const secretBytes = 32
const idBytes = 6

/** Returns the token, which cannot be shown again. */
export async function createToken(
  database: Database,
  options: { readonly user: string; readonly scope: TokenScope; readonly team?: string },
): Promise<string> {
  const token = prefix + randomBytes(secretBytes).toString('base64url')
  const { user, scope, team = defaultTeam } = options
  await database.query(
    `insert into tokens (team_id, token_id, token_sha256, user_id, scope)
     values ($1, $2, $3, $4, $5)`,
    [team, randomBytes(idBytes).toString('hex'), hashSecret(token), user, scope],
  )
  return token
}

/** The holder of a token; undefined when it is unknown or revoked. */
export async function findTokenHolder(
  database: Database,
  token: string,
): Promise<TokenHolder | undefined> {
  const [row] = await database.query<TokenHolder>(
    `select team_id as "teamId", user_id as "userId", scope
       from tokens
      where token_sha256 = $1 and revoked_at is null   -- index: tokens_token_sha256_key`,
    [hashSecret(token)],
  )
  return row
}

export async function listTokens(database: Database): Promise<TokenDescription[]> {
  return database.query<TokenDescription>(
    `select token_id as "tokenId", user_id as "userId", scope,
            created_at as "createdAt", revoked_at as "revokedAt"
       from tokens
      order by created_at, token_id`,
  )
}

/** Takes the token or its id. False when there is no such token, or it was revoked before. */
export async function revokeToken(database: Database, idOrToken: string): Promise<boolean> {
  const rows = await database.query(
    `update tokens
        set revoked_at = now()
      where (token_id = $1 or token_sha256 = $2) and revoked_at is null
     returning token_id`,
    [idOrToken, hashSecret(idOrToken)],
  )
  return rows.length > 0
}

export function hashSecret(secret: string): Buffer {
  return createHash('sha256').update(secret).digest()
}
