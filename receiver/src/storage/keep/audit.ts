/** The audit: what was deleted, by whom, and how much of it; never any content. */
import type { Client, Database } from '../database.ts'

export interface DroppedTable {
  readonly days: readonly string[]
  readonly rows: number
  readonly bytes: number
}

/** By table; without tables of which nothing was dropped. */
export type Dropped = Readonly<Record<string, DroppedTable>>

export interface Deletion {
  readonly action: 'expire' | 'purge'
  /** `receiver`, or an operator's account. */
  readonly actor: string
  /** The first day that is not deleted. After a purge, records from before it are refused. */
  readonly before: string
}

/** Adds a row before anything is deleted, and returns its id. A receiver that is killed leaves no deletion unrecorded. */
export async function beginDeletion(
  database: Database,
  { action, actor, before }: Deletion,
): Promise<number> {
  const [row] = await database.query<{ id: number }>(
    `insert into audit (action, actor, before, details)
     values ($1, $2, $3, '{}')
     returning audit_id as id`,
    [action, actor, before],
  )
  return row?.id ?? 0
}

/** Must be called within the transaction that drops. `dropped` is the sum so far. */
export async function noteDropped(
  client: Client,
  { auditId, dropped }: { readonly auditId: number; readonly dropped: Dropped },
): Promise<void> {
  const text = 'update audit set details = $2 where audit_id = $1'
  await client.query(text, [auditId, JSON.stringify(dropped)])
}

/** Removes the row of an expiry that deleted nothing, because everything was in use. */
export async function endDeletion(database: Database, auditId: number): Promise<void> {
  await database.query(
    `delete from audit where audit_id = $1 and action = 'expire' and details = '{}'`,
    [auditId],
  )
}

/** The last day that operators purged up to, and the time of the database's clock. */
export async function readPurges(
  database: Database,
): Promise<{ readonly purgedBefore: string | undefined; readonly databaseNow: Date }> {
  const [row] = await database.query<{ before: string | null; now: Date }>(
    `select to_char(max(before), 'YYYY-MM-DD') as before, now() as now   -- index: audit_of_purges
       from audit
      where action = 'purge'`,
  )
  return { purgedBefore: row?.before ?? undefined, databaseNow: row?.now ?? new Date() }
}
