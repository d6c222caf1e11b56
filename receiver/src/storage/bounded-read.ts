/**
 * A read that is bounded in time, and ended when the client that asked for it has disconnected.
 *
 * It is ended by closing its connection. The server notices because `client_connection_check_interval` is set; on a system
 * that cannot check, such as Windows, the statement runs until its time is over. (A cancel request would need a second
 * connection, which TLS and poolers may refuse, and could hit the next statement.)
 */
import type pg from 'pg'
import type { ReadLimits } from './database.ts'

/** How often the server checks whether its client is still connected. */
const checkEveryMs = 500

/** Throws the signal's reason when it aborts. */
export async function boundedRead<Row extends object>(
  pool: pg.Pool,
  statement: { readonly text: string; readonly parameters: readonly unknown[] } & ReadLimits,
): Promise<Row[]> {
  const { text, parameters, withinMs, signal } = statement
  signal?.throwIfAborted()
  const connection = await pool.connect()
  // A connection that breaks in use fails its query; the event must not end the process as well.
  const ignore = () => undefined
  connection.on('error', ignore)
  let isReleased = false
  const release = (broken?: Error) => {
    if (isReleased) return
    isReleased = true
    if (broken === undefined) connection.off('error', ignore)
    connection.release(broken)
  }
  const end = () => release(new Error('The read was aborted.'))
  signal?.addEventListener('abort', end, { once: true })
  try {
    signal?.throwIfAborted()
    await connection.query(opening(withinMs))
    const { rows } = await connection.query<Row>(text, [...parameters])
    await connection.query('commit')
    release()
    return rows
  } catch (error) {
    // Closing the connection rolls back, whatever state it is in.
    release(error instanceof Error ? error : new Error('read failed'))
    signal?.throwIfAborted()
    throw error
  } finally {
    signal?.removeEventListener('abort', end)
  }
}

/** `set local` instead of connection options, which poolers such as PgBouncer refuse. */
function opening(withinMs: number): string {
  return `
    begin read only;
    set local statement_timeout = ${withinMs};
    do $$
    begin
      perform set_config('client_connection_check_interval', '${checkEveryMs}', true);
    exception
      when others then null;
    end
    $$`
}
