/** What was deleted, by whom, and how much; never what it held. */
import type { Client, Database } from '../database.ts'

export interface DroppedTable {
  readonly days: readonly string[]
  readonly rows: number
  readonly bytes: number
}

/** By table; those of which nothing was dropped are left out. */
export type Dropped = Readonly<Record<string, DroppedTable>>

export interface Deletion {
  readonly action: 'expire' | 'purge'
  /** `receiver`, or an operator's account. */
  readonly actor: string
  /** The first day that is kept. After a purge nothing from before it lands any more. */
  readonly before: string
}

/** The row's id. It says what is being deleted before that is, and how much as it is: a kill leaves no gap. */
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

/** Within the transaction that drops. */
export async function noteDropped(
  client: Client,
  { auditId, dropped }: { readonly auditId: number; readonly dropped: Dropped },
): Promise<void> {
  await client.query('update audit set details = $2 where audit_id = $1', [
    auditId,
    JSON.stringify(dropped),
  ])
}

/** An expiry that found everything in use has deleted nothing. */
export async function endDeletion(database: Database, auditId: number): Promise<void> {
  await database.query(
    `delete from audit where audit_id = $1 and action = 'expire' and details = '{}'`,
    [auditId],
  )
}

/** How far operators have purged, and what time the database has. */
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
