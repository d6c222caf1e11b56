/** The role for dashboards can read the views, and cannot write anything or read secrets. */
import { randomBytes } from 'node:crypto'
import {
  createReportingRole,
  type Database,
  dropReportingRole,
  migrate,
  openDatabase,
} from '@turnlog/receiver/storage'
import { expect, inject, onTestFinished, test } from 'vitest'
import { cloneDatabase, execute, withDatabase } from '../../../test/support/postgres.ts'
import { withDatabaseName } from '../../../test/support/server-url.ts'
import { scramVerifier } from '../../src/storage/scram.ts'

const newName = () => `reports_${randomBytes(4).toString('hex')}`

/** A connection of the role. */
function openAs(url: string, { name, password }: { name: string; password: string }): Database {
  const address = new URL(url)
  address.username = name
  address.password = password
  const database = openDatabase(address.href)
  onTestFinished(() => database.close())
  return database
}

/** A new database with such a role; both are dropped after use. */
async function openWithRole() {
  const database = await cloneDatabase()
  const role = { name: newName(), password: randomBytes(12).toString('hex') }
  await createReportingRole(database, role)
  const reports = openAs(database.url, role)
  return {
    database,
    reports,
    async [Symbol.asyncDispose]() {
      await reports.close()
      await dropReportingRole(database, role)
      await database[Symbol.asyncDispose]()
    },
  }
}

const secretTables = ['tokens', 'sign_in_links', 'page_sessions']

test('the role reads every view, and has limits', async () => {
  await using opened = await openWithRole()
  const { database, reports } = opened
  const views = await database.query<{ name: string }>(
    `select viewname as name from pg_views where schemaname = 'public'`,
  )
  expect(views.length).toBeGreaterThanOrEqual(8)
  for (const { name } of views) {
    expect(await reports.query(`select * from ${name} limit 0`), name).toEqual([])
  }
  expect(
    await reports.query(
      `select current_setting('statement_timeout') as timeout,
              current_setting('default_transaction_read_only') as read_only`,
    ),
  ).toEqual([{ timeout: '30s', read_only: 'on' }])
})

test('the role reads no token, link or page session, and writes nothing, whatever it sets', async () => {
  await using opened = await openWithRole()
  const { database, reports } = opened
  for (const table of secretTables) {
    await expect(reports.query(`select * from ${table}`)).rejects.toMatchObject({ code: '42501' })
  }
  const tables = await database.query<{ name: string }>(
    `select relname as name
       from pg_class
      where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition`,
  )
  const writes = [
    ...tables.flatMap(({ name }) => [`delete from ${name}`, `insert into ${name} default values`]),
    'create table mine (a int)',
    'create view mine as select 1',
  ]
  for (const write of writes) {
    await expect(reports.query(write), write).rejects.toMatchObject({
      code: expect.stringMatching(/^(25006|42501)$/),
    })
    await expect(reports.query(`begin read write; ${write}; commit`), write).rejects.toMatchObject({
      code: '42501',
    })
  }
})

test('creating the role again changes its password and restores its rights; dropping it leaves nothing', async () => {
  const database = await withDatabase()
  const name = newName()
  await createReportingRole(database, { name, password: 'first' })
  await execute(
    database.url,
    `revoke select on spans from ${name}; grant insert on spans to ${name}`,
  )
  await Promise.all(
    ['second', 'second', 'second'].map((password) =>
      createReportingRole(database, { name, password }),
    ),
  )
  await expect(
    openAs(database.url, { name, password: 'first' }).query('select 1'),
  ).rejects.toMatchObject({ code: '28P01' })
  const reports = openAs(database.url, { name, password: 'second' })
  expect(await reports.query('select from spans')).toEqual([])
  await expect(
    reports.query('begin read write; insert into spans default values'),
  ).rejects.toMatchObject({ code: '42501' })
  await reports.close()
  expect(await dropReportingRole(database, { name })).toBe(true)
  expect(await dropReportingRole(database, { name })).toBe(false)
})

test('a role that the command did not create, or that has gained rights, is not touched', async () => {
  const database = await withDatabase()
  const name = newName()
  const [owner] = await database.query<{ name: string }>('select current_user as name')
  await expect(
    createReportingRole(database, { name: owner?.name ?? '', password: 'x' }),
  ).rejects.toMatchObject({ code: 'TL_ROLE_REFUSED' })
  await createReportingRole(database, { name, password: 'x' })
  await execute(database.url, `alter role ${name} createdb`)
  await expect(dropReportingRole(database, { name })).rejects.toMatchObject({
    code: 'TL_ROLE_REFUSED',
  })
  await execute(database.url, `alter role ${name} nocreatedb`)
  await dropReportingRole(database, { name })
})

/** As after a restore beside the original. Once neither database could drop the role: each required that the other did first. */
test('a role that reads two databases is dropped by the second that drops it', async () => {
  const database = await withDatabase()
  const restored = await withDatabase()
  const name = newName()
  await createReportingRole(database, { name, password: 'x' })
  await createReportingRole(restored, { name, password: 'x' })
  const [row] = await restored.query<{ name: string }>('select current_database() as name')
  await expect(dropReportingRole(database, { name })).rejects.toMatchObject({
    code: 'TL_ROLE_REFUSED',
    message: expect.stringContaining(`in database ${row?.name}`),
  })
  const reports = openAs(database.url, { name, password: 'x' })
  await expect(reports.query('select from spans')).rejects.toMatchObject({ code: '42501' })
  await reports.close()
  expect(await dropReportingRole(restored, { name })).toBe(true)
})

/** As in managed services: the owner of the database is not a superuser. */
test('an owner with CREATEROLE creates the role; without it, the error names what is missing', async () => {
  const serverUrl = inject('serverUrl')
  const owner = { name: newName(), password: randomBytes(12).toString('hex') }
  const databaseName = `turnlog_test_${owner.name}`
  const role = { name: newName(), password: 'reads' }
  await execute(serverUrl, `create role ${owner.name} login password '${owner.password}'`)
  await execute(serverUrl, `create database ${databaseName} owner ${owner.name}`)
  const database = openAs(withDatabaseName(serverUrl, databaseName), owner)
  onTestFinished(async () => {
    await database.close()
    await execute(serverUrl, `drop database ${databaseName} with (force)`)
    await execute(serverUrl, `drop role if exists ${role.name}`)
    await execute(serverUrl, `drop role ${owner.name}`)
  })
  await migrate(database)
  await expect(createReportingRole(database, role)).rejects.toMatchObject({
    code: 'TL_ROLE_REFUSED',
    message: expect.stringContaining(`'${owner.name}' may not change roles`),
  })
  await execute(serverUrl, `alter role ${owner.name} createrole`)
  await createReportingRole(database, role)
  await createReportingRole(database, role)
  const reports = openAs(withDatabaseName(serverUrl, databaseName), role)
  expect(await reports.query('select from turns')).toEqual([])
  await reports.close()
  expect(await dropReportingRole(database, role)).toBe(true)
})

test('a password is stored as PostgreSQL itself would store it', async () => {
  const database = await withDatabase()
  const name = newName()
  await execute(database.url, `create role ${name} password 'pencil'`)
  onTestFinished(() => execute(inject('serverUrl'), `drop role ${name}`))
  const [row] = await database.query<{ stored: string }>(
    'select rolpassword as stored from pg_authid where rolname = $1',
    [name],
  )
  const salt = Buffer.from(row?.stored.split(/[:$]/)[2] ?? '', 'base64')
  expect(scramVerifier('pencil', salt)).toBe(row?.stored)
})
