/** What do these contents hold? Those above a size with their beginning only. */
import type { ReadLimits } from '../bounded-read.ts'
import type { Reader } from '../database.ts'

export interface ContentOfDay {
  /** Hex, as all hashes here. */
  readonly sha256: string
  readonly size: number
  /** The whole, or its beginning when `size` is above the limit. Either this or `bytes`. */
  readonly text: string | null
  readonly bytes: Buffer | null
}

const text = `
  select encode(sha256, 'hex') as sha256,
         size,
         case when size <= $4 then body else left(body, $5) end as text,
         case when size <= $4 then bytes else substring(bytes for $5) end as bytes
    from contents
   where team_id = $1 and day = $2::date and part = 0
     and sha256 = any ($3)   -- index: contents_pkey`

export async function contentsByHash(
  database: Reader,
  options: {
    readonly teamId: string
    readonly day: string
    readonly hashes: readonly string[]
    readonly sizeMax: number
    /** Characters, or bytes, of what is larger. */
    readonly beginningLength: number
  } & ReadLimits,
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
