/**
 * Deletes records by whole days, by dropping their partitions.
 *
 * `drop table` waits for every query that reads the table, and all landing waits behind it. So it waits for a moment only,
 * gives up, and is tried again. Partitions that are still in use are dropped at a later run; nothing depends on it.
 */

import { errorCode } from '@turnlog/conventions/plain'
import { type Client, type Database, tableExists } from '../database.ts'
import {
  beginDeletion,
  type Deletion,
  type Dropped,
  type DroppedTable,
  endDeletion,
  noteDropped,
} from './audit.ts'
import { bound, dayTextOf, type Partitioned, partitioned, partitionsLockKey } from './partitions.ts'

/** How long landing may have to wait; enough when only short queries are running. */
const lockMillisecondsMax = 200
/** Rows of `_rest` deleted in one statement. */
const rowsMax = 5_000

/** A partition of a day that is to be deleted, or that day's rows in a `_rest` partition. */
export interface Due {
  readonly target: Partitioned
  readonly day: string
  /** Undefined for rows of `_rest`. */
  readonly partition: string | undefined
  readonly bytes: number
  /** PostgreSQL's estimate, where it has one. */
  readonly rows: number
}

/** Everything from before a day: records before contents, and the oldest day first. */
export async function dueBefore(database: Database, before: string): Promise<readonly Due[]> {
  const due: Due[] = []
  for (const target of partitioned) {
    due.push(...(await partitionsBefore(database, target, before)))
    due.push(...(await restBefore(database, target, before)))
  }
  return due
}

async function partitionsBefore(
  database: Database,
  target: Partitioned,
  before: string,
): Promise<readonly Due[]> {
  type Size = Pick<Due, 'day' | 'bytes'> & { partition: string; rows: number | null }
  const found = await database.query<Size>(
    `select to_char(day, 'YYYY-MM-DD') as day, partition_name as partition, bytes,
            rows_estimate as rows
       from partition_sizes
      where table_name = $1 and day < $2
      order by day`,
    [target.table, before],
  )
  const due: Due[] = []
  for (const one of found) {
    // An estimate of 0 may also mean that the partition was not analyzed since it was filled.
    due.push({ ...one, target, rows: one.rows || (await count(database, one.partition)) })
  }
  return due
}

async function count(database: Database, partition: string): Promise<number> {
  const [row] = await database.query<{ rows: number }>(`select count(*) as rows from ${partition}`)
  return row?.rows ?? 0
}

async function restBefore(
  database: Database,
  target: Partitioned,
  before: string,
): Promise<readonly Due[]> {
  const rows = await database.query<{ day: string; rows: number }>(
    `select ${dayTextOf(target)} as day, count(*) as rows
       from ${target.table}_rest
      where ${target.column} < ${bound(target, before)}
      group by 1
      order by 1`,
  )
  return rows.map((row) => ({ target, partition: undefined, bytes: 0, ...row }))
}

export interface DropResult {
  readonly dropped: Dropped
  /** Not dropped, because a query reads them, or another receiver is dropping them. */
  readonly left: readonly Due[]
}

export interface DropOptions extends Deletion {
  readonly triesMax: number
  /** Awaited between two tries; false ends the work. */
  readonly pause: () => Promise<boolean>
}

/** Drops `due` in its order, and records it in the audit. */
export async function dropDays(
  database: Database,
  due: readonly Due[],
  options: DropOptions,
): Promise<DropResult> {
  if (due.length === 0 && options.action === 'expire') return { dropped: {}, left: [] }
  const auditId = await beginDeletion(database, options)
  let dropped: Dropped = {}
  const left: Due[] = []
  // A query that reads one day of a table usually locks all its days: the others are tried once, without waiting.
  const busy = new Set<string>()
  let isEnded = false
  for (const one of due) {
    const { table } = one.target
    const withThis = { ...dropped, [table]: added(dropped[table], one) }
    const note = (client: Client) => noteDropped(client, { auditId, dropped: withThis })
    let tries = 0
    let result: 'dropped' | 'gone' | 'busy' = 'busy'
    while (!isEnded && result === 'busy') {
      result = await dropOne(database, one, note)
      tries += 1
      if (result !== 'busy' || busy.has(table) || tries >= options.triesMax) break
      isEnded = !(await options.pause())
    }
    if (result === 'dropped') dropped = withThis
    else if (result === 'busy') {
      busy.add(table)
      left.push(one)
    }
  }
  await endDeletion(database, auditId)
  return { dropped, left }
}

function added(sum: DroppedTable | undefined, { day, rows, bytes }: Due): DroppedTable {
  return {
    days: [...new Set([...(sum?.days ?? []), day])],
    rows: (sum?.rows ?? 0) + rows,
    bytes: (sum?.bytes ?? 0) + bytes,
  }
}

const lockNotAvailable = '55P03'

/** `gone`: another receiver has dropped it, and recorded that. `busy`: a query reads it. */
async function dropOne(
  database: Database,
  due: Due,
  note: (client: Client) => Promise<void>,
): Promise<'dropped' | 'gone' | 'busy'> {
  const { partition } = due
  if (partition === undefined) {
    if ((await deleteRest(database, due)) === 0) return 'gone'
    await note(database)
    return 'dropped'
  }
  try {
    return await database.transaction(async (client) => {
      await client.query(`set local lock_timeout = '${lockMillisecondsMax}ms'`)
      const [lock] = await client.query<{ taken: boolean }>(
        'select pg_try_advisory_xact_lock($1) as taken',
        [partitionsLockKey],
      )
      if (!lock?.taken) return 'busy'
      if (!(await tableExists(client, partition))) return 'gone'
      await note(client)
      await client.query(`drop table ${partition}`)
      return 'dropped'
    })
  } catch (error) {
    if (errorCode(error) === lockNotAvailable) return 'busy'
    throw error
  }
}

/** Locks rows only, which no other transaction waits for. */
async function deleteRest(database: Database, { target, day }: Due): Promise<number> {
  const { table, column } = target
  let deleted = 0
  for (;;) {
    const rows = await database.query(
      `delete from ${table}_rest
        where ctid = any (array(
                select ctid from ${table}_rest
                 where ${column} >= ${bound(target, day)} and ${dayTextOf(target)} = $1
                 limit ${rowsMax}))
          and ${dayTextOf(target)} = $1
       returning true`,
      [day],
    )
    deleted += rows.length
    if (rows.length < rowsMax) return deleted
  }
}

/**
 * For how many milliseconds too many days have been due at once, by the clock of the database; undefined when that is not
 * the case now. All receivers share this state.
 */
export async function overdueFor(
  database: Database,
  { isOverdue }: { readonly isOverdue: boolean },
): Promise<number | undefined> {
  const [row] = await database.query<{ milliseconds: number | null }>(
    `update expiry_state
        set overdue_since = case when $1 then coalesce(overdue_since, now()) end
     returning (extract(epoch from now() - overdue_since) * 1000)::float8 as milliseconds`,
    [isOverdue],
  )
  return row?.milliseconds ?? undefined
}
