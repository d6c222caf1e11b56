/** The connection to PostgreSQL: a pool, its limits, and transactions. */
import pg from 'pg'
import { boundedRead } from './bounded-read.ts'
import { failureOf } from './failures.ts'

/** The bounds of a read. */
export interface ReadLimits {
  /** After this time the server ends the statement, with SQLSTATE 57014. */
  readonly withinMs: number
  readonly signal?: AbortSignal | undefined
}

/** A read of one team's records. */
export interface TeamRead extends ReadLimits {
  readonly teamId: string
}

export interface Reader {
  /** Runs one statement that reads; bounded in time, and ended when its signal aborts. */
  read<Row extends object = Record<string, unknown>>(
    text: string,
    parameters: readonly unknown[],
    limits: ReadLimits,
  ): Promise<Row[]>
}

export interface Client {
  query<Row extends object = Record<string, unknown>>(
    text: string,
    parameters?: readonly unknown[],
  ): Promise<Row[]>
}

export interface Database extends Reader, Client {
  /**
   * Runs `work` in one transaction and commits. When the database ends it in favour of another transaction, it is run
   * again, three times in all. Statements are bounded in time.
   */
  transaction<Result>(work: (client: Client) => Promise<Result>): Promise<Result>
  /** Waits for running queries, then disconnects. May be called twice. */
  close(): Promise<void>
}

export interface DatabaseOptions {
  readonly connectionsMax?: number
  /** Receives a message when an idle connection breaks. */
  readonly log?: (message: string) => void
}

/** Landing takes milliseconds a record; a statement that takes this long is not expected to succeed. */
const statementSecondsMax = 60
/** A connection that hangs is closed some time after the server should have ended the statement. */
const queryMillisecondsMax = (statementSecondsMax + 15) * 1_000
/** How long a request waits for a connection of the pool before it is answered 503. */
const connectMillisecondsMax = 5_000
const attemptsMax = 3

/** int8 is read as a number: the ones read here are counts, far below 2^53. */
const int8 = 20

/** Connects when first used: if the database is down, the first query fails. */
export function openDatabase(url: string, options: DatabaseOptions = {}): Database {
  const pool = new pg.Pool({
    connectionString: url,
    application_name: 'turnlog-receiver',
    max: options.connectionsMax ?? 10,
    connectionTimeoutMillis: connectMillisecondsMax,
    query_timeout: queryMillisecondsMax,
    keepAlive: true,
    types: {
      getTypeParser: (oid: number, format?: 'text' | 'binary') =>
        oid === int8 && format !== 'binary' ? Number : pg.types.getTypeParser(oid, format),
    },
  })
  let closing: Promise<void> | undefined
  // Without a listener a connection that breaks while idle would end the process.
  pool.on('error', (error) => {
    // `end` does not wait for the server, so one that stops right after it may still report a broken connection.
    if (closing === undefined) options.log?.(`A connection to the database broke: ${error.message}`)
  })

  return {
    ...clientOf(pool),

    read<Row extends object>(text: string, parameters: readonly unknown[], limits: ReadLimits) {
      return boundedRead<Row>(pool, { text, parameters, ...limits })
    },

    async transaction(work) {
      for (let attempt = 1; ; attempt += 1) {
        try {
          return await transactionOnce(pool, work)
        } catch (error) {
          if (failureOf(error).kind !== 'conflict' || attempt >= attemptsMax) throw error
        }
      }
    },

    close() {
      closing ??= pool.end()
      return closing
    },
  }
}

function clientOf(connection: pg.Pool | pg.PoolClient): Client {
  return {
    async query<Row extends object>(text: string, parameters: readonly unknown[] = []) {
      const { rows } = await connection.query<Row>(text, [...parameters])
      return rows
    },
  }
}

export async function tableExists(client: Client, name: string): Promise<boolean> {
  return (await client.query('select where to_regclass($1) is not null', [name])).length > 0
}

async function transactionOnce<Result>(
  pool: pg.Pool,
  work: (client: Client) => Promise<Result>,
): Promise<Result> {
  const connection = await pool.connect()
  // A connection that breaks in use fails its query; the event must not end the process as well.
  const ignore = () => undefined
  connection.on('error', ignore)
  let broken: Error | undefined
  try {
    // `set local` instead of a connection option, which poolers such as PgBouncer refuse.
    await connection.query(`begin; set local statement_timeout = '${statementSecondsMax}s'`)
    const result = await work(clientOf(connection))
    await connection.query('commit')
    return result
  } catch (error) {
    // If PostgreSQL did not answer, the connection hangs or is closed: a rollback would only wait again.
    const isAnswered = error instanceof pg.DatabaseError
    broken = isAnswered || !(error instanceof Error) ? await rollBack(connection) : error
    throw error
  } finally {
    connection.off('error', ignore)
    connection.release(broken)
  }
}

/** Returns the connection's error if it cannot roll back. */
async function rollBack(connection: pg.PoolClient): Promise<Error | undefined> {
  try {
    await connection.query('rollback')
    return undefined
  } catch (error) {
    return error instanceof Error ? error : new Error('rollback failed')
  }
}
