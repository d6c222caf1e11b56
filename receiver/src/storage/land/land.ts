/**
 * Lands a batch: all of it in one transaction, committed before this returns.
 *
 * received = landed + duplicate + rejected. The same batch again, at the same moment or later, by
 * whomever, changes no row count and no ledger: every insert knows its key, and takes locks in the
 * order of tables below and of keys within each, so that two that meet wait and do not deadlock.
 * Should the data itself be refused by the database, the batch is halved until the record is found,
 * which is then rejected alone.
 */
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
import { type Awaited, awaitContents } from './attachment.ts'
import { type ClaimOutcome, takeClaims } from './claims.ts'
import { landContents } from './contents.ts'
import { addToLedger, type LedgerEntry } from './ledger.ts'
import { landRecorders, landSessions } from './origins.ts'
import { forgetParts, landParts, lockContents } from './parts.ts'
import { landLogs, landPoints, landSpans } from './records.ts'

export interface LandResult {
  readonly received: number
  readonly landed: number
  readonly duplicate: number
  readonly rejected: number
  /** Why records were rejected, one reason each. */
  readonly reasons: readonly string[]
  /** By the ids of claims, for records that have one. */
  readonly claims: ReadonlyMap<string, ClaimOutcome>
}

type AnyItem = Item<SpanRow> | Item<LogRow> | Item<PointRow>

/** Throws what `failureOf` calls unwell; then nothing, or a part that may come again, has landed. */
export async function land(
  database: Database,
  { teamId, batch }: { readonly teamId: string; readonly batch: Batch },
): Promise<LandResult> {
  const received = batch.items.length + batch.rejects.length + countParts(batch)
  const unique = withoutRepeats(batch)
  const whole = await attempt(database, { teamId, batch: unique })
  const { landed, rejects, claims } =
    whole.status === 'landed'
      ? { ...whole, landed: whole.count, rejects: [...batch.rejects, ...whole.rejects] }
      : await landInHalves(database, { teamId, batch: unique })
  return {
    received,
    landed,
    duplicate: received - landed - rejects.length,
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

/** Finds the records the database refuses; they are noted as rejected in a transaction of their own. */
async function landInHalves(
  database: Database,
  { teamId, batch }: { readonly teamId: string; readonly batch: Batch },
): Promise<{
  landed: number
  rejects: readonly Reject[]
  claims: ReadonlyMap<string, ClaimOutcome>
}> {
  const rejects: Reject[] = [...batch.rejects]
  const claims = new Map<string, ClaimOutcome>()
  let landed = 0
  const waiting = halvesOf(batch)
  for (;;) {
    const part = waiting.pop()
    if (part === undefined) break
    const result = await attempt(database, { teamId, batch: part })
    if (result.status === 'landed') {
      landed += result.count
      for (const [id, outcome] of result.claims) claims.set(id, outcome)
    } else if (part.items.length > 1) waiting.push(...halvesOf(part))
    else for (const item of part.items) rejects.push(toReject(item, result.sqlState))
  }
  const rest = await attempt(database, { teamId, batch: { ...batch, items: [], rejects } })
  if (rest.status === 'landed') {
    return { landed: landed + rest.count, rejects: [...rejects, ...rest.rejects], claims }
  }
  const reason = `the database refuses the content (${rest.sqlState})`
  const part = { reason, recorderId: null, sequence: null }
  return { landed, rejects: [...rejects, ...Array(countParts(batch)).fill(part)], claims }
}

/** Rejects and contents land once, after the halves. */
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
  /** Beside those the batch came with. */
  readonly rejects: readonly Reject[]
  readonly claims: ReadonlyMap<string, ClaimOutcome>
}

type Attempt =
  | (Landed & { readonly status: 'landed' })
  | { readonly status: 'refused'; readonly sqlState: string }

async function attempt(
  database: Database,
  landing: { readonly teamId: string; readonly batch: Batch },
): Promise<Attempt> {
  try {
    const landed = await database.transaction((client) => landOnce(client, landing))
    return { status: 'landed', ...landed }
  } catch (error) {
    const failure = failureOf(error)
    if (failure.kind !== 'data') throw error
    return { status: 'refused', sqlState: failure.sqlState }
  }
}

async function landOnce(
  client: Client,
  { teamId, batch: whole }: { readonly teamId: string; readonly batch: Batch },
): Promise<Landed> {
  const { contentParts: { wholes, parts } = noParts } = whole
  const places = wholes.flatMap(({ key }) => whole.contents.get(key) ?? [])
  await lockContents(client, [...places, ...parts, ...awaitedBy(whole)])
  const claims = await takeClaims(client, { teamId, items: whole.items })
  const batch = withoutClaimed(whole, claims)
  const { items, recorders, rejects } = batch
  const keys = new Set([
    ...items.flatMap(({ contentKeys }) => contentKeys),
    ...wholes.map(({ key }) => key),
  ])
  const news = await landContents(client, { teamId, batch, keys })
  await forgetParts(client, { teamId, places })
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

/** Contents the records refer to and do not bring. */
function awaitedBy({ items, contents, links }: Batch): readonly Awaited[] {
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

/** Parts of contents that are new; of one that came twice, by two senders, those of the first. */
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
  return withItems(batch, (items) =>
    items.filter(({ claim }) => claim === undefined || !claims.has(claim.id)),
  )
}

/** How many are new; and of those that may have claims, which. */
async function landItems(
  client: Client,
  { teamId, batch }: { readonly teamId: string; readonly batch: Batch },
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

/** Of records with one key the first, or the first true one where it was abandoned. */
function withoutRepeats(batch: Batch): Batch {
  return withItems(batch, uniqueItems)
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

function uniqueItems<Row extends { readonly abandoned: boolean }>(
  items: readonly Item<Row>[],
): Item<Row>[] {
  const unique = new Map<string, Item<Row>>()
  for (const item of items) {
    const known = unique.get(item.key)
    if (known === undefined || (known.row.abandoned && !item.row.abandoned)) {
      unique.set(item.key, item)
    }
  }
  return [...unique.values()]
}
