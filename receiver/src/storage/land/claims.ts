/**
 * Claims: which plain events have landed, whatever time they were sent with.
 *
 * A claim is inserted in the transaction that lands the record, so of two that bring the same event at one moment the
 * second waits, and finds it claimed. Claims are hashes. They outlive their records by some days, so that no event lands
 * twice while its day is still accepted.
 */
import type { Item } from '../../otlp/rows/batch.ts'
import type { Client, Database } from '../database.ts'
import { insertRows } from './insert.ts'

/** The outcome of a record with a claim. */
export type ClaimOutcome =
  | { readonly status: 'landed' }
  /** `hash` is that of the event that landed with this claim; unknown when another record has the record's key. */
  | { readonly status: 'duplicate'; readonly hash: string | undefined }
  | { readonly status: 'rejected'; readonly reason: string }

/** Inserts the claims that are new; returns the outcomes of the others. */
export async function takeClaims(
  client: Client,
  { teamId, items }: { readonly teamId: string; readonly items: readonly Item<unknown>[] },
): Promise<Map<string, ClaimOutcome>> {
  const outcomes = new Map<string, ClaimOutcome>()
  const claims = items.map(({ claim }) => claim).filter((claim) => claim !== undefined)
  if (claims.length === 0) return outcomes
  const rows = claims
    .sort((left, right) => (left.id < right.id ? -1 : 1))
    .map(({ id, hash }) => ({ claim: bytesOf(id), hash: bytesOf(hash) }))
  const taken = await insertRows<(typeof rows)[number], { id: string }>(
    client,
    { name: 'event_claims', names: ['claim', 'hash'], key: ['claim'] },
    { teamId, rows, onConflict: `do nothing returning encode(claim, 'hex') as id` },
  )
  const fresh = new Set(taken.map(({ id }) => id))
  const others = claims.filter(({ id }) => !fresh.has(id))
  if (others.length === 0) return outcomes
  const known = await client.query<{ id: string; hash: string }>(
    `select encode(claim, 'hex') as id, encode(hash, 'hex') as hash
       from event_claims
      where team_id = $1 and claim = any ($2::bytea[])   -- index: event_claims_pkey`,
    [teamId, others.map(({ id }) => bytesOf(id))],
  )
  const hashes = new Map(known.map(({ id, hash }) => [id, hash]))
  for (const { id } of others) outcomes.set(id, { status: 'duplicate', hash: hashes.get(id) })
  return outcomes
}

/** An event may land before its own time, by which it expires; this is more than `futureDays`. */
const slackDays = 7

/** Deletes the claims of events that would be refused now; `oldest` is the first day that is not expired. */
export async function expireClaims(
  database: Database,
  { oldest }: { readonly oldest: string },
): Promise<void> {
  await database.query(
    `delete from event_claims
      where landed_at < ($1::date - $2::int) at time zone 'UTC'   -- index: event_claims_by_time`,
    [oldest, slackDays],
  )
}

function bytesOf(hex: string): Buffer {
  return Buffer.from(hex, 'hex')
}
