/**
 * Brings the schema up to date: the `.sql` files of `migrations/`, in the order of their numbers, each once; after them
 * those of `migrations/views/`, which define the views and their functions as they now are, whenever any was pending;
 * and each time those of `migrations/database/`, for settings of the database itself: no dump of it has them.
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

interface SqlFile {
  readonly name: string
  readonly text: string
}

interface Migration extends SqlFile {
  readonly version: number
}

/** Returns the versions that were applied; none when the schema was up to date. */
export async function migrate(
  database: Database,
  options: { readonly directory?: URL } = {},
): Promise<readonly number[]> {
  const directory = options.directory ?? defaultDirectory
  const migrations = await readMigrations(directory)
  const views = await readFiles(new URL('views/', directory))
  const settings = await readFiles(new URL('database/', directory))
  return database.transaction(async (client) => {
    await refuseOldServer(client)
    // Waiting for another receiver's migration may take longer than a landing statement may.
    await client.query('set local statement_timeout = 0')
    await client.query('select pg_advisory_xact_lock($1)', [lockKey])
    const versions = await appliedVersions(client)
    refuseNewerSchema(versions, migrations)
    const pending = migrations.filter(({ version }) => !versions.has(version))
    for (const migration of pending) {
      await run(client, migration)
      await client.query('insert into schema_migrations (version, name) values ($1, $2)', [
        migration.version,
        migration.name,
      ])
    }
    if (pending.length > 0) for (const view of views) await run(client, view)
    for (const setting of settings) await run(client, setting)
    return pending.map(({ version }) => version)
  })
}

async function appliedVersions(client: Client): Promise<ReadonlySet<number>> {
  try {
    await client.query(`
      create table if not exists schema_migrations (
        version    integer     primary key,
        name       text        not null,
        applied_at timestamptz not null default now()
      )`)
    const rows = await client.query<{ version: number }>('select version from schema_migrations')
    return new Set(rows.map(({ version }) => version))
  } catch (cause) {
    // The first thing that is made, and read: who may not do this may do nothing.
    if (!(cause instanceof Error) || !('code' in cause) || cause.code !== '42501') throw cause
    throw new TurnlogError(
      'TL_MIGRATION_FAILED',
      `The database's user may not make tables, or read them (${cause.message}): it must own the database and all in it.`,
      { cause },
    )
  }
}

async function run(client: Client, { name, text }: SqlFile): Promise<void> {
  try {
    await client.query(text)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new TurnlogError('TL_MIGRATION_FAILED', `Migration ${name} failed: ${reason}`, { cause })
  }
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
  const files = await readFiles(directory)
  return files.map((file) => ({ ...file, version: Number.parseInt(file.name, 10) }))
}

/** By name; none where there is no such folder. */
async function readFiles(directory: URL): Promise<readonly SqlFile[]> {
  const entries = await readdir(fileURLToPath(directory)).catch(noneIfMissing)
  const names = entries.filter((name) => name.endsWith('.sql')).sort(byName)
  return Promise.all(
    names.map(async (name) => ({ name, text: await readFile(new URL(name, directory), 'utf8') })),
  )
}

function noneIfMissing(error: NodeJS.ErrnoException): string[] {
  if (error.code === 'ENOENT') return []
  throw error
}

function byName(left: string, right: string): number {
  return left < right ? -1 : 1
}
