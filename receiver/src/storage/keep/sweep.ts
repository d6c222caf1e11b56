/** Deletes rows without use: used and expired sign-in links, expired page sessions, claims of old events, old samples. */
import type { Database } from '../database.ts'
import { expireClaims } from '../land/claims.ts'
import { expireSamples } from './samples.ts'

/** `oldest` is the first UTC day whose records are kept. */
export async function sweep(
  database: Database,
  { oldest }: { readonly oldest: string },
): Promise<void> {
  await database.query(
    `delete from sign_in_links
      where coalesce(used_at, expires_at) < now() - interval '1 day'`,
  )
  await database.query('delete from page_sessions where expires_at < now()')
  await expireClaims(database, { oldest })
  await expireSamples(database, { oldest })
}
