/** Views follow their files: an existing database gets a changed definition at the next start, and only then. */
import { randomBytes } from 'node:crypto'
import { appendFile, cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import {
  createReportingRole,
  dropReportingRole,
  migrate,
  openDatabase,
} from '@turnlog/receiver/storage'
import { expect, onTestFinished, test } from 'vitest'
import { type TestDatabase, withDatabase } from '../../../test/support/postgres.ts'

const sessions = 'views/09-sessions.sql'

/** A copy of the migrations, which `change` may edit. */
async function copiedMigrations() {
  const folder = await mkdtemp(join(tmpdir(), 'turnlog-migrations-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  await cp(new URL('../../migrations/', import.meta.url), folder, { recursive: true })
  return {
    directory: pathToFileURL(`${folder}/`),
    append: (name: string, text: string) => appendFile(join(folder, name), text),
    async replace(name: string, before: string, after: string): Promise<void> {
      const text = await readFile(join(folder, name), 'utf8')
      expect(text).toContain(before)
      await writeFile(join(folder, name), text.replace(before, after))
    },
  }
}

/** The transactions that defined each view and function last. */
async function definitions(database: TestDatabase): Promise<readonly object[]> {
  return database.query(
    `select c.relname as name, r.xmin::text as changed_by
       from pg_class c join pg_rewrite r on r.ev_class = c.oid
      where c.relkind = 'v' and c.relnamespace = 'public'::regnamespace
     union all
     select proname, xmin::text from pg_proc where pronamespace = 'public'::regnamespace
      order by 1`,
  )
}

async function columnsOf(database: TestDatabase, view: string): Promise<readonly string[]> {
  const rows = await database.query<{ name: string }>(
    `select column_name as name
       from information_schema.columns
      where table_name = $1
      order by ordinal_position`,
    [view],
  )
  return rows.map(({ name }) => name)
}

test('the same files are not executed again', async () => {
  const database = await withDatabase()
  const before = await definitions(database)
  expect(before.length).toBeGreaterThan(20)
  const { directory } = await copiedMigrations()
  expect(await migrate(database, { directory })).toEqual([])
  expect(await definitions(database)).toEqual(before)
})

test('a column added at the end of a view reaches an existing database at the next start', async () => {
  const database = await withDatabase()
  // Somebody's view on one of these is neither in the way nor lost.
  await database.query('create view mine as select session_id from sessions')
  const copy = await copiedMigrations()
  await copy.replace(sessions, ' as expired\n', ' as expired,\n       1 as added\n')
  expect(await migrate(database, copy)).toEqual([])
  expect((await columnsOf(database, 'sessions')).at(-1)).toBe('added')
  expect(await columnsOf(database, 'mine')).toEqual(['session_id'])
})

test('a changed, moved or removed column reaches it as well, and all grants stay', async () => {
  const database = await withDatabase()
  const suffix = randomBytes(4).toString('hex')
  const reports = `reports_${suffix}`
  const reader = `reader_${suffix}`
  await createReportingRole(database, { name: reports, password: 'x' })
  await database.query(`
    create role ${reader};
    grant select (session_id, git_branch, git_revision) on sessions to ${reader};
    grant select on turns to public;
    grant select on tool_calls to ${reader} with grant option`)
  const rights = () =>
    database.query(
      `select ${['sessions', 'turns', 'metrics'].map((view) => `has_table_privilege('${reports}', '${view}', 'select')`).join(' and ')} as reports,
              has_column_privilege('${reader}', 'sessions', 'session_id', 'select') as column,
              has_column_privilege('${reader}', 'sessions', 'user_id', 'select') as other_column,
              has_table_privilege('${reader}', 'turns', 'select') as public,
              has_table_privilege('${reader}', 'tool_calls', 'select with grant option') as option`,
    )
  try {
    const before = await rights()
    expect(before).toEqual([
      { reports: true, column: true, other_column: false, public: true, option: true },
    ])
    const copy = await copiedMigrations()
    await copy.replace(
      sessions,
      "'vcs.ref.head.revision' as git_revision",
      "'vcs.ref.head.revision' as revision",
    )
    await copy.replace(
      'views/01-values.sql',
      'turnlog_count(ranges int8multirange) returns bigint',
      'turnlog_count(ranges int8multirange) returns numeric',
    )
    expect(await migrate(database, copy)).toEqual([])
    const columns = await columnsOf(database, 'sessions')
    expect(columns).toContain('revision')
    expect(columns).not.toContain('git_revision')
    expect(await database.query('select pg_typeof(turnlog_count(null))::text as type')).toEqual([
      { type: 'numeric' },
    ])
    expect(await rights()).toEqual(before)
  } finally {
    await dropReportingRole(database, { name: reports })
    await database.query(`drop owned by ${reader}; drop role ${reader}`)
  }
})

test('somebody’s view that reads a removed column is named, and nothing changes', async () => {
  const database = await withDatabase()
  await database.query('create view mine as select git_branch from sessions')
  const before = await definitions(database)
  const copy = await copiedMigrations()
  await copy.replace(sessions, "'vcs.ref.head.name' as git_branch", "'vcs.ref.head.name' as branch")
  await expect(migrate(database, copy)).rejects.toMatchObject({
    code: 'TL_MIGRATION_FAILED',
    message: expect.stringContaining('view mine depends on view sessions'),
  })
  expect(await definitions(database)).toEqual(before)
})

test('a migration that drops a view leaves its grants, although no view file changed', async () => {
  const database = await withDatabase()
  await database.query('grant select on turns to public')
  const copy = await copiedMigrations()
  await copy.append('9000-later.sql', 'drop view turns cascade;')
  expect(await migrate(database, copy)).toEqual([9000])
  const [row] = await database.query(
    `select relacl::text like '%=r/%' as is_public from pg_class where relname = 'turns'`,
  )
  expect(row).toEqual({ is_public: true })
  expect(await columnsOf(database, 'sessions')).toContain('turns')
})

test('ten that start together with changed views replace them once', async () => {
  const database = await withDatabase()
  await database.query('create table runs (n int)')
  const copy = await copiedMigrations()
  await copy.append(sessions, '\ninsert into runs values (1);\n')
  const others = Array.from({ length: 10 }, () => openDatabase(database.url, { connectionsMax: 1 }))
  try {
    await Promise.all(others.map((other) => migrate(other, copy)))
  } finally {
    await Promise.all(others.map((other) => other.close()))
  }
  expect(await database.query('select count(*) as runs from runs')).toEqual([{ runs: 1 }])
})

test('an older receiver does not put its views back; the same release and a newer one do replace them', async () => {
  const database = await withDatabase()
  const copy = await copiedMigrations()
  await copy.append(sessions, '-- 0.10\n')
  await migrate(database, { ...copy, release: '0.10.0' })
  const before = await definitions(database)
  await copy.append(sessions, '-- other\n')
  await expect(migrate(database, { ...copy, release: '0.9.1' })).rejects.toMatchObject({
    code: 'TL_SCHEMA_NEWER',
    message: expect.stringContaining('0.10.0'),
  })
  expect(await definitions(database)).toEqual(before)
  await migrate(database, { ...copy, release: '0.10.0' })
  await copy.append(sessions, '-- another\n')
  await migrate(database, { ...copy, release: '1.0.0-rc.1' })
  expect(await database.query('select release from schema_views')).toEqual([
    { release: '1.0.0-rc.1' },
  ])
})

test('a database from before the hash was stored gets the views and the hash', async () => {
  const database = await withDatabase()
  await database.query(`
    drop table schema_views;
    delete from schema_migrations where version = 19;
    drop view metric_increases`)
  expect(await migrate(database)).toEqual([19])
  expect(await columnsOf(database, 'metric_increases')).toContain('stream')
  const before = await definitions(database)
  expect(await migrate(database)).toEqual([])
  expect(await definitions(database)).toEqual(before)
})
