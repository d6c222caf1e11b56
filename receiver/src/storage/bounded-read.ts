/**
 * A read on somebody's behalf: bounded in time, and ended when nobody waits for its answer any more.
 *
 * It is ended by closing its connection, which the server notices while it works: it is told to look. (A request to
 * cancel would need a second connection, which TLS and poolers may refuse, and may hit the statement after.) A
 * server on a system that cannot look, such as Windows, works on until the time is over.
 */
import type pg from 'pg'
import type { ReadLimits } from './read-limits.ts'

/** How often the server looks whether its client is still there. */
const lookEveryMs = 500

/** Throws the signal's reason once that is given. */
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
  const end = () => release(new Error('Nobody waits for it any more.'))
  signal?.addEventListener('abort', end, { once: true })
  try {
    signal?.throwIfAborted()
    await connection.query(opening(withinMs))
    const { rows } = await connection.query<Row>(text, [...parameters])
    await connection.query('commit')
    release()
    return rows
  } catch (error) {
    // Rolled back by being closed: it is not worth knowing what state it is in.
    release(error instanceof Error ? error : new Error('read failed'))
    signal?.throwIfAborted()
    throw error
  } finally {
    signal?.removeEventListener('abort', end)
  }
}

/** `set local` and not connection options, which poolers such as PgBouncer refuse. */
function opening(withinMs: number): string {
  return `
    begin read only;
    set local statement_timeout = ${withinMs};
    do $$
    begin
      perform set_config('client_connection_check_interval', '${lookEveryMs}', true);
    exception
      when others then null;
    end
    $$`
}
