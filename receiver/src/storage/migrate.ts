/**
 * Brings the schema up to date when a receiver starts:
 * 1. the `.sql` files of `migrations/`, in the order of their numbers, each once;
 * 2. those of `migrations/views/`, when the database has other definitions of the views, or a migration ran;
 * 3. those of `migrations/database/`, each time: settings of the database itself, which no dump contains.
 *
 * All of it is one transaction under an advisory lock: receivers that start together migrate once, and a failure changes
 * nothing. A schema newer than the program is refused, because the program would write to tables it does not know.
 *
 * Numbers only give the order, and need not be without gaps. The missing ones (3, 4, 11, 13 to 15) were used while the
 * schema was developed, and were combined with others before they were released.
 */
import { readFile } from 'node:fs/promises'
import { errorCode, errorMessage, parseObject } from '@turnlog/conventions/plain'
import { TurnlogError } from '../errors.ts'
import type { Client, Database } from './database.ts'
import { readSqlFiles, runSqlFile } from './sql-files.ts'
import { applyViews, areViewsCurrent, grantsOnViews } from './views.ts'

const defaultDirectory = new URL('../../migrations/', import.meta.url)
const manifest = new URL('../../package.json', import.meta.url)
/** Any number; the locks of Turnlog begin with the same digits. */
const lockKey = 7_235_014_901
const serverVersionMin = 150_000

export interface MigrateOptions {
  readonly directory?: URL
  /** The receiver's version; by default that of its package. */
  readonly release?: string
}

/** Returns the versions that were applied; none when the tables were up to date. */
export async function migrate(
  database: Database,
  { directory = defaultDirectory, release }: MigrateOptions = {},
): Promise<readonly number[]> {
  const migrations = (await readSqlFiles(directory)).map((file) => ({
    ...file,
    version: Number.parseInt(file.name, 10),
  }))
  const own = parseObject(await readFile(manifest, 'utf8'))
  const views = {
    files: await readSqlFiles(new URL('views/', directory)),
    release: release ?? String(own?.version),
  }
  const settings = await readSqlFiles(new URL('database/', directory))
  return database.transaction(async (client) => {
    await refuseOldServer(client)
    // Waiting for another receiver's migration may take longer than a landing statement may.
    await client.query('set local statement_timeout = 0')
    await client.query('select pg_advisory_xact_lock($1)', [lockKey])
    const versions = await appliedVersions(client)
    refuseNewerSchema(versions, migrations)
    const pending = migrations.filter(({ version }) => !versions.has(version))
    const areCurrent = await areViewsCurrent(client, views)
    if (pending.length > 0 || !areCurrent) {
      const grants = await grantsOnViews(client)
      for (const migration of pending) {
        await runSqlFile(client, migration)
        const insertText = 'insert into schema_migrations (version, name) values ($1, $2)'
        await client.query(insertText, [migration.version, migration.name])
      }
      await applyViews(client, views, grants)
    }
    for (const setting of settings) await runSqlFile(client, setting)
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
    // The first table that is created and read: a user without the right to do this can do nothing here.
    if (errorCode(cause) !== '42501') throw cause
    throw new TurnlogError(
      'TL_MIGRATION_FAILED',
      `The database's user may not create or read tables (${errorMessage(cause)}): it must own the database and everything in it.`,
      { cause },
    )
  }
}

function refuseNewerSchema(
  applied: ReadonlySet<number>,
  known: readonly { readonly version: number }[],
): void {
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
