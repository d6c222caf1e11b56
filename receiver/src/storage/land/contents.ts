/** Contents and message links: each stored once for a day, however often it is sent. */
import type { Batch } from '../../otlp/rows/batch.ts'
import type { ContentRow, MessageLinkRow } from '../../otlp/rows/contents.ts'
import type { Client } from '../database.ts'
import { insertRows } from './insert.ts'

const contentsTable = {
  name: 'contents',
  names: ['day', 'sha256', 'body', 'bytes', 'size'],
  key: ['day', 'sha256', 'part'],
} as const
const linksTable = {
  name: 'message_links',
  names: ['day', 'sha256', 'previous', 'message', 'position'],
  key: ['day', 'sha256'],
} as const

/** Lands the contents and links of `keys` that are not stored yet; returns the keys of the contents that are new. */
export async function landContents(
  client: Client,
  options: {
    readonly teamId: string
    readonly batch: Pick<Batch, 'contents' | 'links'>
    readonly keys: ReadonlySet<string>
  },
): Promise<ReadonlySet<string>> {
  const { teamId, batch, keys } = options
  // A conversation is sent again with each model call, and most of it is stored: ask before sending the texts.
  const contents = await missingFrom(client, 'contents', pick(batch.contents, keys), teamId)
  const onConflict = 'do nothing'
  const bytesOf = ({ size }: ContentRow) => size
  await insertRows(client, contentsTable, { teamId, rows: contents, bytesOf, onConflict })
  const links = await missingFrom(client, 'message_links', pick(batch.links, keys), teamId)
  await insertRows(client, linksTable, { teamId, rows: links, onConflict })
  return new Set(contents.map(keyOf))
}

export function keyOf({ day, sha256 }: { readonly day: string; readonly sha256: Buffer }): string {
  return `${day} ${sha256.toString('hex')}`
}

/** In the order of their keys, as `insertRows` requires. */
function pick<Row>(rows: ReadonlyMap<string, Row>, keys: ReadonlySet<string>): [string, Row][] {
  return [...rows]
    .filter(([key]) => keys.has(key))
    .sort(([left], [right]) => (left < right ? -1 : 1))
}

/**
 * Another transaction may insert the same rows meanwhile; the insert that follows ignores them. A lateral join looks up
 * each row by its key, also while the planner has no statistics of the table, as at the start of a day.
 */
async function missingFrom<Row extends ContentRow | MessageLinkRow>(
  client: Client,
  table: 'contents' | 'message_links',
  rows: readonly (readonly [string, Row])[],
  teamId: string,
): Promise<Row[]> {
  const days = Map.groupBy(rows, ([, { day }]) => day)
  const present = new Set<string>()
  for (const [day, ofDay] of days) {
    const found = await client.query<{ sha256: Buffer }>(
      `select k.sha256
         from unnest($3::bytea[]) k (sha256)
        cross join lateral (
          select
            from ${table} n
           where n.team_id = $1 and n.day = $2::date and n.sha256 = k.sha256   -- index: its primary key
           limit 1
        ) n`,
      [teamId, day, ofDay.map(([, { sha256 }]) => sha256)],
    )
    for (const { sha256 } of found) present.add(keyOf({ day, sha256 }))
  }
  return rows.filter(([key]) => !present.has(key)).map(([, row]) => row)
}
