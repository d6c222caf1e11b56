/** The address at which the receiver of a database listens: of several, that of the last one that was started. */
import { type Database, tableExists } from './database.ts'

export async function noteReceiverAddress(database: Database, url: string): Promise<void> {
  await database.query(
    `insert into receiver_address (url)
     values ($1)
     on conflict (only_row) do update set url = excluded.url, noted_at = now()`,
    [url],
  )
}

/** Undefined if no receiver that notes it was started yet. */
export async function readReceiverAddress(database: Database): Promise<string | undefined> {
  if (!(await tableExists(database, 'receiver_address'))) return undefined
  const [row] = await database.query<{ url: string }>('select url from receiver_address')
  return row?.url
}
