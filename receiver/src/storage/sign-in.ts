/** Signs a browser in: a link that works once is exchanged for a cookie. */
import { randomBytes } from 'node:crypto'
import type { Database } from './database.ts'
import { defaultTeam, hashSecret } from './tokens.ts'

/** A link remains visible in a terminal's scrollback, so it works once and for a short time. */
const linkMinutes = 60
const sessionDays = 30
const secretBytes = 32

/** The path of the sign-in link. */
export const signInPath = '/sign-in'

/** A link that signs one browser in, once, within an hour. */
export async function createSignInLink(
  database: Database,
  options: { readonly baseUrl: string; readonly team?: string },
): Promise<string> {
  const code = randomBytes(secretBytes).toString('base64url')
  await database.query(
    `insert into sign_in_links (team_id, code_sha256, expires_at)
     values ($1, $2, now() + make_interval(mins => $3))`,
    [options.team ?? defaultTeam, hashSecret(code), linkMinutes],
  )
  const url = new URL(signInPath, options.baseUrl)
  url.searchParams.set('code', code)
  return url.href
}

/** Exchanges a link's code for the secret of a page session; undefined when the code is unknown, used or expired. */
export async function useSignInCode(
  database: Database,
  code: string,
): Promise<{ readonly secret: string; readonly maxAgeSeconds: number } | undefined> {
  const secret = randomBytes(secretBytes).toString('base64url')
  const rows = await database.query(
    `with used as (
       update sign_in_links
          set used_at = now()
        where code_sha256 = $1 and used_at is null and expires_at > now()
       returning team_id
     )
     insert into page_sessions (team_id, cookie_sha256, expires_at)
     select team_id, $2, now() + make_interval(days => $3)
       from used
     returning team_id`,
    [hashSecret(code), hashSecret(secret), sessionDays],
  )
  if (rows.length === 0) return undefined
  return { secret, maxAgeSeconds: sessionDays * 86_400 }
}

/** The team of a page session; undefined when its secret is unknown or it has expired. */
export async function findPageSession(
  database: Database,
  secret: string,
): Promise<{ readonly teamId: string } | undefined> {
  const [row] = await database.query<{ teamId: string }>(
    `select team_id as "teamId"
       from page_sessions
      where cookie_sha256 = $1 and expires_at > now()`,
    [hashSecret(secret)],
  )
  return row
}
