/** Which content has this hash, and what are its bytes? */
import type { Database } from '../database.ts'

export interface StoredContent {
  readonly day: string
  readonly size: number
  readonly isText: boolean
}

const findText = `
  select to_char(day, 'YYYY-MM-DD') as day, size, body is not null as "isText"
    from contents
   where team_id = $1 and sha256 = $2 and part = 0
     and day = any ($3::date[])   -- index: contents_pkey
   order by day desc
   limit 1`

/** From the last of these days under which it is stored. */
export async function findContent(
  database: Database,
  options: { readonly teamId: string; readonly sha256: string; readonly days: readonly string[] },
): Promise<StoredContent | undefined> {
  const { teamId, sha256, days } = options
  const parameters = [teamId, Buffer.from(sha256, 'hex'), days]
  const [found] = await database.query<StoredContent>(findText, parameters)
  return found
}

const sliceText = `
  select substring(coalesce(bytes, convert_to(body, 'UTF8')) from $4 for $5) as slice
    from contents
   where team_id = $1 and day = $2 and sha256 = $3 and part = 0   -- index: contents_pkey`

/** Size of one read. PostgreSQL unpacks the whole content for each slice; memory holds a few slices for each reader. */
export const sliceBytes = 8 * 1024 ** 2

/** The bytes from `start` up to `end`, slice by slice. Throws when the content is deleted meanwhile. */
export async function* readContent(
  database: Database,
  options: {
    readonly teamId: string
    readonly day: string
    readonly sha256: string
    readonly start: number
    readonly end: number
  },
): AsyncGenerator<Buffer> {
  const { teamId, day, start, end } = options
  const sha256 = Buffer.from(options.sha256, 'hex')
  for (let at = start; at < end; at += sliceBytes) {
    const parameters = [teamId, day, sha256, at + 1, Math.min(sliceBytes, end - at)]
    const [row] = await database.query<{ slice: Buffer }>(sliceText, parameters)
    if (row === undefined) throw new Error('The content has been deleted meanwhile.')
    yield row.slice
  }
}
