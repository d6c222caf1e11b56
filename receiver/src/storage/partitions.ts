/**
 * Day partitions, made before they are needed: as many days back as records may be old, and a few ahead.
 *
 * A day without a partition costs no record: its rows land in the table's `_rest` partition, and
 * move when the day's own is made.
 */
import type { Database } from './database.ts'

const partitioned = [
  { table: 'spans', column: 'start_time', kind: 'timestamptz' },
  { table: 'log_records', column: 'time', kind: 'timestamptz' },
  { table: 'contents', column: 'day', kind: 'date' },
  { table: 'message_links', column: 'day', kind: 'date' },
  { table: 'metric_points', column: 'time', kind: 'timestamptz' },
] as const
type Partitioned = (typeof partitioned)[number]

/** One more than the oldest record that lands, and one more than the newest: clocks disagree about midnight. */
const daysBack = 31
const daysAhead = 3
const dayMilliseconds = 86_400_000
/** Making a partition locks the `_rest` partition; it must not wait long behind a long query. */
const lockSecondsMax = 5
const lockKey = 7_235_014_902

/** Makes the partitions that are missing; returns their names. May run in several receivers at once. */
export async function ensurePartitions(database: Database, now: Date): Promise<readonly string[]> {
  const made: string[] = []
  for (const target of partitioned) {
    const existing = await partitionsOf(database, target)
    for (let offset = -daysBack; offset <= daysAhead; offset += 1) {
      const day = dayOf(now, offset)
      const name = `${target.table}_${day.replaceAll('-', '')}`
      if (existing.has(name)) continue
      if (await makePartition(database, { target, name, day, nextDay: dayOf(now, offset + 1) })) {
        made.push(name)
      }
    }
  }
  return made
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

/** False when another receiver was quicker. */
async function makePartition(
  database: Database,
  options: {
    readonly target: Partitioned
    readonly name: string
    readonly day: string
    readonly nextDay: string
  },
): Promise<boolean> {
  const { target, name } = options
  const { table, column, kind } = target
  const from = `${kind} '${options.day}${kind === 'timestamptz' ? ' 00:00:00+00' : ''}'`
  const to = `${kind} '${options.nextDay}${kind === 'timestamptz' ? ' 00:00:00+00' : ''}'`
  return database.transaction(async (client) => {
    await client.query(`set local lock_timeout = '${lockSecondsMax}s'`)
    await client.query('select pg_advisory_xact_lock($1)', [lockKey])
    const [row] = await client.query<{ exists: boolean }>(
      'select to_regclass($1) is not null as exists',
      [name],
    )
    if (row?.exists) return false
    // Attached, not created as a partition: that would lock the whole table, and wait for every query on it.
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

function dayOf(now: Date, offset: number): string {
  return new Date(now.getTime() + offset * dayMilliseconds).toISOString().slice(0, 10)
}
