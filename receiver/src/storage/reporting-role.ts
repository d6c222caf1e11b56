/**
 * A database role for dashboards and SQL users: it can sign in, and read the views and the tables they read.
 *
 * Its tables are listed, so that a later table, or one with secrets, does not become readable by accident. Its limits
 * (read-only, a time limit for statements) prevent mistakes only, since whoever has the password can change them; its
 * rights to read and write cannot be changed that way.
 */
import { errorCode } from '@turnlog/conventions/plain'
import pg from 'pg'
import { TurnlogError } from '../errors.ts'
import type { Client, Database } from './database.ts'
import { scramVerifier } from './scram.ts'

/** The tables that views read. Not among them: tokens, sign-in links and page sessions. */
const readableTables = `spans, log_records, contents, message_links, metric_points, recorders,
  session_lifetimes, ledger, receiver_samples, table_samples`

/** A dashboard opens a connection for each panel. */
const connectionsMax = 20
const limits = {
  default_transaction_read_only: 'on',
  statement_timeout: '30s',
  idle_in_transaction_session_timeout: '60s',
  lock_timeout: '10s',
} as const

/** The comment of roles that this file created; others are not touched. */
const mark = 'Turnlog: reads for reports'
const lockKey = 7_235_014_903

/** Creates the role, or updates it: password, limits, and the right to read views that were added since. */
export async function createReportingRole(
  database: Database,
  options: { readonly name: string; readonly password: string },
): Promise<void> {
  const role = pg.escapeIdentifier(options.name)
  const password = pg.escapeLiteral(scramVerifier(options.password))
  await changeRoles(database, async (client) => {
    const verb = (await hasRole(client, options.name)) ? 'alter' : 'create'
    await client.query(
      `${verb} role ${role} login connection limit ${connectionsMax} password ${password}`,
    )
    for (const [name, value] of Object.entries(limits)) {
      await client.query(`alter role ${role} set ${name} = '${value}'`)
    }
    await client.query(`comment on role ${role} is '${mark}'`)
    const { schema, databaseName, readable } = await quotedNames(client)
    await client.query(`revoke all on all tables in schema ${schema} from ${role}`)
    await client.query(`grant connect on database ${databaseName} to ${role}`)
    await client.query(`grant usage on schema ${schema} to ${role}`)
    await client.query(`grant select on ${readable} to ${role}`)
  })
}

/**
 * False when there is no role of that name. Throws when another database needs it, such as one restored beside this one.
 * Its rights in this database are revoked even then, so the role can be dropped in the last database that needs it.
 */
export async function dropReportingRole(
  database: Database,
  { name }: { readonly name: string },
): Promise<boolean> {
  const role = pg.escapeIdentifier(name)
  const dropped = await changeRoles(database, async (client) => {
    if (!(await hasRole(client, name))) return { status: 'absent' } as const
    const { schema, databaseName } = await quotedNames(client)
    await client.query(`revoke all on all tables in schema ${schema} from ${role}`)
    await client.query(`revoke all on schema ${schema} from ${role}`)
    await client.query(`revoke all on database ${databaseName} from ${role}`)
    await client.query('savepoint revoked')
    try {
      await client.query(`drop role ${role}`)
      return { status: 'dropped' } as const
    } catch (cause) {
      if (!(cause instanceof pg.DatabaseError) || cause.code !== '2BP01') throw cause
      await client.query('rollback to savepoint revoked')
      return { status: 'needed', cause } as const
    }
  })
  if (dropped.status !== 'needed') return dropped.status === 'dropped'
  const { cause } = dropped
  throw new TurnlogError(
    'TL_ROLE_REFUSED',
    `The role '${name}' can no longer read this database, but is still needed (${cause.detail?.replaceAll('\n', ', ') ?? cause.message}): drop it in that database as well, or drop what it owns.`,
    { cause },
  )
}

/** Runs one change at a time: PostgreSQL refuses concurrent changes of one role. */
async function changeRoles<Result>(
  database: Database,
  work: (client: Client) => Promise<Result>,
): Promise<Result> {
  try {
    return await database.transaction(async (client) => {
      await client.query('select pg_advisory_xact_lock($1)', [lockKey])
      return work(client)
    })
  } catch (cause) {
    if (errorCode(cause) === '42501') {
      const [row] = await database.query<{ user: string }>('select current_user as "user"')
      throw new TurnlogError(
        'TL_ROLE_REFUSED',
        `The database user '${row?.user}' may not change roles: run this once with a DATABASE_URL of a user that has CREATEROLE and owns the tables.`,
        { cause },
      )
    }
    throw cause
  }
}

/** Throws when there is a role of that name that this file did not create, or that has gained more rights. */
async function hasRole(client: Client, name: string): Promise<boolean> {
  const [role] = await client.query<{ isOurs: boolean }>(
    `select coalesce(shobj_description(oid, 'pg_authid') = $2, false) and not (
              rolsuper or rolcreaterole or rolcreatedb or rolreplication or rolbypassrls) as "isOurs"
       from pg_roles
      where rolname = $1`,
    [name, mark],
  )
  if (role === undefined || role.isOurs) return role !== undefined
  throw new TurnlogError(
    'TL_ROLE_REFUSED',
    `There is a role '${name}' that this command did not create, or that has been given more rights: choose another name.`,
  )
}

/** Names as SQL writes them. `readable`: the tables and views that the role may read. */
async function quotedNames(client: Client) {
  const [row] = await client.query<{ schema: string; databaseName: string; readable: string }>(
    `select quote_ident(current_schema()) as schema, quote_ident(current_database()) as "databaseName",
            concat_ws(', ', $1::text, string_agg(quote_ident(relname), ', ')) as readable
       from pg_class
      where relkind = 'v' and relnamespace = current_schema()::regnamespace`,
    [readableTables],
  )
  return row ?? { schema: 'public', databaseName: '', readable: readableTables }
}
