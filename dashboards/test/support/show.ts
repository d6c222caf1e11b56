/**
 * Prints the answer of each panel's query, from the database of `DATABASE_URL` or from a temporary database filled for this.
 */
import { buildApp } from '@turnlog/receiver/app'
import {
  addTableSamples,
  createToken,
  type Database,
  ensurePartitions,
  migrate,
  openDatabase,
} from '@turnlog/receiver/storage'
import { readConfig } from '../../../receiver/src/config.ts'
import { openCounters } from '../../../receiver/src/counters.ts'
import { startSampling } from '../../../receiver/src/sample.ts'
import { startPostgres } from '../../../test/support/start-postgres.ts'
import { fill } from './fill.ts'
import { expandQuery, queries } from './queries.ts'

const rowsMax = 8
const cellMax = 40
const dayMs = 86_400_000

export async function show(environment: NodeJS.ProcessEnv): Promise<void> {
  const url = readConfig(environment).databaseUrl
  if (url !== undefined) {
    const database = openDatabase(url, { connectionsMax: 1 })
    try {
      await showAll(database)
    } finally {
      await database.close()
    }
    return
  }
  await using server = await startPostgres()
  const database = openDatabase(server.url)
  try {
    await migrate(database)
    await ensurePartitions(database, new Date())
    await land(database)
    await showAll(database)
  } finally {
    await database.close()
  }
}

async function showAll(database: Database): Promise<void> {
  const range = { from: new Date(Date.now() - 7 * dayMs), to: new Date() }
  const [last] = await database.query<{ session: string }>(
    'select session_id as session from sessions order by last_record_at desc limit 1',
  )
  const session = last?.session ?? ''
  console.log(`From ${range.from.toISOString()} to ${range.to.toISOString()}, session ${session}.`)
  for (const query of queries) {
    console.log(`\n## ${query.name}`)
    const rows = await database.query(expandQuery(query, { range, session }))
    console.log(toText(rows))
  }
}

/** The rows as a table, cut after the first ones. */
function toText(rows: readonly Record<string, unknown>[]): string {
  const [first] = rows
  if (first === undefined) return '(no rows)'
  const names = Object.keys(first)
  const shown = rows.slice(0, rowsMax).map((row) => names.map((name) => cell(row[name])))
  const widths = names.map((name, column) =>
    Math.max(name.length, ...shown.map((cells) => cells[column]?.length ?? 0)),
  )
  const lines = [names, ...shown].map((cells) =>
    cells
      .map((text, column) => text.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
  if (rows.length > rowsMax) lines.push(`… ${rows.length} rows`)
  return lines.join('\n')
}

/** A missing value is a dash, not 0. */
function cell(value: unknown): string {
  if (value === null) return '–'
  if (value instanceof Date) return value.toISOString().slice(0, 19)
  const text = typeof value === 'number' ? String(Math.round(value * 1_000) / 1_000) : String(value)
  return text.length > cellMax ? `${text.slice(0, cellMax - 1)}…` : text
}

async function land(database: Database): Promise<void> {
  const counters = openCounters()
  const app = buildApp(readConfig({}), database, { counters })
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  const sampling = startSampling(database, { counters, log: console.error })
  try {
    await fill({ url, token: await createToken(database, { user: 'show', scope: 'gateway' }) })
  } finally {
    await app.close()
    await sampling.stop()
  }
  await addTableSamples(database)
  await database.query('analyze')
}
