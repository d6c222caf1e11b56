/** Every query of every dashboard, as Grafana sends it, with Grafana's database role, on a filled database. */
import { randomBytes } from 'node:crypto'
import {
  addTableSamples,
  createReportingRole,
  createToken,
  dropReportingRole,
} from '@turnlog/receiver/storage'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { log, logsRequest, nanoseconds, post, span, traceRequest } from '../../test/support/otlp.ts'
import { cloneDatabase, type TestDatabase } from '../../test/support/postgres.ts'
import { startReceiverProcess } from '../../test/support/receiver.ts'
import { type Filled, fill } from './support/fill.ts'

import { partitionsRead } from './support/partitions-read.ts'
import { expandQuery, type Query, queries } from './support/queries.ts'
import { spread } from './support/spread.ts'

const role = { name: `reports_${randomBytes(4).toString('hex')}`, password: 'reads' }
let database: TestDatabase
let filled: Filled
let grafana: pg.Client
/** Partitions of ordinary size: PostgreSQL may read a partition with a few rows in any way. */
let full: ReadonlySet<string>

beforeAll(async () => {
  database = await cloneDatabase()
  const receiver = await startReceiverProcess({ database })
  const token = await createToken(database, { user: 'collector', scope: 'gateway' })
  filled = await fill({ url: receiver.url, token })
  // The receiver writes its counts when it ends.
  await receiver.kill('SIGTERM')
  await addTableSamples(database)
  await spread(database)
  const partitions = await database.query<{ name: string }>(`
    select partition_name as name from partition_sizes where rows_estimate > 500`)
  full = new Set(partitions.map(({ name }) => name))
  await createReportingRole(database, role)
  const url = new URL(database.url)
  url.username = role.name
  url.password = role.password
  grafana = new pg.Client({ connectionString: url.href })
  await grafana.connect()
})
afterAll(async () => {
  await grafana.end()
  await dropReportingRole(database, role)
  await database[Symbol.asyncDispose]()
})

async function run(query: Query, choice: Partial<Filled> = {}) {
  const { session, range } = filled
  return grafana.query(expandQuery(query, { session, range, ...choice }))
}

/** Types that Grafana reads as numbers, texts, times and flags; it would show an interval or a range in raw form. */
const types: ReadonlyMap<number, 'number' | 'text' | 'time' | 'flag'> = new Map([
  [16, 'flag'],
  [20, 'number'],
  [23, 'number'],
  [25, 'text'],
  [701, 'number'],
  [1184, 'time'],
  [1700, 'number'],
])

describe.each(queries.map((query) => [query.name, query] as const))('%s', (_, query) => {
  test('returns rows of types that Grafana can show', async () => {
    const { rows, fields } = await run(query)
    expect(rows.length).toBeGreaterThan(0)
    const columns = fields.map(({ name, dataTypeID }) => ({ name, type: types.get(dataTypeID) }))
    for (const { name, type } of columns) expect(type, name).toBeDefined()
    expect(new Set(columns.map(({ name }) => name)).size).toBe(columns.length)
    if (query.kind === 'variable') checkVariable(columns)
    if (query.kind === 'time_series') checkSeries(columns, rows)
    // The database contains something of everything, so an empty panel would show that its query is wrong.
    for (const { name } of columns) {
      expect(
        rows.some((row) => row[name] !== null),
        `'${name}' is never there`,
      ).toBe(true)
    }
    checkUnits(query, columns)
  })

  test('reads the requested days, and others only by key', async () => {
    const day = (daysAgo: number) => new Date(Date.now() - daysAgo * 86_400_000)
    const range = { from: day(20), to: day(16) }
    const text = expandQuery(query, { session: filled.session, range })
    const { rows } = await grafana.query(`explain (format json) ${text}`)
    const [first, last] = [day(21), range.to].map((date) => date.toISOString().slice(0, 10))
    const others = partitionsRead(rows[0]?.['QUERY PLAN'])
      .filter(({ partition, isByKey }) => !isByKey && full.has(partition))
      .filter(({ table, day: read = '' }) => {
        if (first === undefined || last === undefined) return true
        // A decision may come at any time after its operation.
        return read < first || (read > last && table !== 'log_records')
      })
    expect(others).toEqual([])
  })
})

interface ColumnType {
  readonly name: string
  readonly type: 'number' | 'text' | 'time' | 'flag' | undefined
}

function checkVariable(columns: readonly ColumnType[]): void {
  const names = columns.map(({ name }) => name)
  if (names.length > 1) expect(names).toEqual(['__value', '__text'])
  for (const { type } of columns) expect(type).toBe('text')
}

/** A column `time`, in order; at most one text column, `metric`, together with exactly one number. */
function checkSeries(
  columns: readonly ColumnType[],
  rows: readonly Record<string, unknown>[],
): void {
  const [time, ...others] = columns
  expect(time?.name).toBe('time')
  expect(time?.type).toMatch(/^(time|number)$/)
  const times = rows.map((row) => Number(row.time))
  expect(times).toEqual(times.toSorted((left, right) => left - right))
  const texts = others.filter(({ type }) => type === 'text')
  const numbers = others.filter(({ type }) => type === 'number')
  expect(texts.length + numbers.length).toBe(others.length)
  if (texts.length === 0) {
    expect(numbers.length).toBeGreaterThan(0)
    return
  }
  expect([texts.map(({ name }) => name), numbers.length]).toEqual([['metric'], 1])
  for (const row of rows) expect(row.metric).not.toBeNull()
}

/** Each number and time of a table has a unit, and each column that a panel names exists. */
function checkUnits({ kind, panel }: Query, columns: readonly ColumnType[]): void {
  if (panel === undefined) return
  const overrides = panel.fieldConfig?.overrides ?? []
  const names = columns.map(({ name }) => name)
  for (const { matcher } of overrides) expect(names).toContain(matcher.options)
  const linked = JSON.stringify(overrides).matchAll(/__data\.fields\[\\+"([^"\\]+)\\+"\]/g)
  for (const [, name] of linked) expect(names).toContain(name)
  if (kind !== 'table' || panel.type !== 'table') return
  const withUnit = overrides
    .filter(({ properties }) => properties.some(({ id }) => id === 'unit'))
    .map(({ matcher }) => matcher.options)
  const needing = columns.filter(({ type }) => type === 'number' || type === 'time')
  expect(needing.map(({ name }) => name).filter((name) => !withUnit.includes(name))).toEqual([])
}

test('the role can read every view, including contents that functions fetch', async () => {
  const { rows } = await grafana.query(
    `select viewname as name from pg_views where schemaname = current_schema()`,
  )
  for (const { name } of rows) {
    await expect(grafana.query(`select * from ${name} limit 20`), name).resolves.toBeDefined()
  }
  const content = await grafana.query(
    `select (select bool_and(prompt is not null and answer is not null) from turns
              where session_id = $1) as turns,
            (select bool_and(after is not null and diff is not null) from file_operations
              where session_id = $1) as files`,
    [filled.session],
  )
  expect(content.rows).toEqual([{ turns: true, files: true }])
})

test('a choice of users and models selects their rows, whatever characters their names contain', async () => {
  const find = (name: string) => queries.find((query) => query.name === name)
  const users = find('turnlog-overview: Users')
  const models = find('turnlog-overview: Models')
  if (users === undefined || models === undefined) throw new Error('The panels have other names.')
  const oneUser = await run(users, { users: ["o'hara"], models: ['gpt-6'] })
  expect(oneUser.rows.map(({ user }) => user)).toEqual(["o'hara"])
  const oneModel = await run(models, { users: ["o'hara", 'mara'], models: ['gpt-6'] })
  expect(oneModel.rows.map(({ model }) => model)).toEqual(['gpt-6'])
  const none = await run(users, { users: ['nobody; drop table spans --'], models: ['x'] })
  expect(none.rows).toEqual([])
})

test('without rows nothing fails, and unknown values are no data, not 0', async () => {
  const range = { from: new Date('2020-01-01'), to: new Date('2020-01-02') }
  for (const query of queries) {
    const { rows, fields } = await run(query, { range, session: 'nobody’s' })
    if (query.panel?.type !== 'stat') continue
    const unit = query.panel.fieldConfig?.defaults.unit
    for (const row of unit === 's' || unit === 'percentunit' ? rows : []) {
      expect(Object.values(row), query.name).toEqual(fields.map(() => null))
    }
  }
})

test('the accounts balance, and undecided operations are in no rate', async () => {
  const row = async (name: string): Promise<Record<string, number>> => {
    const query = queries.find((each) => each.name === name)
    if (query === undefined) throw new Error(`There is no '${name}'.`)
    return (await run(query)).rows[0]
  }
  expect(await row('turnlog-completeness: Unaccounted')).toEqual({ unaccounted: 0 })
  expect(await row('turnlog-receiver: Unaccounted')).toEqual({ unaccounted: 0 })
  const { recorded = 0, landed = 0 } = await row('turnlog-completeness: Records')
  const { missing = 0 } = await row('turnlog-completeness: Missing')
  const { rejected = 0, dropped = 0 } = await row('turnlog-completeness: Rejected · dropped')
  expect(recorded).toBe(landed + rejected + dropped + missing)
  expect(Math.min(landed, rejected, dropped, missing)).toBeGreaterThan(0)

  const decided = await row('turnlog-changes: Last decision of each operation')
  const { operations } = await row('turnlog-changes: File operations · files')
  const sum = Object.values(decided).reduce((total, count) => total + Number(count), 0)
  expect(sum).toBe(Number(operations))
  const { accepted, rejected: refused, reverted, undecided } = decided
  expect(Number(undecided)).toBeGreaterThan(0)
  const users = queries.find(({ name }) => name === 'turnlog-changes: Users')
  if (users === undefined) throw new Error('The panel has another name.')
  for (const each of (await run(users)).rows) {
    const all = Number(each.accepted) + Number(each.rejected) + Number(each.reverted)
    expect(each['accepted, of those decided']).toBeCloseTo(Number(each.accepted) / all)
  }
  expect(Number(accepted) + Number(refused) + Number(reverted)).toBeGreaterThan(0)
})

/** Huge numbers, times that run backwards: no client's records may break a panel for everybody. */
test('no query fails on records of a hostile client', async () => {
  const most = 9_223_372_036_854_775_807n
  await using receiver = await startReceiverProcess({ database })
  const attributes = {
    'gen_ai.operation.name': 'chat',
    'gen_ai.request.model': "x'; \\",
    'gen_ai.usage.input_tokens': most,
    'gen_ai.usage.cache_read.input_tokens': -most,
    'gen_ai.usage.output_tokens': most,
    'gen_ai.response.time_to_first_chunk': 1e300,
    'turnlog.file_operation.id': 'x',
    'turnlog.file_operation.type': 'edit',
    'turnlog.file_operation.lines_added': most,
    'turnlog.file_operation.lines_removed': -most,
    'turnlog.sequence': most,
  }
  const backwards = {
    startTimeUnixNano: nanoseconds(),
    endTimeUnixNano: nanoseconds(new Date(Date.now() - 86_400_000)),
  }
  const drop = {
    'turnlog.drop.first_sequence': -most,
    'turnlog.drop.last_sequence': most,
    'turnlog.decision.type': 'accept',
    'turnlog.decision.source': 'user',
    'turnlog.decision.elapsed': -1e300,
  }
  const resource = { 'service.instance.id': 'hostile', 'session.id': "'\\", 'user.id': "'" }
  const operations = ['chat', 'invoke_agent', 'execute_tool']
  const spans = operations.map((name) =>
    span({ ...attributes, 'gen_ai.operation.name': name }, backwards),
  )
  const events = ['turnlog.records.dropped', 'turnlog.change.decision', 'exception']
  const logs = events.map((eventName) => log(drop, { eventName }))
  for (const answer of [
    await post(receiver, 'traces', traceRequest(spans, resource)),
    await post(receiver, 'logs', logsRequest(logs, resource)),
  ]) {
    expect([answer.status, await answer.json()]).toEqual([200, {}])
  }
  const range = { from: filled.range.from, to: new Date(Date.now() + 60_000) }
  for (const query of queries) {
    await expect(run(query, { range }), query.name).resolves.toBeDefined()
    const theirs = { range, session: "'\\", users: ["'"] }
    await expect(run(query, theirs), query.name).resolves.toBeDefined()
  }
})
