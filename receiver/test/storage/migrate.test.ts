import { appendFile, cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { ensurePartitions, migrate, openDatabase } from '@turnlog/receiver/storage'
import { expect, onTestFinished, test } from 'vitest'
import { emptyDatabase } from '../../../test/support/postgres.ts'

const migrations = new URL('../../migrations/', import.meta.url)

async function versions(): Promise<number[]> {
  const names = await readdir(migrations)
  return names
    .filter((name) => name.endsWith('.sql'))
    .map((name) => Number.parseInt(name, 10))
    .sort((left, right) => left - right)
}

test('twenty receivers that start at once on an empty database migrate it once', async () => {
  await using database = await emptyDatabase()
  const others = Array.from({ length: 20 }, () => openDatabase(database.url, { connectionsMax: 1 }))
  try {
    const applied = await Promise.all(others.map((other) => migrate(other)))
    expect(applied.filter((versions) => versions.length > 0)).toEqual([await versions()])
    expect(await migrate(database)).toEqual([])
  } finally {
    await Promise.all(others.map((other) => other.close()))
  }
})

test('a newer schema is refused', async () => {
  await using database = await emptyDatabase()
  await migrate(database)
  await database.query(
    `insert into schema_migrations (version, name) values (9999, '9999-future.sql')`,
  )
  await expect(migrate(database)).rejects.toMatchObject({ code: 'TL_SCHEMA_NEWER' })
})

test('a migration that fails changes nothing', async () => {
  await using database = await emptyDatabase()
  const folder = await mkdtemp(join(tmpdir(), 'turnlog-migrations-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  await writeFile(join(folder, '0001-one.sql'), 'create table one (id int)')
  await writeFile(join(folder, '0002-two.sql'), 'create table two (id int); select 1 / 0')
  const directory = pathToFileURL(`${folder}/`)
  await expect(migrate(database, { directory })).rejects.toMatchObject({
    code: 'TL_MIGRATION_FAILED',
  })
  const [row] = await database.query(
    `select to_regclass('one') as one, to_regclass('schema_migrations') as migrations`,
  )
  expect(row).toEqual({ one: null, migrations: null })
  await writeFile(join(folder, '0002-two.sql'), 'create table two (id int)')
  expect(await migrate(database, { directory })).toEqual([1, 2])
})

// As after pg_restore into another database: it has the schema, but not the settings of `alter database`.
test('a restored database gets its settings at the next start', async () => {
  await using database = await emptyDatabase()
  await migrate(database)
  const [row] = await database.query<{ name: string }>('select current_database() as name')
  // PostgreSQL's default; the server of the tests has another.
  await database.query(`alter database ${row?.name} set jit = on`)
  const restored = openDatabase(database.url, { connectionsMax: 1 })
  expect(await migrate(restored)).toEqual([])
  await restored.close()
  const later = openDatabase(database.url, { connectionsMax: 1 })
  expect(await later.query('show jit')).toEqual([{ jit: 'off' }])
  await later.close()
})

test('each view and function is defined in one file of `views`, and in no migration', async () => {
  await using database = await emptyDatabase()
  await migrate(database)
  const folder = await mkdtemp(join(tmpdir(), 'turnlog-migrations-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  await cp(migrations, folder, { recursive: true })
  await writeFile(join(folder, '9000-later.sql'), '-- Only views changed.\n')
  const extra = "\ncreate or replace function turnlog_later() returns text return 'later';\n"
  await appendFile(join(folder, 'views', '01-values.sql'), extra)
  expect(await migrate(database, { directory: pathToFileURL(`${folder}/`) })).toEqual([9000])
  expect(await database.query('select turnlog_later() as later')).toEqual([{ later: 'later' }])
  for (const name of await readdir(migrations, { withFileTypes: true })) {
    if (!name.isFile()) continue
    const text = await readFile(new URL(name.name, migrations), 'utf8')
    expect(text, name.name).not.toMatch(/create (or replace )?(view|function)/)
  }
})

test('there are partitions for 7 days back and 3 ahead, also after a week without a receiver', async () => {
  await using database = await emptyDatabase()
  await migrate(database)
  const start = new Date('2026-03-25T23:59:00Z')
  await ensurePartitions(database, start)
  expect(await ensurePartitions(database, start)).toEqual([])
  const inAWeek = new Date(start.getTime() + 7 * 86_400_000)
  const tables = await database.query('select partrelid from pg_partitioned_table')
  expect(await ensurePartitions(database, inAWeek)).toHaveLength(7 * tables.length)
  const rows = await database.query<{ name: string }>(
    `select inhrelid::regclass::text as name from pg_inherits where inhparent = 'spans'::regclass`,
  )
  const names = rows.map(({ name }) => name)
  expect(names).toContain('spans_20260318')
  expect(names).not.toContain('spans_20260317')
  expect(names).toContain('spans_20260404')
})
