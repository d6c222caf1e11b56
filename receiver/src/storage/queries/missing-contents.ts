/** Which of these contents have not arrived, or not completely? */
import type { Database } from '../database.ts'

export interface DatedContent {
  /** The UTC day of the record that refers to it, `2026-07-31`. */
  readonly day: string
  /** 64 lowercase hex digits. */
  readonly sha256: string
}

const contentsText = `
  select to_char(a.day, 'YYYY-MM-DD') as day, encode(a.sha256, 'hex') as sha256
    from unnest($2::date[], $3::bytea[]) as a (day, sha256)
   where not exists (
     select from contents c   -- index: contents_pkey
      where c.team_id = $1 and c.day = a.day and c.sha256 = a.sha256
   )
   order by a.day, a.sha256`

export async function missingContents(
  database: Database,
  { teamId, contents }: { readonly teamId: string; readonly contents: readonly DatedContent[] },
): Promise<DatedContent[]> {
  if (contents.length === 0) return []
  return database.query<DatedContent>(contentsText, [
    teamId,
    contents.map(({ day }) => day),
    contents.map(({ sha256 }) => `\\x${sha256}`),
  ])
}
