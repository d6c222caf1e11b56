/** Stores the receiver's own counts and the sizes of its tables, for dashboards and queries. */
import type { Counts } from '../../counters.ts'
import type { Database } from '../database.ts'

/** Counts since the previous sample. */
export interface ReceiverSample extends Counts {
  readonly receiverId: string
  readonly seconds: number
  readonly memoryBytes: number
}

const receiverText = `
  insert into receiver_samples
    (receiver_id, seconds, received, landed, duplicate, rejected, memory_bytes, connections, database_bytes)
  values ($1, $2, $3, $4, $5, $6, $7,
          (select count(*) from pg_stat_activity where datname = current_database()),
          pg_database_size(current_database()))`

export async function addReceiverSample(
  database: Database,
  { receiverId, seconds, received, landed, duplicate, rejected, memoryBytes }: ReceiverSample,
): Promise<void> {
  const values = [receiverId, seconds, received, landed, duplicate, rejected, memoryBytes]
  await database.query(receiverText, values)
}

const tableText = `
  insert into table_samples (hour, table_name, bytes)
  select date_trunc('hour', now(), 'UTC'), table_name, bytes
    from table_sizes
   where not exists (select from table_samples where hour = date_trunc('hour', now(), 'UTC'))
  on conflict do nothing`

/** Adds one set of sizes an hour, by the first receiver that calls it. */
export async function addTableSamples(database: Database): Promise<void> {
  await database.query(tableText)
}

/** Deletes samples from before `oldest`, the first UTC day whose records are kept. */
export async function expireSamples(
  database: Database,
  { oldest }: { readonly oldest: string },
): Promise<void> {
  const first = `$1::date::timestamp at time zone 'UTC'`
  await database.query(`delete from receiver_samples where sampled_at < ${first}`, [oldest])
  await database.query(`delete from table_samples where hour < ${first}`, [oldest])
}

/** Bytes on disk, indexes and large values included. */
export async function sizeOfDatabase(database: Database): Promise<number> {
  const [row] = await database.query<{ bytes: number }>(
    'select pg_database_size(current_database()) as bytes',
  )
  return row?.bytes ?? 0
}
