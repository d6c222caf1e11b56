/**
 * The ledger: which sequences of each recorder landed, were rejected, or were declared dropped.
 *
 * It is written in the transaction that lands the rows, and outlives them. Adding the same ranges again changes nothing.
 */
import type { Client } from '../database.ts'
import { insertRows } from './insert.ts'

export interface LedgerEntry {
  readonly recorderId: string
  readonly state: 'landed' | 'rejected' | 'dropped'
  /** First and last sequence, both included. */
  readonly ranges: readonly (readonly [bigint, bigint])[]
}

export async function addToLedger(
  client: Client,
  options: { readonly teamId: string; readonly entries: readonly LedgerEntry[] },
): Promise<void> {
  const entries = [...mergeByKey(options.entries)].sort(([left], [right]) =>
    left < right ? -1 : 1,
  )
  const rows = entries.map(([, { recorderId, state, ranges }]) => ({
    recorder_id: recorderId,
    state,
    sequences: toMultirange(ranges),
  }))
  const table = {
    name: 'ledger',
    names: ['recorder_id', 'state', 'sequences'],
    key: ['recorder_id', 'state'],
  } as const
  await insertRows(client, table, {
    teamId: options.teamId,
    rows,
    onConflict: `do update
         set sequences = ledger.sequences + excluded.sequences
       where not ledger.sequences @> excluded.sequences`,
  })
}

function mergeByKey(entries: readonly LedgerEntry[]): Map<string, LedgerEntry> {
  const merged = new Map<string, LedgerEntry & { readonly ranges: [bigint, bigint][] }>()
  for (const { recorderId, state, ranges } of entries) {
    const key = `${recorderId} ${state}`
    const entry = merged.get(key) ?? { recorderId, state, ranges: [] }
    merged.set(key, entry)
    for (const [first, last] of ranges) entry.ranges.push([first, last])
  }
  return merged
}

/** The ranges as PostgreSQL's text, neighbours joined: `{[1,4),[7,8)}`. */
function toMultirange(ranges: LedgerEntry['ranges']): string {
  const sorted = [...ranges].sort(([left], [right]) => (left < right ? -1 : left > right ? 1 : 0))
  const joined: [bigint, bigint][] = []
  for (const [first, last] of sorted) {
    const previous = joined.at(-1)
    if (previous === undefined || first > previous[1] + 1n) joined.push([first, last])
    else if (last > previous[1]) previous[1] = last
  }
  return `{${joined.map(([first, last]) => `[${first},${last + 1n})`).join(',')}}`
}
