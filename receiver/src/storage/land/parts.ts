/**
 * Parts of contents: staged until a content is whole, then landed as if it had come with its record.
 *
 * Whoever touches the parts of a content holds its lock until the end of the transaction, so that of two that bring the
 * last parts at one moment the second sees the first one's. A content is put together by PostgreSQL: one that came in
 * pieces over days is in no request's memory. First from its sender's own parts, and where those are not all here, from
 * everybody's. What is whole and is not what its hash says was sent wrongly: its parts go, and are rejected.
 */
import type { PartRow, Reject } from '../../otlp/rows/batch.ts'
import { contentMismatch } from '../../otlp/rows/content-parts.ts'
import type { Client } from '../database.ts'
import { keyOf } from './contents.ts'
import { insertRows } from './insert.ts'

interface Place {
  readonly day: string
  readonly sha256: Buffer
}

export interface PartsResult {
  readonly landed: number
  readonly rejects: readonly Reject[]
}

/** Two-number advisory locks: ours, and one of so many. More would fill PostgreSQL's table of locks. */
const lockClass = 7_235_015
const lockSlots = 256

/** To be called before anything else is locked, in one call for all of a transaction. */
export async function lockContents(client: Client, places: readonly Place[]): Promise<void> {
  const slots = new Set(places.map(({ sha256 }) => (sha256[0] ?? 0) % lockSlots))
  if (slots.size === 0) return
  await client.query('select pg_advisory_xact_lock($1, slot) from unnest($2::int[]) as slot', [
    lockClass,
    [...slots].sort((left, right) => left - right),
  ])
}

/** What is staged of contents that have landed otherwise is of no use any more. */
export async function forgetParts(
  client: Client,
  { teamId, places }: { readonly teamId: string; readonly places: readonly Place[] },
): Promise<void> {
  if (places.length === 0) return
  await client.query(
    `delete from content_parts p   -- index: content_parts_pkey
      using unnest($2::date[], $3::bytea[]) as a (day, sha256)
      where p.team_id = $1 and p.day = a.day and p.sha256 = a.sha256`,
    [teamId, places.map(({ day }) => day), places.map(({ sha256 }) => sha256)],
  )
}

/** Each part once. Those of a content that is here already are duplicates, and are not staged. */
export async function landParts(
  client: Client,
  { teamId, parts }: { readonly teamId: string; readonly parts: readonly PartRow[] },
): Promise<PartsResult> {
  const here = await placesHere(client, { teamId, parts })
  const wanted = parts.filter((part) => !here.has(keyOf(part)))
  const staged = await stage(client, { teamId, parts: wanted })
  let landed = staged.size
  const rejects: Reject[] = []
  for (const set of await wholeSets(client, { teamId, parts: wanted })) {
    if (here.has(keyOf(set))) continue
    if (await joinStaged(client, { teamId, set })) {
      here.add(keyOf(set))
      await forgetParts(client, { teamId, places: [set] })
    } else if (set.isOwn) {
      await discard(client, { teamId, set })
      const wrong = wanted.filter((part) => setOf(part) === setOf(set))
      rejects.push(...wrong.map(toReject))
      landed -= wrong.filter((part) => staged.has(partOf(part))).length
    }
  }
  return { landed, rejects }
}

function toReject({ recorder_id: recorderId }: PartRow): Reject {
  return { reason: contentMismatch, recorderId, sequence: null }
}

type PartSet = Place & Pick<PartRow, 'sender' | 'parts' | 'size'>

function setOf(part: PartSet): string {
  return `${keyOf(part)} ${part.parts} ${part.sender}`
}

function partOf(part: PartSet & { readonly part: number }): string {
  return `${setOf(part)} ${part.part}`
}

async function placesHere(
  client: Client,
  { teamId, parts }: { readonly teamId: string; readonly parts: readonly PartRow[] },
): Promise<Set<string>> {
  const places = [...new Map(parts.map((part) => [keyOf(part), part])).values()]
  const found = await client.query<{ key: string }>(
    `select to_char(c.day, 'YYYY-MM-DD') || ' ' || encode(c.sha256, 'hex') as key
       from unnest($2::date[], $3::bytea[]) as a (day, sha256)
       join contents c   -- index: contents_pkey
         on c.team_id = $1 and c.day = a.day and c.sha256 = a.sha256 and c.part = 0`,
    [teamId, places.map(({ day }) => day), places.map(({ sha256 }) => sha256)],
  )
  return new Set(found.map(({ key }) => key))
}

/** Returns those that were not there. */
async function stage(
  client: Client,
  { teamId, parts }: { readonly teamId: string; readonly parts: readonly PartRow[] },
): Promise<Set<string>> {
  const columns = ['day', 'sha256', 'sender', 'parts', 'part', 'size', 'bytes'] as const
  const rows = await insertRows<PartRow, { key: string }>(client, {
    table: 'content_parts',
    columns: ['team_id', ...columns],
    rows: [...parts].sort((left, right) => (partOf(left) < partOf(right) ? -1 : 1)),
    valuesOf: (part) => [teamId, ...columns.map((column) => part[column])],
    bytesOf: ({ bytes }) => bytes.length,
    conflict: `
      on conflict (team_id, day, sha256, sender, parts, part) do nothing
      returning concat_ws(' ', to_char(day, 'YYYY-MM-DD'), encode(sha256, 'hex'), parts, sender, part) as key`,
  })
  return new Set(rows.map(({ key }) => key))
}

interface WholeSet extends PartSet {
  /** All of it came from its sender. */
  readonly isOwn: boolean
}

/** Which of the contents have every part now, by whoever sent some of it just now. */
async function wholeSets(
  client: Client,
  { teamId, parts }: { readonly teamId: string; readonly parts: readonly PartRow[] },
): Promise<WholeSet[]> {
  const sets = [...new Map(parts.map((part) => [setOf(part), part])).values()].sort(
    (left, right) => (setOf(left) < setOf(right) ? -1 : 1),
  )
  if (sets.length === 0) return []
  const found = await client.query<{ place: number; isOwn: boolean }>(
    `select a.place, count(*) filter (where p.sender = a.sender) = a.parts as "isOwn"
       from unnest($2::date[], $3::bytea[], $4::text[], $5::int[]) with ordinality
              as a (day, sha256, sender, parts, place)
       join content_parts p   -- index: content_parts_pkey
         on p.team_id = $1 and p.day = a.day and p.sha256 = a.sha256 and p.parts = a.parts
      group by a.place, a.parts
     having count(distinct p.part) = a.parts
      order by a.place`,
    [
      teamId,
      sets.map(({ day }) => day),
      sets.map(({ sha256 }) => sha256),
      sets.map(({ sender }) => sender),
      sets.map((set) => set.parts),
    ],
  )
  return found.flatMap(({ place, isOwn }) => {
    const set = sets[place - 1]
    return set === undefined ? [] : [{ ...set, isOwn }]
  })
}

/** False when it is not what its hash says. */
async function joinStaged(
  client: Client,
  { teamId, set }: { readonly teamId: string; readonly set: PartSet },
): Promise<boolean> {
  const rows = await client.query(
    `with whole as materialized (
       select string_agg(bytes, ''::bytea order by part) as bytes
         from (
           select distinct on (part) part, bytes
             from content_parts   -- index: content_parts_pkey
            where team_id = $1 and day = $2 and sha256 = $3 and parts = $4
            order by part, sender = $5 desc, sender
         ) p
     ), landed as (
       insert into contents (team_id, day, sha256, body, bytes, size)
       select $1, $2, $3, t.body, case when t.body is null then w.bytes end, octet_length(w.bytes)
         from whole w
        cross join lateral (select turnlog_utf8(w.bytes) as body offset 0) t
        where octet_length(w.bytes) = $6 and sha256(w.bytes) = $3
       on conflict (team_id, day, sha256, part) do nothing
     )
     select from whole where octet_length(bytes) = $6 and sha256(bytes) = $3`,
    [teamId, set.day, set.sha256, set.parts, set.sender, set.size],
  )
  return rows.length > 0
}

async function discard(
  client: Client,
  { teamId, set }: { readonly teamId: string; readonly set: PartSet },
): Promise<void> {
  await client.query(
    `delete from content_parts   -- index: content_parts_pkey
      where team_id = $1 and day = $2 and sha256 = $3 and sender = $4 and parts = $5`,
    [teamId, set.day, set.sha256, set.sender, set.parts],
  )
}
