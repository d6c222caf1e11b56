/**
 * Attachments: contents that are uploaded apart from the records that refer to them, before or after, on any day.
 *
 * A content is stored under the day of the record that refers to it, which the uploader does not know. So
 * `attachment_days` has the days under which each attachment is stored or awaited. When a record lands, the attachment is
 * copied to its day, or noted as awaited; an upload is stored under all days that await it. Both hold the lock of the
 * content until they commit, so that neither misses the other.
 */
import { isUtf8 } from 'node:buffer'
import type { Client, Database } from '../database.ts'
import { type ContentKey, columnsOf, forgetParts, lockContents } from './parts.ts'

export interface Attachment {
  readonly teamId: string
  /** In hex; the caller has verified it. */
  readonly sha256: string
  readonly bytes: Buffer
  /** A UTC day to store it under, `2026-07-31`. */
  readonly day: string
}

/**
 * Stored as text if the bytes are text, by the rule of `otlp/rows/contents.ts`. Uploading it again changes nothing. Returns
 * the given day and those that awaited it; `isNew` is false when it was already stored under each of these days.
 */
export async function landAttachment(
  database: Database,
  { teamId, sha256: hex, bytes, day }: Attachment,
) {
  const sha256 = Buffer.from(hex, 'hex')
  const isText = isUtf8(bytes) && !bytes.includes(0)
  return database.transaction(async (client) => {
    await lockContents(client, [{ day, sha256 }])
    const awaited = await client.query<{ day: string }>(
      `select to_char(day, 'YYYY-MM-DD') as day
         from attachment_days
        where team_id = $1 and sha256 = $2 and not is_here   -- index: attachment_days_pkey`,
      [teamId, sha256],
    )
    const days = [...new Set([...awaited.map((one) => one.day), day])].sort()
    const rows = await client.query(
      `insert into contents (team_id, day, sha256, body, bytes, size)
       select $1, a.day, $3,
              case when $5 then convert_from($4::bytea, 'UTF8') end,
              case when not $5 then $4::bytea end,
              octet_length($4::bytea)
         from unnest($2::date[]) as a (day)
       on conflict (team_id, day, sha256, part) do nothing
       returning true`,
      [teamId, days, sha256, bytes, isText],
    )
    await client.query(
      `insert into attachment_days (team_id, sha256, day, is_here)
       select $1, $2, a.day, true
         from unnest($3::date[]) as a (day)
       on conflict (team_id, sha256, day) do update set is_here = true
        where not attachment_days.is_here`,
      [teamId, sha256, days],
    )
    await forgetParts(client, { teamId, contents: days.map((one) => ({ day: one, sha256 })) })
    return { days, isNew: rows.length > 0 }
  })
}

/**
 * Must be called after the contents of the batch have landed, under the locks of `contents`. Copies those that are stored
 * under another day; the others are noted as awaited.
 */
export async function awaitContents(
  client: Client,
  { teamId, contents }: { readonly teamId: string; readonly contents: readonly ContentKey[] },
): Promise<void> {
  if (contents.length === 0) return
  await client.query(
    `with missing as (
       select a.day, a.sha256
         from unnest($2::date[], $3::bytea[]) as a (day, sha256)
        where not exists (
          select
            from contents c   -- index: contents_pkey
           where c.team_id = $1 and c.day = a.day and c.sha256 = a.sha256 and c.part = 0)
     ), copied as (
       insert into contents (team_id, day, sha256, body, bytes, size)
       select $1, m.day, m.sha256, c.body, c.bytes, c.size
         from missing m
        cross join lateral (
          select c.body, c.bytes, c.size
            from attachment_days d   -- index: attachment_days_pkey
            join contents c   -- index: contents_pkey
              on c.team_id = $1 and c.day = d.day and c.sha256 = m.sha256 and c.part = 0
           where d.team_id = $1 and d.sha256 = m.sha256 and d.is_here
           order by d.day desc
           limit 1
        ) c
       on conflict (team_id, day, sha256, part) do nothing
       returning day, sha256
     )
     insert into attachment_days (team_id, sha256, day, is_here)
     select $1, m.sha256, m.day,
            exists (select from copied c where c.day = m.day and c.sha256 = m.sha256)
       from missing m
     on conflict (team_id, sha256, day) do update set is_here = excluded.is_here
      where excluded.is_here and not attachment_days.is_here`,
    [teamId, ...columnsOf(contents)],
  )
}
