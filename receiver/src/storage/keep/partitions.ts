/**
 * Day partitions, created before they are needed: for a week back and a few days ahead.
 *
 * Rows of a day without a partition land in the table's `_rest` partition, and move when the day's partition is created.
 * So on a new database, older days get a partition only when they have rows. On one that is in use, they have had theirs
 * since they were days ahead.
 */
import { dayFrom, oldestDay, type Period } from '../../period.ts'
import { type Database, tableExists } from '../database.ts'

/** In the order in which days are dropped. Records come first: one without its contents would look complete. */
export const partitioned = [
  { table: 'spans', column: 'start_time', kind: 'timestamptz' },
  { table: 'log_records', column: 'time', kind: 'timestamptz' },
  { table: 'metric_points', column: 'time', kind: 'timestamptz' },
  { table: 'content_parts', column: 'day', kind: 'date' },
  { table: 'message_links', column: 'day', kind: 'date' },
  { table: 'contents', column: 'day', kind: 'date' },
  { table: 'attachment_days', column: 'day', kind: 'date' },
] as const
export type Partitioned = (typeof partitioned)[number]

const daysBackMax = 7
/** One more than the newest record that lands: clocks disagree about midnight. */
const daysAhead = 3
/** Creating a partition locks the `_rest` partition, and must not wait for a long query. */
const lockSecondsMax = 5
/** Locked while a partition is created or dropped, which take the same locks in different orders. */
export const partitionsLockKey = 7_235_014_902

export interface PartitionOptions {
  readonly retentionDays?: number
  readonly purgedBefore?: string | undefined
}

/** Creates the partitions that are missing, and returns their names. May run in several receivers at once. */
export async function ensurePartitions(
  database: Database,
  now: Date,
  { retentionDays = 30, purgedBefore }: PartitionOptions = {},
): Promise<readonly string[]> {
  const made: string[] = []
  for (const target of partitioned) {
    const existing = await partitionsOf(database, target)
    for (const day of await daysOf(database, target, { now, retentionDays, purgedBefore })) {
      const name = `${target.table}_${day.replaceAll('-', '')}`
      if (existing.has(name)) continue
      if (await makePartition(database, { target, name, day })) made.push(name)
    }
  }
  return made
}

/** The days around now, and those before them that have rows in `_rest`. */
async function daysOf(
  database: Database,
  target: Partitioned,
  period: Period,
): Promise<readonly string[]> {
  const oldest = oldestDay(period)
  const rows = await database.query<{ day: string }>(
    `select distinct ${dayTextOf(target)} as day
       from ${target.table}_rest
      where ${target.column} >= ${bound(target, oldest)} and ${target.column} < ${bound(target, dayFrom(period.now, -daysBackMax))}`,
  )
  const offsets = Array.from({ length: daysBackMax + daysAhead + 1 }, (_, n) => n - daysBackMax)
  const around = offsets.map((offset) => dayFrom(period.now, offset))
  return [...rows.map(({ day }) => day), ...around].filter((day) => day >= oldest)
}

/** SQL for the UTC day of a row, as text. */
export function dayTextOf({ column, kind }: Partitioned): string {
  const day = kind === 'date' ? column : `${column} at time zone 'UTC'`
  return `to_char(${day}, 'YYYY-MM-DD')`
}

/** SQL for the beginning of a day, which must never come from a client. */
export function bound({ kind }: Partitioned, day: string): string {
  return kind === 'date' ? `date '${day}'` : `timestamptz '${day} 00:00:00+00'`
}

async function partitionsOf(database: Database, { table }: Partitioned): Promise<Set<string>> {
  const rows = await database.query<{ name: string }>(
    `select c.relname as name
       from pg_inherits i
       join pg_class c on c.oid = i.inhrelid
      where i.inhparent = $1::regclass`,
    [table],
  )
  return new Set(rows.map(({ name }) => name))
}

/** False when another receiver has created it. */
async function makePartition(
  database: Database,
  options: { readonly target: Partitioned; readonly name: string; readonly day: string },
): Promise<boolean> {
  const { target, name, day } = options
  const { table, column } = target
  const from = bound(target, day)
  const to = bound(target, dayFrom(new Date(day), 1))
  return database.transaction(async (client) => {
    await client.query(`set local lock_timeout = '${lockSecondsMax}s'`)
    await client.query('select pg_advisory_xact_lock($1)', [partitionsLockKey])
    if (await tableExists(client, name)) return false
    // `create table … partition of` would lock the whole table, and wait for every query on it.
    await client.query(`lock table ${table}_rest in access exclusive mode`)
    await client.query(`create table ${name} (like ${table} including all)`)
    await client.query(`
      with moved as (
        delete from ${table}_rest where ${column} >= ${from} and ${column} < ${to} returning *
      )
      insert into ${name} select * from moved`)
    await client.query(
      `alter table ${table} attach partition ${name} for values from (${from}) to (${to})`,
    )
    return true
  })
}
