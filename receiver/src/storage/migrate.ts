/**
 * Brings the schema up to date: the `.sql` files of `migrations/`, in the order of their numbers, each once.
 *
 * All that are pending run in one transaction under an advisory lock, so that receivers that start
 * together migrate once, and one that fails leaves nothing behind. A schema newer than the program
 * is refused: it would land rows into tables it does not know.
 */
import { readdir, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { TurnlogError } from '../errors.ts'
import type { Client, Database } from './database.ts'

const defaultDirectory = new URL('../../migrations/', import.meta.url)
/** Any number that is Turnlog's own. */
const lockKey = 7_235_014_901
const serverVersionMin = 150_000

export interface Migration {
  readonly version: number
  readonly name: string
  readonly text: string
}

/** Returns the versions that were applied; none when the schema was up to date. */
export async function migrate(
  database: Database,
  options: { readonly directory?: URL } = {},
): Promise<readonly number[]> {
  const migrations = await readMigrations(options.directory ?? defaultDirectory)
  return database.transaction(async (client) => {
    await refuseOldServer(client)
    // Waiting for another receiver's migration may take longer than a landing statement may.
    await client.query('set local statement_timeout = 0')
    await client.query('select pg_advisory_xact_lock($1)', [lockKey])
    await client.query(`
      create table if not exists schema_migrations (
        version    integer     primary key,
        name       text        not null,
        applied_at timestamptz not null default now()
      )`)
    const applied = await client.query<{ version: number }>('select version from schema_migrations')
    const versions = new Set(applied.map(({ version }) => version))
    refuseNewerSchema(versions, migrations)
    const pending = migrations.filter(({ version }) => !versions.has(version))
    for (const migration of pending) await apply(client, migration)
    return pending.map(({ version }) => version)
  })
}

async function apply(client: Client, { version, name, text }: Migration): Promise<void> {
  try {
    await client.query(text)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new TurnlogError('TL_MIGRATION_FAILED', `Migration ${name} failed: ${reason}`, { cause })
  }
  await client.query('insert into schema_migrations (version, name) values ($1, $2)', [
    version,
    name,
  ])
}

function refuseNewerSchema(applied: ReadonlySet<number>, known: readonly Migration[]): void {
  const newest = Math.max(0, ...applied)
  const newestKnown = Math.max(0, ...known.map(({ version }) => version))
  if (newest <= newestKnown) return
  throw new TurnlogError(
    'TL_SCHEMA_NEWER',
    `The database is at schema ${newest}; this receiver knows ${newestKnown}. Start the newer Turnlog, or use another database.`,
  )
}

async function refuseOldServer(client: Client): Promise<void> {
  const [row] = await client.query<{ version: number; name: string }>(
    `select current_setting('server_version_num')::int as version,
            current_setting('server_version') as name`,
  )
  if (row === undefined || row.version >= serverVersionMin) return
  throw new TurnlogError(
    'TL_POSTGRES_TOO_OLD',
    `PostgreSQL 15 or newer is needed; this one is ${row.name}.`,
  )
}

async function readMigrations(directory: URL): Promise<readonly Migration[]> {
  const names = (await readdir(fileURLToPath(directory))).filter((name) => name.endsWith('.sql'))
  const migrations = names.sort(byName).map(async (name) => ({
    version: Number.parseInt(name, 10),
    name,
    text: await readFile(new URL(name, directory), 'utf8'),
  }))
  return Promise.all(migrations)
}

function byName(left: string, right: string): number {
  return left < right ? -1 : 1
}
