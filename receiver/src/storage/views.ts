/**
 * Brings the views, and the functions they call, to the definitions in `migrations/views/`. The database stores the hash
 * of the files it was given (`schema_views`); the files are run when theirs is another.
 *
 * `create or replace` leaves grants, and views that others built on these, as they are. PostgreSQL refuses it when a
 * column, or what a function returns, was changed, moved or removed. Then everything the files define is dropped and
 * created again, and the grants on views are restored. Somebody else's view that reads one of these prevents the drop:
 * then nothing changes, and the error names that view. A view that no file defines any more is dropped by a migration.
 *
 * A hash does not say which of two definitions is newer, so the version of the receiver is stored beside it: an older
 * receiver is refused instead of putting its own views back.
 */
import { createHash } from 'node:crypto'
import { errorCode } from '@turnlog/conventions/plain'
import { TurnlogError } from '../errors.ts'
import { type Client, tableExists } from './database.ts'
import { runSqlFile, type SqlFile } from './sql-files.ts'

export interface ViewFiles {
  readonly files: readonly SqlFile[]
  /** The receiver's version, `1.2.3`. */
  readonly release: string
}

/** True when the database has these views. Throws `TL_SCHEMA_NEWER` when a newer receiver has applied others. */
export async function areViewsCurrent(
  client: Client,
  { files, release }: ViewFiles,
): Promise<boolean> {
  if (!(await tableExists(client, 'schema_views'))) return false
  const [applied] = await client.query<{ sha256: string; release: string }>(
    'select sha256, release from schema_views',
  )
  if (applied?.sha256 === hashOf(files)) return true
  if (applied === undefined || !isNewer(applied.release, release)) return false
  throw new TurnlogError(
    'TL_SCHEMA_NEWER',
    `The database has the views of Turnlog ${applied.release}; this receiver is ${release}. Start the newer Turnlog, or use another database.`,
  )
}

/** Replaces the views. `grants` were read before any migration ran, since one may have dropped a view. */
export async function applyViews(
  client: Client,
  { files, release }: ViewFiles,
  grants: readonly ViewGrant[],
): Promise<void> {
  if (files.length === 0) return
  await client.query('savepoint views')
  try {
    for (const file of files) await runSqlFile(client, file)
  } catch (error) {
    if (!isIncompatible(error)) throw error
    await client.query('rollback to savepoint views')
    await dropDefined(client, files)
    for (const file of files) await runSqlFile(client, file)
  }
  await restoreGrants(client, grants)
  await client.query(
    `insert into schema_views (sha256, release)
     values ($1, $2)
     on conflict (only_row) do update
        set sha256 = excluded.sha256, release = excluded.release, applied_at = now()`,
    [hashOf(files), release],
  )
}

function hashOf(files: readonly SqlFile[]): string {
  const hash = createHash('sha256')
  for (const { name, text } of files) hash.update(`${name}\n${text}`)
  return hash.digest('hex')
}

function isNewer(left: string, right: string): boolean {
  const [leftNumbers = '', rightNumbers = ''] = [left, right].map((one) => one.split('-')[0])
  return leftNumbers.localeCompare(rightNumbers, 'en', { numeric: true }) > 0
}

/** `invalid_table_definition`, `invalid_function_definition`: `create or replace` cannot change this much. */
function isIncompatible(error: unknown): boolean {
  const sqlState = errorCode(error instanceof Error ? error.cause : undefined)
  return sqlState === '42P16' || sqlState === '42P13'
}

/** In one statement for all views, and one for all functions: the order within a statement does not matter. */
async function dropDefined(client: Client, files: readonly SqlFile[]): Promise<void> {
  const defined = files.flatMap(({ text }) => [
    ...text.matchAll(/^create or replace (view|function) (\w+)/gm),
  ])
  const namesOf = (kind: string) =>
    defined.filter(([, found]) => found === kind).map(([, , name]) => name)
  const [found] = await client.query<{ views: string | null; functions: string | null }>(
    `select (select string_agg(oid::regclass::text, ', ')
               from pg_class
              where relkind = 'v' and relnamespace = current_schema()::regnamespace
                and relname = any ($1)) as views,
            (select string_agg(oid::regprocedure::text, ', ')
               from pg_proc
              where pronamespace = current_schema()::regnamespace and proname = any ($2)) as functions`,
    [namesOf('view'), namesOf('function')],
  )
  const text = [
    found?.views ? `drop view ${found.views};` : '',
    found?.functions ? `drop function ${found.functions};` : '',
  ].join('\n')
  await runSqlFile(client, { name: 'views', text })
}

/** A right on a view, or on one column of it, that was granted to another role than its owner. */
export interface ViewGrant {
  readonly view: string
  readonly column: string | null
  /** As in `grant`. */
  readonly privilege: string
  /** As in `to`. */
  readonly grantee: string
}

/** All rights on the views of the schema. */
export async function grantsOnViews(client: Client): Promise<readonly ViewGrant[]> {
  return client.query<ViewGrant>(
    `select c.relname as view,
            r.column,
            a.privilege_type as privilege,
            case a.grantee when 0 then 'public' else a.grantee::regrole::text end
              || case when a.is_grantable then ' with grant option' else '' end as grantee
       from pg_class c
      cross join lateral (
        select null as column, c.relacl as acl
        union all
        select attname, attacl from pg_attribute where attrelid = c.oid and attacl is not null
      ) r
      cross join lateral aclexplode(r.acl) a
      where c.relkind = 'v' and c.relnamespace = current_schema()::regnamespace
        and a.grantee <> c.relowner`,
  )
}

/** Granting what is granted already changes nothing. A view or column that is no longer there is left out. */
async function restoreGrants(client: Client, grants: readonly ViewGrant[]): Promise<void> {
  const rows = await client.query<{ text: string }>(
    `select format('grant %s%s on %s to %s', g.privilege, '(' || quote_ident(a.attname) || ')', c.oid::regclass, g.grantee) as text
       from jsonb_to_recordset($1) as g ("view" text, "column" text, privilege text, grantee text)
       join pg_class c
         on c.relname = g.view and c.relkind = 'v' and c.relnamespace = current_schema()::regnamespace
       left join pg_attribute a on a.attrelid = c.oid and a.attname = g.column
      where g.column is null or a.attname is not null`,
    [JSON.stringify(grants)],
  )
  for (const { text } of rows) await client.query(text)
}
