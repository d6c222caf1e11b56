/**
 * Lands a batch: all of it in one transaction, committed before this returns.
 *
 * received = landed + duplicate + rejected. Landing the same batch again, at the same moment or later, changes no row
 * count and no ledger, because every insert conflicts on its key. If the database refuses the data itself, the batch is
 * halved until the record is found, and that record alone is rejected.
 */

import type { Counts } from '../../counters.ts'
import type {
  Batch,
  ContentParts,
  Item,
  LogRow,
  PointRow,
  Reject,
  SpanRow,
} from '../../otlp/rows/batch.ts'
import type { Client, Database } from '../database.ts'
import { failureOf } from '../failures.ts'
import { awaitContents } from './attachment.ts'
import { type ClaimOutcome, takeClaims } from './claims.ts'
import { landContents } from './contents.ts'
import { addToLedger, type LedgerEntry } from './ledger.ts'
import { landRecorders, landSessions } from './origins.ts'
import { type ContentKey, forgetParts, landParts, lockContents } from './parts.ts'
import { landLogs, landPoints, landSpans } from './records.ts'

export interface LandResult extends Counts {
  /** Why records were rejected, one reason each. */
  readonly reasons: readonly string[]
  /** By the ids of claims, for records that have one. */
  readonly claims: ReadonlyMap<string, ClaimOutcome>
}

type AnyItem = Item<SpanRow> | Item<LogRow> | Item<PointRow>

interface Landing {
  readonly teamId: string
  readonly batch: Batch
}

/** Throws the errors that `failureOf` calls unwell. Then nothing has landed, or a part, which may be sent again. */
export async function land(database: Database, { teamId, batch }: Landing): Promise<LandResult> {
  const received = batch.items.length + batch.rejects.length + countParts(batch)
  const unique = withItems(batch, uniqueItems)
  const whole = await attempt(database, { teamId, batch: unique })
  const { count, rejects, claims } =
    whole.status === 'landed'
      ? { ...whole, rejects: [...batch.rejects, ...whole.rejects] }
      : await landInHalves(database, { teamId, batch: unique })
  return {
    received,
    landed: count,
    duplicate: received - count - rejects.length,
    rejected: rejects.length,
    reasons: rejects.map(({ reason }) => reason),
    claims: new Map([...claims, ...rejects.flatMap(outcomeOf)]),
  }
}

function outcomeOf({ reason, claim }: Reject): [string, ClaimOutcome][] {
  return claim === undefined ? [] : [[claim.id, { status: 'rejected', reason }]]
}

function countParts({ contentParts }: Batch): number {
  if (contentParts === undefined) return 0
  const { wholes, parts, repeats } = contentParts
  return wholes.reduce((sum, whole) => sum + whole.parts, parts.length + repeats)
}

/** Finds the records that the database refuses, and adds them to the ledger as rejected in a last transaction. */
async function landInHalves(database: Database, { teamId, batch }: Landing): Promise<Landed> {
  const rejects: Reject[] = [...batch.rejects]
  const claims = new Map<string, ClaimOutcome>()
  let count = 0
  const waiting = halvesOf(batch)
  for (;;) {
    const part = waiting.pop()
    if (part === undefined) break
    const result = await attempt(database, { teamId, batch: part })
    if (result.status === 'landed') {
      count += result.count
      for (const [id, outcome] of result.claims) claims.set(id, outcome)
    } else if (part.items.length > 1) waiting.push(...halvesOf(part))
    else for (const item of part.items) rejects.push(toReject(item, result.sqlState))
  }
  const rest = await attempt(database, { teamId, batch: { ...batch, items: [], rejects } })
  if (rest.status === 'landed') {
    return { count: count + rest.count, rejects: [...rejects, ...rest.rejects], claims }
  }
  const reason = `the database refuses the content (${rest.sqlState})`
  const part = { reason, recorderId: null, sequence: null }
  return { count, rejects: [...rejects, ...Array(countParts(batch)).fill(part)], claims }
}

/** Without rejects and content parts: these land once, after the halves. */
function halvesOf(batch: Batch): Batch[] {
  const middle = Math.ceil(batch.items.length / 2)
  const part = (start: number, end?: number) =>
    withItems({ ...batch, rejects: [], contentParts: undefined }, (items) =>
      items.slice(start, end),
    )
  const parts = [part(middle), part(0, middle)]
  return parts.filter(({ items }) => items.length > 0)
}

function toReject({ row, claim }: AnyItem, sqlState: string): Reject {
  return {
    reason: `the database refuses the record (${sqlState})`,
    recorderId: row.recorder_id,
    sequence: row.sequence,
    claim,
  }
}

interface Landed {
  readonly count: number
  /** In addition to those of the batch; `landInHalves` includes them. */
  readonly rejects: readonly Reject[]
  readonly claims: ReadonlyMap<string, ClaimOutcome>
}

type Attempt =
  | (Landed & { readonly status: 'landed' })
  | { readonly status: 'refused'; readonly sqlState: string }

async function attempt(database: Database, landing: Landing): Promise<Attempt> {
  try {
    const landed = await database.transaction((client) => landOnce(client, landing))
    return { status: 'landed', ...landed }
  } catch (error) {
    const failure = failureOf(error)
    if (failure.kind !== 'data') throw error
    return { status: 'refused', sqlState: failure.sqlState }
  }
}

/**
 * One attempt, within a transaction. All transactions lock in this order, and within a step in the order of keys, so that
 * two that bring the same data wait for each other instead of deadlocking.
 *
 * | step           | locks until the commit              | why at this point                                           |
 * | -------------- | ----------------------------------- | ----------------------------------------------------------- |
 * | 1 lockContents | advisory locks of contents that are | First, while nothing else is locked: a transaction that     |
 * |                | attached, awaited or in parts       | waits here holds no row that the other one needs. Without   |
 * |                |                                     | it, two that bring the last two parts, or a content and a   |
 * |                |                                     | reference to it, would each miss what the other one wrote.  |
 * | 2 takeClaims   | `event_claims`                      | Events that have landed are left out of all steps below.    |
 * | 3 landContents | `contents`, `message_links`         | Steps 5 and 6 look for contents that are not stored yet.    |
 * | 4 forgetParts  | `content_parts`                     | Contents of step 3 no longer need their parts.              |
 * | 5 landParts    | `content_parts`, `contents`         | Parts of a content of step 3 are duplicates.                |
 * | 6 awaitContents| `contents`, `attachment_days`       | After 3 and 5, so that only absent contents are awaited.    |
 * | 7 landItems    | `spans`, `log_records` or           | Last of the rows that belong to this batch alone. Returns   |
 * |                | `metric_points`                     | which events are new.                                       |
 * | 8 addToLedger  | `ledger`                            | These three have one row that every request of a recorder   |
 * | 9 landRecorders| `recorders`                         | or session updates: they are locked last, and so for the    |
 * |   landSessions | `session_lifetimes`                 | shortest time.                                              |
 *
 * One deadlock remains possible: two batches that each have in parts (5) what the other one has whole (3). PostgreSQL
 * ends one of them, and `transaction` runs it again.
 */
async function landOnce(client: Client, { teamId, batch: whole }: Landing): Promise<Landed> {
  const { contentParts: { wholes, parts } = noParts } = whole
  const wholeContents = wholes.flatMap(({ key }) => whole.contents.get(key) ?? [])
  await lockContents(client, [...wholeContents, ...parts, ...awaitedBy(whole)])
  const claims = await takeClaims(client, { teamId, items: whole.items })
  const batch = withoutClaimed(whole, claims)
  const { items, recorders, rejects } = batch
  const keys = new Set([
    ...items.flatMap(({ contentKeys }) => contentKeys),
    ...wholes.map(({ key }) => key),
  ])
  const news = await landContents(client, { teamId, batch, keys })
  await forgetParts(client, { teamId, contents: wholeContents })
  const staged = await landParts(client, { teamId, parts })
  await awaitContents(client, { teamId, contents: awaitedBy(batch) })
  const { count, landed } = await landItems(client, { teamId, batch })
  await addToLedger(client, { teamId, entries: ledgerEntries(batch) })
  await landRecorders(client, { teamId, items, recorders, rejects })
  await landSessions(client, { teamId, items })
  // An event may have a claim of its own and the key of another one: the same tool call at the same moment.
  for (const { claim } of items) {
    if (claim) claims.set(claim.id, { status: 'duplicate', hash: undefined })
  }
  for (const { claim } of landed) if (claim) claims.set(claim.id, { status: 'landed' })
  return {
    count: count + countWholes(wholes, news) + staged.landed,
    rejects: staged.rejects,
    claims,
  }
}

/** Contents that records refer to and the batch does not contain. */
function awaitedBy({ items, contents, links }: Batch): readonly ContentKey[] {
  const keys = new Set(
    items.flatMap(({ contentKeys }) =>
      contentKeys.filter((key) => !contents.has(key) && !links.has(key)),
    ),
  )
  return [...keys].sort().map((key) => {
    const [day = '', hex = ''] = key.split(' ')
    return { day, sha256: Buffer.from(hex, 'hex') }
  })
}

const noParts = { wholes: [], parts: [] } as const satisfies Partial<ContentParts>

/** How many parts the new contents had; of a content that two senders sent, those of the first. */
function countWholes(wholes: ContentParts['wholes'], news: ReadonlySet<string>): number {
  const counted = new Set<string>()
  let count = 0
  for (const { key, parts } of wholes) {
    if (!news.has(key) || counted.has(key)) continue
    counted.add(key)
    count += parts
  }
  return count
}

function withoutClaimed(batch: Batch, claims: ReadonlyMap<string, ClaimOutcome>): Batch {
  if (claims.size === 0) return batch
  return withItems(batch, (items) => items.filter(({ claim }) => !claim || !claims.has(claim.id)))
}

/** How many are new, and which, for signals whose records may have claims. */
async function landItems(
  client: Client,
  { teamId, batch }: Landing,
): Promise<{ readonly count: number; readonly landed: readonly AnyItem[] }> {
  switch (batch.signal) {
    case 'traces': {
      const landed = await landSpans(client, { teamId, items: batch.items })
      return { count: landed.length, landed }
    }
    case 'logs': {
      const landed = await landLogs(client, { teamId, items: batch.items })
      return { count: landed.length, landed }
    }
    case 'metrics':
      return { count: await landPoints(client, { teamId, items: batch.items }), landed: [] }
  }
}

function ledgerEntries({ items, rejects }: Batch): LedgerEntry[] {
  const entries: LedgerEntry[] = []
  for (const { row, news } of items) {
    const recorderId = row.recorder_id
    if (recorderId === null) continue
    if (row.sequence !== null) {
      entries.push({ recorderId, state: 'landed', ranges: [[row.sequence, row.sequence]] })
    }
    if (news?.dropped) entries.push({ recorderId, state: 'dropped', ranges: [news.dropped] })
  }
  for (const { recorderId, sequence } of rejects) {
    if (recorderId === null || sequence === null) continue
    entries.push({ recorderId, state: 'rejected', ranges: [[sequence, sequence]] })
  }
  return entries
}

function withItems(
  batch: Batch,
  change: <Row extends { readonly abandoned: boolean }>(items: readonly Item<Row>[]) => Item<Row>[],
): Batch {
  switch (batch.signal) {
    case 'traces':
      return { ...batch, items: change(batch.items) }
    case 'logs':
      return { ...batch, items: change(batch.items) }
    case 'metrics':
      return { ...batch, items: change(batch.items) }
  }
}

/** Of records with one key the first of the highest rank, as in `records.ts`. */
function uniqueItems<Row extends { readonly abandoned: boolean }>(
  items: readonly Item<Row>[],
): Item<Row>[] {
  const unique = new Map<string, Item<Row>>()
  for (const item of items) {
    const known = unique.get(item.key)
    if (known === undefined || rankOf(known) < rankOf(item)) unique.set(item.key, item)
  }
  return [...unique.values()]
}

function rankOf({ row, isWaiting }: Item<{ readonly abandoned: boolean }>): number {
  if (row.abandoned) return 1
  return isWaiting === true ? 0 : 2
}
