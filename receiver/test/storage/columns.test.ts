import { expect, test } from 'vitest'
import { type TestDatabase, withDatabase } from '../../../test/support/postgres.ts'
import { tables } from '../../src/otlp/rows/columns.ts'

interface StoredColumn {
  readonly table: string
  readonly name: string
  readonly type: string
}

/** Each as in a declaration, `table.column type not null`. */
async function storedColumns(database: TestDatabase): Promise<readonly StoredColumn[]> {
  return database.query<StoredColumn>(
    `select table_name as table,
            column_name as name,
            case data_type when 'ARRAY' then ltrim(udt_name, '_')::regtype::text || '[]'
                           when 'timestamp with time zone' then 'timestamptz'
                           else data_type end
              || case is_nullable when 'NO' then ' not null' else '' end as type
       from information_schema.columns
      where table_schema = current_schema() and table_name = any ($1)
        and column_name <> 'team_id'`,
    [tables.map(({ name }) => name)],
  )
}

/** What differs between declarations and database, in one line each. */
async function differences(database: TestDatabase): Promise<readonly string[]> {
  const stored = await storedColumns(database)
  const inDatabase = stored.map(({ table, name, type }) => {
    const isSetThere = tables.find((one) => one.name === table)?.setInDatabase.includes(name)
    return `${table}.${name}${isSetThere ? '' : ` ${type}`}`
  })
  const declared = tables.flatMap(({ name: table, columns, setInDatabase }) => [
    ...Object.entries(columns).map(([name, type]) => `${table}.${name} ${type}`),
    ...setInDatabase.map((name) => `${table}.${name}`),
  ])
  return [
    ...inDatabase.filter((one) => !declared.includes(one)).map((one) => `not declared: ${one}`),
    ...declared.filter((one) => !inDatabase.includes(one)).map((one) => `not stored: ${one}`),
  ].toSorted()
}

test('the declared columns of records, recorders and sessions are those of the database', async () => {
  const database = await withDatabase()
  expect(await differences(database)).toEqual([])
})

test('a column that only a migration has, or only a declaration, or with another type, is noticed', async () => {
  const database = await withDatabase()
  await database.query(`
    alter table spans add column added text;
    drop view sessions cascade;
    alter table session_lifetimes drop column exit_code, alter column service_name type bytea using null;
    alter table recorders alter column session_id set not null`)
  expect(await differences(database)).toEqual([
    'not declared: recorders.session_id text not null',
    'not declared: session_lifetimes.service_name bytea',
    'not declared: spans.added text',
    'not stored: recorders.session_id text',
    'not stored: session_lifetimes.exit_code bigint',
    'not stored: session_lifetimes.service_name text',
  ])
})

test('the declared keys are the primary keys', async () => {
  const database = await withDatabase()
  const stored = await database.query<{ name: string; key: string[] }>(
    `select c.relname as name,
            array_agg(a.attname::text order by a.attname) filter (where a.attname <> 'team_id') as key
       from pg_index i
       join pg_class c on c.oid = i.indrelid
       join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any (i.indkey)
      where i.indisprimary and c.relnamespace = current_schema()::regnamespace and c.relname = any ($1)
      group by c.relname`,
    [tables.map(({ name }) => name)],
  )
  const declared = tables.map(({ name, key }) => ({ name, key: key.toSorted() }))
  const byName = (left: { name: string }, right: { name: string }) =>
    left.name < right.name ? -1 : 1
  expect(stored.toSorted(byName)).toEqual(declared.toSorted(byName))
})
