/**
 * A role for dashboards and people who ask in SQL: it signs in, reads the views and what they read, and nothing else.
 *
 * Tables are named one by one, so that a table made later, or one with secrets, is not readable by accident. The limits
 * (read-only, a time for each statement) guard against mistakes: who holds the password can set them otherwise. What it
 * may read and write is not theirs to change.
 */
import pg from 'pg'
import { TurnlogError } from '../errors.ts'
import type { Client, Database } from './database.ts'
import { scramVerifier } from './scram.ts'

/** What the views read. Not: tokens, sign-in links, sessions of the pages. */
const readableTables = [
  'spans',
  'log_records',
  'contents',
  'message_links',
  'metric_points',
  'recorders',
  'session_lifetimes',
  'ledger',
  'receiver_samples',
  'table_samples',
]

/** A dashboard opens a connection for each panel. */
const connectionsMax = 20
const limits = {
  default_transaction_read_only: 'on',
  statement_timeout: '30s',
  idle_in_transaction_session_timeout: '60s',
  lock_timeout: '10s',
} as const

/** Tells ours from roles that are none of our business. */
const mark = 'Turnlog: reads for reports'
const lockKey = 7_235_014_903

interface Known {
  readonly isOurs: boolean
  readonly hasPower: boolean
}

/** Makes the role, or brings it up to date: password, limits, and the right to read what has been added since. */
export async function createReportingRole(
  database: Database,
  options: { readonly name: string; readonly password: string },
): Promise<void> {
  const role = quoted(options.name)
  const password = pg.escapeLiteral(scramVerifier(options.password))
  await changeRoles(database, async (client) => {
    const known = await findRole(client, options.name)
    const verb = known === undefined ? 'create' : 'alter'
    await client.query(
      `${verb} role ${role} login connection limit ${connectionsMax} password ${password}`,
    )
    for (const [name, value] of Object.entries(limits)) {
      await client.query(`alter role ${role} set ${name} = '${value}'`)
    }
    await client.query(`comment on role ${role} is '${mark}'`)
    const { schema, databaseName } = await whereWeAre(client)
    await client.query(`revoke all on all tables in schema ${schema} from ${role}`)
    await client.query(`grant connect on database ${databaseName} to ${role}`)
    await client.query(`grant usage on schema ${schema} to ${role}`)
    const readable = [...readableTables, ...(await viewNames(client))].map(quoted).join(', ')
    await client.query(`grant select on ${readable} to ${role}`)
  })
}

/**
 * False when there is none of that name. Throws when it is needed elsewhere, as in a database that was restored beside
 * this one: here it has lost its rights all the same, so that the last database to drop it in drops it.
 */
export async function dropReportingRole(
  database: Database,
  { name }: { readonly name: string },
): Promise<boolean> {
  const role = quoted(name)
  const dropped = await changeRoles(database, async (client) => {
    if ((await findRole(client, name)) === undefined) return { status: 'absent' } as const
    const { schema, databaseName } = await whereWeAre(client)
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
    `The role '${name}' may read nothing here any more, but is still needed (${cause.detail?.replaceAll('\n', ', ') ?? cause.message}): drop it in that database as well, or what it owns.`,
    { cause },
  )
}

/** One at a time: PostgreSQL refuses two changes of one role at one moment. */
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
    const sqlState = cause instanceof Error && 'code' in cause ? cause.code : undefined
    if (sqlState === '42501') {
      const [row] = await database.query<{ user: string }>('select current_user as "user"')
      throw new TurnlogError(
        'TL_ROLE_REFUSED',
        `The database user '${row?.user}' may not change roles: run this once with a DATABASE_URL of one that may (CREATEROLE) and that owns the tables.`,
        { cause },
      )
    }
    throw cause
  }
}

/** Throws when there is a role of that name that is not one of these. */
async function findRole(client: Client, name: string): Promise<Known | undefined> {
  const [known] = await client.query<Known>(
    `select coalesce(shobj_description(oid, 'pg_authid') = $2, false) as "isOurs",
            rolsuper or rolcreaterole or rolcreatedb or rolreplication or rolbypassrls as "hasPower"
       from pg_roles
      where rolname = $1`,
    [name, mark],
  )
  if (known === undefined || (known.isOurs && !known.hasPower)) return known
  throw new TurnlogError(
    'TL_ROLE_REFUSED',
    `There is a role '${name}' that was not made by this command, or has been given more rights: choose another name.`,
  )
}

async function whereWeAre(client: Client): Promise<{ schema: string; databaseName: string }> {
  const [row] = await client.query<{ schema: string; databaseName: string }>(
    `select quote_ident(current_schema()) as schema,
            quote_ident(current_database()) as "databaseName"`,
  )
  return { schema: row?.schema ?? 'public', databaseName: row?.databaseName ?? '' }
}

async function viewNames(client: Client): Promise<string[]> {
  const rows = await client.query<{ name: string }>(
    `select relname as name
       from pg_class
      where relkind = 'v' and relnamespace = current_schema()::regnamespace`,
  )
  return rows.map(({ name }) => name)
}

function quoted(name: string): string {
  return pg.escapeIdentifier(name)
}
