/** The address and password of the embedded database, kept in `postgres.json`, and the first questions to its server. */
import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { errorCode, parseObject } from '@turnlog/conventions/plain'
import pg from 'pg'
import { PostgresError } from './errors.ts'
import { replaceFile } from './folder.ts'

/** Made with the cluster. Only the port changes later. */
export interface Connection {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: string
  readonly database: string
}

/** In the data folder, readable by its owner alone. */
export const connectionFile = 'postgres.json'

/** The password is hexadecimal, so that it needs no escape in a URL, a shell or SQL. */
export function newConnection(port: number): Connection {
  return {
    host: '127.0.0.1',
    port,
    user: 'turnlog',
    password: randomBytes(16).toString('hex'),
    database: 'turnlog',
  }
}

/** The URL for `psql`. */
export function connectionUrl({ host, port, user, password, database }: Connection): string {
  return `postgresql://${user}:${password}@${host}:${port}/${database}`
}

/** Resolves with `undefined` when there is no such file; rejects with `TL_POSTGRES_CLUSTER` when it is not a connection. */
export async function readConnection(path: string): Promise<Connection | undefined> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined
    throw error
  }
  const connection = parseConnection(text)
  if (connection !== undefined) return connection
  throw new PostgresError(
    'TL_POSTGRES_CLUSTER',
    `'${path}' does not contain host, port, user, password and database: restore it.`,
  )
}

function parseConnection(text: string): Connection | undefined {
  const { host, port, user, password, database } = parseObject(text) ?? {}
  return typeof host === 'string' &&
    typeof port === 'number' &&
    Number.isInteger(port) &&
    typeof user === 'string' &&
    typeof password === 'string' &&
    typeof database === 'string'
    ? { host, port, user, password, database }
    : undefined
}

export async function writeConnection(path: string, connection: Connection): Promise<void> {
  await replaceFile(path, `${JSON.stringify(connection, null, 2)}\n`)
}

export type ServerState =
  | { readonly status: 'answers'; readonly cluster: string }
  | { readonly status: 'refuses password' }
  /** Nothing listens, or the server is still starting. */
  | { readonly status: 'silent' }

/** Asks the server on this port which cluster it serves, with our password. Bounded in time; never rejects. */
export async function askServer(connection: Connection): Promise<ServerState> {
  const limits = { connectionTimeoutMillis: 2_000, query_timeout: 5_000 }
  try {
    const cluster = await withClient({ ...connection, ...limits }, async (client) => {
      const { rows } = await client.query<{ data_directory: string }>('show data_directory')
      return rows[0]?.data_directory ?? ''
    })
    return { status: 'answers', cluster }
  } catch (error) {
    // SQLSTATE class 28 is "invalid authorization".
    const isRefused = errorCode(error)?.startsWith('28')
    return { status: isRefused ? 'refuses password' : 'silent' }
  }
}

/** Makes the database if it is missing: a start that was killed may have made the cluster without it. */
export async function ensureDatabase(connection: Connection): Promise<void> {
  await withClient(connection, async (client) => {
    const { rowCount } = await client.query('select from pg_database where datname = $1', [
      connection.database,
    ])
    if (rowCount === 0) {
      await client.query(`create database ${client.escapeIdentifier(connection.database)}`)
    }
  })
}

/** Connects to the database that every cluster has. */
async function withClient<Result>(
  config: pg.ClientConfig,
  use: (client: pg.Client) => Promise<Result>,
): Promise<Result> {
  const client = new pg.Client({ ...config, database: 'postgres' })
  // A connection that breaks makes the query reject; the event has nothing to add.
  client.on('error', () => {})
  try {
    await client.connect()
    return await use(client)
  } finally {
    await client.end().catch(() => {})
  }
}
