/** What are these contents? Of those above a size only the beginning is read. */
import type { Reader, TeamRead } from '../database.ts'

export interface ContentOfDay {
  /** Hex, as all hashes here. */
  readonly sha256: string
  readonly size: number
  /** The whole, or its beginning when `size` is above the limit. Either this or `bytes`. */
  readonly text: string | null
  readonly bytes: Buffer | null
}

/** The lateral join looks up each hash by key, also while the planner has no statistics of the table. */
const text = `
  select encode(c.sha256, 'hex') as sha256,
         c.size,
         case when c.size <= $4 then c.body else left(c.body, $5) end as text,
         case when c.size <= $4 then c.bytes else substring(c.bytes for $5) end as bytes
    from unnest($3::bytea[]) k (sha256)
   cross join lateral (
     select n.sha256, n.size, n.body, n.bytes
       from contents n
      where n.team_id = $1 and n.day = $2::date and n.sha256 = k.sha256 and n.part = 0
      limit 1   -- index: contents_pkey
   ) c`

export async function contentsByHash(
  database: Reader,
  options: TeamRead & {
    readonly day: string
    readonly hashes: readonly string[]
    readonly sizeMax: number
    /** Characters, or bytes, to read of a larger one. */
    readonly beginningLength: number
  },
): Promise<readonly ContentOfDay[]> {
  const { teamId, day, hashes, sizeMax, beginningLength, ...limits } = options
  if (hashes.length === 0) return []
  const keys = hashes.map((hash) => Buffer.from(hash, 'hex'))
  return database.read<ContentOfDay>(
    text,
    [teamId, day, keys, Math.min(sizeMax, Number.MAX_SAFE_INTEGER), beginningLength],
    limits,
  )
}
