/** A whole content that came by itself. */
import { isUtf8 } from 'node:buffer'
import type { Database } from './database.ts'
import { forgetParts, lockContents } from './land-parts.ts'

export interface Attachment {
  readonly teamId: string
  /** In hex; the caller has verified it. */
  readonly sha256: string
  readonly bytes: Buffer
  /** The UTC day it shall be kept with, `2026-07-31`. */
  readonly day: string
}

export interface LandedAttachment {
  readonly days: readonly string[]
  /** False when it was there on each of these days before. */
  readonly isNew: boolean
}

/** Text where the bytes are text, told as in `otlp/contents.ts`. The same again changes nothing. */
export async function landAttachment(
  database: Database,
  { teamId, sha256, bytes, day }: Attachment,
): Promise<LandedAttachment> {
  const isText = isUtf8(bytes) && !bytes.includes(0)
  const place = { day, sha256: Buffer.from(sha256, 'hex') }
  return database.transaction(async (client) => {
    await lockContents(client, [place])
    const rows = await client.query(
      `insert into contents (team_id, day, sha256, body, bytes, size)
       values ($1, $2, $3,
               case when $5 then convert_from($4::bytea, 'UTF8') end,
               case when not $5 then $4::bytea end,
               octet_length($4::bytea))
       on conflict (team_id, day, sha256, part) do nothing
       returning true`,
      [teamId, day, place.sha256, bytes, isText],
    )
    await forgetParts(client, { teamId, places: [place] })
    return { days: [day], isNew: rows.length > 0 }
  })
}
