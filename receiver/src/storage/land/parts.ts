/**
 * Parts of contents: stored in `content_parts` until all are here, then landed as if the content had come with its record.
 *
 * A transaction that touches the parts of a content holds the content's lock until it ends: of two that bring the last
 * two parts at one moment, the second sees the part of the first. PostgreSQL joins the parts, because a content may arrive
 * over days, and in no single request. It takes the sender's parts first, and parts of other senders where those are
 * missing. If the parts of one sender are complete and do not have the content's hash, they are deleted and rejected.
 */
import type { PartRow, Reject } from '../../otlp/rows/batch.ts'
import { contentMismatch } from '../../otlp/rows/content-parts.ts'
import type { Client } from '../database.ts'
import { keyOf } from './contents.ts'
import { insertRows } from './insert.ts'

/** A content is stored once for each day, `2026-07-31`, whose records refer to it. */
export interface ContentKey {
  readonly day: string
  readonly sha256: Buffer
}

interface PartsOf {
  readonly teamId: string
  readonly parts: readonly PartRow[]
}

/** The parameters of `unnest($2::date[], $3::bytea[]) as a (day, sha256)`. */
export function columnsOf(contents: readonly ContentKey[]): [string[], Buffer[]] {
  return [contents.map(({ day }) => day), contents.map(({ sha256 }) => sha256)]
}

/** An advisory lock of two numbers: Turnlog's, and one of 256 slots. A lock for each content could fill the lock table. */
const lockClass = 7_235_015
const lockSlots = 256

/** Must be called before anything else is locked, and once for all contents of the transaction. */
export async function lockContents(client: Client, contents: readonly ContentKey[]): Promise<void> {
  const slots = new Set(contents.map(({ sha256 }) => (sha256[0] ?? 0) % lockSlots))
  if (slots.size === 0) return
  await client.query('select pg_advisory_xact_lock($1, slot) from unnest($2::int[]) as slot', [
    lockClass,
    [...slots].sort((left, right) => left - right),
  ])
}

/** Deletes the staged parts of contents that have landed. */
export async function forgetParts(
  client: Client,
  { teamId, contents }: { readonly teamId: string; readonly contents: readonly ContentKey[] },
): Promise<void> {
  if (contents.length === 0) return
  await client.query(
    `delete from content_parts p   -- index: content_parts_pkey
      using unnest($2::date[], $3::bytea[]) as a (day, sha256)
      where p.team_id = $1 and p.day = a.day and p.sha256 = a.sha256`,
    [teamId, ...columnsOf(contents)],
  )
}

/** Stages each part once, and joins the contents that are complete. Parts of a stored content are duplicates. */
export async function landParts(client: Client, { teamId, parts }: PartsOf) {
  const stored = await storedContents(client, { teamId, parts })
  const wanted = parts.filter((part) => !stored.has(keyOf(part)))
  const staged = await stage(client, { teamId, parts: wanted })
  let landed = staged.size
  const rejects: Reject[] = []
  for (const set of await wholeSets(client, { teamId, parts: wanted })) {
    if (stored.has(keyOf(set))) continue
    if (await joinStaged(client, teamId, set)) {
      stored.add(keyOf(set))
      await forgetParts(client, { teamId, contents: [set] })
    } else if (set.isOwn) {
      await discard(client, teamId, set)
      const wrong = wanted.filter((part) => setOf(part) === setOf(set))
      for (const { recorder_id: recorderId } of wrong) {
        rejects.push({ reason: contentMismatch, recorderId, sequence: null })
      }
      landed -= wrong.filter((part) => staged.has(partOf(part))).length
    }
  }
  return { landed, rejects }
}

/** The parts into which one sender cut a content. */
type PartSet = ContentKey & Pick<PartRow, 'sender' | 'parts' | 'size'>

function setOf(part: PartSet): string {
  return `${keyOf(part)} ${part.parts} ${part.sender}`
}

function partOf(part: PartSet & { readonly part: number }): string {
  return `${setOf(part)} ${part.part}`
}

/** Which contents of these parts are stored, by `keyOf`. */
async function storedContents(client: Client, { teamId, parts }: PartsOf): Promise<Set<string>> {
  const contents = [...new Map(parts.map((part) => [keyOf(part), part])).values()]
  const found = await client.query<{ key: string }>(
    `select to_char(c.day, 'YYYY-MM-DD') || ' ' || encode(c.sha256, 'hex') as key
       from unnest($2::date[], $3::bytea[]) as a (day, sha256)
       join contents c   -- index: contents_pkey
         on c.team_id = $1 and c.day = a.day and c.sha256 = a.sha256 and c.part = 0`,
    [teamId, ...columnsOf(contents)],
  )
  return new Set(found.map(({ key }) => key))
}

/** Returns those that are new, by `partOf`. */
async function stage(client: Client, { teamId, parts }: PartsOf): Promise<Set<string>> {
  const key = ['day', 'sha256', 'sender', 'parts', 'part'] as const
  const table = { name: 'content_parts', names: [...key, 'size', 'bytes'], key } as const
  const rows = await insertRows<PartRow, { key: string }>(client, table, {
    teamId,
    rows: [...parts].sort((left, right) => (partOf(left) < partOf(right) ? -1 : 1)),
    bytesOf: ({ bytes }) => bytes.length,
    onConflict: `do nothing
      returning concat_ws(' ', to_char(day, 'YYYY-MM-DD'), encode(sha256, 'hex'), parts, sender, part) as key`,
  })
  return new Set(rows.map(({ key }) => key))
}

/**
 * The contents that are complete now, one for each sender who just sent a part of it. `isOwn`: all parts came from that
 * sender.
 */
async function wholeSets(client: Client, { teamId, parts }: PartsOf) {
  const sets = [...new Map(parts.map((part) => [setOf(part), part])).values()].sort(
    (left, right) => (setOf(left) < setOf(right) ? -1 : 1),
  )
  if (sets.length === 0) return []
  const found = await client.query<{ position: number; isOwn: boolean }>(
    `select a.position, count(*) filter (where p.sender = a.sender) = a.parts as "isOwn"
       from unnest($2::date[], $3::bytea[], $4::text[], $5::int[]) with ordinality
              as a (day, sha256, sender, parts, position)
       join content_parts p   -- index: content_parts_pkey
         on p.team_id = $1 and p.day = a.day and p.sha256 = a.sha256 and p.parts = a.parts
      group by a.position, a.parts
     having count(distinct p.part) = a.parts
      order by a.position`,
    [teamId, ...columnsOf(sets), sets.map(({ sender }) => sender), sets.map((set) => set.parts)],
  )
  return found.flatMap(({ position, isOwn }) => {
    const set = sets[position - 1]
    return set === undefined ? [] : [{ ...set, isOwn }]
  })
}

/** False when the joined bytes do not have the content's size and hash. */
async function joinStaged(client: Client, teamId: string, set: PartSet): Promise<boolean> {
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

async function discard(client: Client, teamId: string, set: PartSet): Promise<void> {
  await client.query(
    `delete from content_parts   -- index: content_parts_pkey
      where team_id = $1 and day = $2 and sha256 = $3 and sender = $4 and parts = $5`,
    [teamId, set.day, set.sha256, set.sender, set.parts],
  )
}
