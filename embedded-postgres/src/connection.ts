import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import pg from 'pg'
import { PostgresError } from './errors.ts'
import { errorCodeOf, writeWhole } from './folder.ts'

/**
 * How the embedded database is reached: `postgres.json` in the data folder, readable by its owner alone. It is made
 * with the cluster and kept while that lives; only the port changes.
 */
export interface Connection {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: string
  readonly database: string
}

export const connectionFile = 'postgres.json'

/** Hexadecimal, so that it needs no escape in an address, a shell or SQL. */
export function newConnection(port: number): Connection {
  return {
    host: '127.0.0.1',
    port,
    user: 'turnlog',
    password: randomBytes(16).toString('hex'),
    database: 'turnlog',
  }
}

/** The address as `psql` takes it. */
export function connectionUrl({ host, port, user, password, database }: Connection): string {
  return `postgresql://${user}:${password}@${host}:${port}/${database}`
}

/** `undefined` when there is none yet; one that cannot be read as a connection is `TL_POSTGRES_CLUSTER`. */
export async function readConnection(path: string): Promise<Connection | undefined> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if (errorCodeOf(error) === 'ENOENT') return undefined
    throw error
  }
  const connection = parseConnection(text)
  if (connection !== undefined) return connection
  throw new PostgresError(
    'TL_POSTGRES_CLUSTER',
    `'${path}' does not say host, port, user, password and database: restore it.`,
  )
}

export function parseConnection(text: string): Connection | undefined {
  try {
    const { host, port, user, password, database }: Record<string, unknown> = JSON.parse(text)
    if (typeof port !== 'number' || !Number.isInteger(port)) return undefined
    const words = [host, user, password, database]
    if (!words.every((word) => typeof word === 'string')) return undefined
    const [h = '', u = '', p = '', d = ''] = words
    return { host: h, port, user: u, password: p, database: d }
  } catch {
    return undefined
  }
}

export async function writeConnection(path: string, connection: Connection): Promise<void> {
  await writeWhole(path, `${JSON.stringify(connection, null, 2)}\n`)
}

export type Greeting =
  | { readonly status: 'answers'; readonly dataFolder: string }
  | { readonly status: 'refuses password' }
  | { readonly status: 'silent' }

/** Asks the server whether it takes our password, and for its cluster. `silent`: not (yet) there, or starting up. */
export async function greet(connection: Connection): Promise<Greeting> {
  const client = new pg.Client({
    ...connection,
    database: 'postgres',
    connectionTimeoutMillis: 2_000,
    query_timeout: 5_000,
  })
  client.on('error', () => {}) // A connection that breaks afterwards is of no interest.
  try {
    await client.connect()
    const { rows } = await client.query<{ data_directory: string }>('show data_directory')
    return { status: 'answers', dataFolder: rows[0]?.data_directory ?? '' }
  } catch (error) {
    return errorCodeOf(error)?.startsWith('28')
      ? { status: 'refuses password' }
      : { status: 'silent' }
  } finally {
    await client.end().catch(() => {})
  }
}

/** Makes the database when it is missing: each start may be the first that came this far. */
export async function ensureDatabase(connection: Connection): Promise<void> {
  const client = new pg.Client({ ...connection, database: 'postgres' })
  client.on('error', () => {})
  await client.connect()
  try {
    const { rowCount } = await client.query('select from pg_database where datname = $1', [
      connection.database,
    ])
    if (rowCount === 0) {
      await client.query(`create database ${client.escapeIdentifier(connection.database)}`)
    }
  } finally {
    await client.end()
  }
}
