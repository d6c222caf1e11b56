/** Retention: expired days are dropped from every table, by any receiver, and nothing else is dropped. */
import { ensurePartitions } from '@turnlog/receiver/storage'
import { expect, onTestFinished, test } from 'vitest'
import {
  log,
  logsRequest,
  metricsRequest,
  nanoseconds,
  point,
  post,
  span,
  sum,
  traceRequest,
} from '../../test/support/otlp.ts'
import { type TestDatabase, withDatabase } from '../../test/support/postgres.ts'
import { startReceiver, type TestReceiver, withReceiver } from '../../test/support/receiver.ts'
import { startMaintenance } from '../src/maintain.ts'
import { readPurges } from '../src/storage/keep/audit.ts'
import { dropDays, dueBefore } from '../src/storage/keep/expire.ts'
import { partitioned } from '../src/storage/keep/partitions.ts'
import { command, run } from './support/run.ts'

const dayMilliseconds = 86_400_000
const daysAgo = (days: number) => new Date(Date.now() - days * dayMilliseconds)
const dayText = (days: number) => daysAgo(days).toISOString().slice(0, 10)

/** One span with contents, one log and one data point of that day. */
async function landDay(receiver: TestReceiver, days: number, name = `s-${days}`): Promise<void> {
  const time = nanoseconds(daysAgo(days))
  const resource = { 'service.instance.id': 'r-1', 'session.id': name }
  const messages = JSON.stringify([
    { role: 'user', parts: [{ type: 'text', content: `on ${name}` }] },
  ])
  const attributes = { 'gen_ai.operation.name': 'chat', 'gen_ai.input.messages': messages }
  const number = (n: number) => ({ 'turnlog.sequence': days * 2 + n })
  const answers = await Promise.all([
    post(
      receiver,
      'traces',
      traceRequest(
        [span({ ...attributes, ...number(1) }, { startTimeUnixNano: time, endTimeUnixNano: time })],
        resource,
      ),
    ),
    post(receiver, 'logs', logsRequest([log(number(2), { timeUnixNano: time })], resource)),
    post(receiver, 'metrics', metricsRequest([sum([point({}, { timeUnixNano: time })])], resource)),
  ])
  for (const answer of answers) expect(await answer.json()).toEqual({})
}

/** The tables that have rows in these tests. */
const tables = ['spans', 'log_records', 'metric_points', 'contents', 'message_links'] as const

/** The number of rows in each table. */
async function rowsOf(database: TestDatabase): Promise<readonly number[]> {
  const counts = tables.map((table) => `(select count(*) from ${table})`)
  const [row] = await database.query<{ rows: number[] }>(
    `select array[${counts.join(', ')}]::int[] as rows`,
  )
  return row?.rows ?? []
}

/** A maintenance that is stopped after the test, and its messages. */
async function maintain(
  database: TestDatabase,
  options: { readonly retentionDays?: number; readonly now?: () => Date } = {},
) {
  const logged: string[] = []
  const warned: string[] = []
  const maintenance = await startMaintenance(database, {
    retentionDays: 30,
    now: () => new Date(),
    log: (line) => logged.push(line),
    warn: (line) => warned.push(line),
    ...options,
  })
  onTestFinished(() => maintenance.stop())
  return { logged, warned, stop: maintenance.stop }
}

/** A receiver that accepts old records, as one with a longer retention did. */
async function startOld(database: TestDatabase): Promise<TestReceiver> {
  for (const days of [36, 29]) await ensurePartitions(database, daysAgo(days))
  return startReceiver({ database, limits: { retentionDays: 60 } })
}

test('days older than the retention are dropped from every table, and no others', async () => {
  const database = await withDatabase()
  await using receiver = await startOld(database)
  for (const days of [0, 29, 32, 40]) await landDay(receiver, days)
  expect(await rowsOf(database)).toEqual([4, 4, 4, 4, 4])
  const before = await database.query('select * from session_completeness')

  const { logged, warned } = await maintain(database)
  await expect.poll(() => rowsOf(database)).toEqual([2, 2, 2, 2, 2])
  await expect.poll(() => logged).toHaveLength(1)
  expect(logged[0]).toMatch(
    new RegExp(
      `^Expired +${dayText(43)} to ${dayText(32)}: spans 2 rows, [\\d.]+ [kM]B; log_records 2 rows`,
    ),
  )
  expect(warned).toEqual([])
  const partitions = await database.query<{ day: string }>(
    `select distinct day::text from partition_sizes where day is not null order by day limit 1`,
  )
  expect(partitions).toEqual([{ day: dayText(31) }])
  expect(await database.query('select action, actor, before::text, details from audit')).toEqual([
    {
      action: 'expire',
      actor: 'receiver',
      before: dayText(31),
      details: Object.fromEntries(
        partitioned.map(({ table }) => {
          const isFilled = tables.some((one) => one === table)
          return [table, expect.objectContaining({ rows: isFilled ? 2 : 0 })]
        }),
      ),
    },
  ])

  // Expired records had landed: the ledger, the recorder and the session remain.
  expect(await database.query('select * from session_completeness')).toEqual(before)
  expect(
    await database.query('select session_id from sessions where expired order by session_id'),
  ).toEqual([{ session_id: 's-32' }, { session_id: 's-40' }])
})

test('a record that is older than the retention is refused with the reason', async () => {
  const { receiver } = await withReceiver({ limits: { retentionDays: 5 } })
  await landDay(receiver, 5)
  const old = span({}, { startTimeUnixNano: nanoseconds(daysAgo(7)) })
  const answer = await post(receiver, 'traces', traceRequest([old, span()]))
  expect(await answer.json()).toEqual({
    partialSuccess: { rejectedSpans: '1', errorMessage: '1 × span is older than 5 days.' },
  })
})

test('rows that have no partition expire as well', async () => {
  const { database, receiver } = await withReceiver({ limits: { retentionDays: 300 } })
  for (const days of [1, 100, 101]) await landDay(receiver, days)
  const [rest] = await database.query('select count(*) as rows from spans_rest')
  expect(rest).toEqual({ rows: 2 })
  await maintain(database)
  await expect.poll(() => rowsOf(database)).toEqual([1, 1, 1, 1, 1])
})

test('a day long ago that is kept gets a partition once it has rows', async () => {
  const { database, receiver } = await withReceiver({ limits: { retentionDays: 300 } })
  await landDay(receiver, 100)
  await maintain(database, { retentionDays: 300 })
  const day = dayText(100).replaceAll('-', '')
  await expect
    .poll(() => database.query(`select to_regclass('spans_${day}') is not null as made`))
    .toEqual([{ made: true }])
  expect(await rowsOf(database)).toEqual([1, 1, 1, 1, 1])
  expect(await database.query('select count(*) as rows from spans_rest')).toEqual([{ rows: 0 }])
})

test('more than a week of days at once is announced, and dropped a day later', async () => {
  const database = await withDatabase()
  await using receiver = await startOld(database)
  for (let days = 33; days <= 41; days += 1) await landDay(receiver, days)
  const first = await maintain(database)
  await expect.poll(() => first.warned).toHaveLength(1)
  expect(first.warned[0]).toMatch(
    new RegExp(
      `^9 days with records have expired at once \\(${dayText(41)} to ${dayText(33)}\\), .* dropped in 24 h, or now by: turnlog-receiver purge --before ${dayText(31)}$`,
    ),
  )
  await first.stop()
  expect(await rowsOf(database)).toEqual([9, 9, 9, 9, 9])

  await database.query(`update expiry_state set overdue_since = now() - interval '25 hours'`)
  await maintain(database)
  await expect.poll(() => rowsOf(database)).toEqual([0, 0, 0, 0, 0])
})

test('an announced drop is cancelled once the clock is correct', async () => {
  const database = await withDatabase()
  await database.query(`update expiry_state set overdue_since = now() - interval '25 hours'`)
  const { stop } = await maintain(database)
  await expect
    .poll(() => database.query('select overdue_since from expiry_state'))
    .toEqual([{ overdue_since: null }])
  await stop()
})

test('a receiver whose clock is not the database’s drops nothing, and refuses nothing for good', async () => {
  const { database, receiver } = await withReceiver()
  await landDay(receiver, 3)
  const inAYear = () => daysAgo(-365)
  const { warned } = await maintain(database, { now: inAYear })
  await expect.poll(() => warned).toHaveLength(2)
  expect(warned[1]).toMatch(/clock says 20.*the database’s 20/)
  expect(await rowsOf(database)).toEqual([1, 1, 1, 1, 1])

  await using ahead = await startReceiver({ database, now: inAYear })
  const answer = await post(ahead, 'traces', traceRequest([span()]))
  expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '5'])
  expect(await (await fetch(`${ahead.url}/api/v1/health`)).json()).toMatchObject({
    database: 'ok',
    landing: 'TL_CLOCKS_DISAGREE',
  })
  expect((await post(receiver, 'traces', traceRequest([span()]))).status).toBe(200)
})

test('a database above its limit refuses records and can be read, and accepts records again once there is room', async () => {
  const database = await withDatabase()
  const [size] = await database.query<{ bytes: number }>(
    'select pg_database_size(current_database()) as bytes',
  )
  const limits = { databaseBytesMax: (size?.bytes ?? 0) - 1 }
  await using full = await startReceiver({ database, limits })
  for (const [signal, request] of [
    ['traces', traceRequest([span()])],
    ['logs', logsRequest([log()])],
    ['metrics', metricsRequest([sum([point()])])],
  ] as const) {
    const answer = await post(full, signal, request)
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '5'])
  }
  const ledger = await fetch(`${full.url}/api/v1/completeness?recorder=r-1`, {
    headers: { authorization: `Bearer ${full.token}` },
  })
  expect(ledger.status).toBe(200)
  const [health, ready] = await Promise.all(
    ['', '/ready'].map((path) => fetch(`${full.url}/api/v1/health${path}`)),
  )
  expect([health?.status, ready?.status]).toEqual([503, 200])
  expect(await health?.json()).toMatchObject({
    status: 'unavailable',
    database: 'ok',
    landing: 'TL_DATABASE_FULL',
  })
  await using roomy = await startReceiver({ database, limits: { databaseBytesMax: 10 ** 12 } })
  expect(await (await post(roomy, 'traces', traceRequest([span()]))).json()).toEqual({})
})

// A `drop table` that waits for a long query would block all later statements on that table.
test('a long query on the tables does not delay landing, and the day is dropped when it has ended', async () => {
  const database = await withDatabase()
  await using receiver = await startOld(database)
  await landDay(receiver, 40)
  const before = dayText(31)
  const options = {
    action: 'expire',
    actor: 'receiver',
    before,
    triesMax: 3,
    pause: async () => {
      // Records land while the drop waits or pauses.
      const answer = await post(receiver, 'traces', traceRequest([span()]))
      expect(answer.status).toBe(200)
      return true
    },
  } as const
  await database.transaction(async (reader) => {
    await reader.query('select count(*) from spans')
    const due = await dueBefore(database, before)
    const landing = Array.from({ length: 20 }, () =>
      post(receiver, 'traces', traceRequest([span()])),
    )
    const { dropped, left } = await dropDays(database, due, options)
    expect(new Set(left.map(({ target }) => target.table))).toEqual(new Set(['spans']))
    expect(Object.keys(dropped)).not.toContain('spans')
    expect(new Set((await Promise.all(landing)).map(({ status }) => status))).toEqual(
      new Set([200]),
    )
  })
  const { left } = await dropDays(database, await dueBefore(database, before), options)
  expect(left).toEqual([])
  const [row] = await database.query(
    "select min(start_time) > now() - interval '1 day' as new from spans",
  )
  expect(row).toEqual({ new: true })
})

test('the audit has the partitions that were dropped before a stop, and none that were left', async () => {
  const database = await withDatabase()
  await using receiver = await startOld(database)
  await landDay(receiver, 40)
  const before = dayText(31)
  const options = {
    action: 'expire',
    actor: 'receiver',
    before,
    triesMax: 2,
    pause: async () => false,
  } as const
  await database.transaction(async (reader) => {
    await reader.query(
      'select 1 from contents, log_records, message_links, metric_points, spans limit 1',
    )
    const { left } = await dropDays(database, await dueBefore(database, before), options)
    expect(left.length).toBeGreaterThan(0)
    expect(await database.query('select * from audit')).toEqual([])
  })
  await database.transaction(async (reader) => {
    await reader.query('select 1 from log_records limit 1')
    await dropDays(database, await dueBefore(database, before), options)
    const [row] = await database.query<{ tables: string[] }>(
      'select array(select jsonb_object_keys(details)) as tables from audit',
    )
    expect(row?.tables).toEqual(['spans'])
  })
})

test('two receivers drop each day once', async () => {
  const database = await withDatabase()
  await using receiver = await startOld(database)
  for (const days of [33, 34, 35]) await landDay(receiver, days)
  const both = await Promise.all([maintain(database), maintain(database)])
  await expect.poll(() => rowsOf(database)).toEqual([0, 0, 0, 0, 0])
  for (const { stop } of both) await stop()
  const dropped = await database.query<{ rows: number }>(
    `select sum((details #>> '{spans,rows}')::int)::int as rows from audit`,
  )
  expect(dropped).toEqual([{ rows: 3 }])
})

test('expired links and page sessions are deleted; valid ones are not', async () => {
  const database = await withDatabase()
  await database.query(`
    insert into sign_in_links (team_id, code_sha256, expires_at, used_at) values
      ('default', '\\x01', now() - interval '2 days', null),
      ('default', '\\x02', now() - interval '2 days', now() - interval '2 days'),
      ('default', '\\x03', now() + interval '1 hour', null)`)
  await database.query(`
    insert into page_sessions (team_id, cookie_sha256, expires_at) values
      ('default', '\\x01', now() - interval '1 hour'), ('default', '\\x02', now() + interval '1 day')`)
  const { stop } = await maintain(database)
  const left = `
    select (select count(*) from sign_in_links) as links, (select count(*) from page_sessions) as sessions`
  await expect.poll(() => database.query(left)).toEqual([{ links: 1, sessions: 1 }])
  await stop()
})

test('a purge lists what it would drop, drops it, and the same records are then refused', async () => {
  const { database, receiver } = await withReceiver()
  for (const days of [0, 2, 9, 10]) await landDay(receiver, days)
  const before = dayText(5)
  const purge = (...args: string[]) =>
    run([command, 'purge', ...args], { DATABASE_URL: database.url })

  const dry = await purge('--before', before, '--dry-run')
  expect(dry).toMatchObject({ code: 0, errors: '' })
  expect(dry.output).toMatch(/^TABLE +ROWS \(ABOUT\) +BYTES +DAYS\nspans +2 +\d+ +\d+\n/)
  expect(dry.output).toContain('Nothing was dropped')
  expect(await rowsOf(database)).toEqual([4, 4, 4, 4, 4])
  expect((await readPurges(database)).purgedBefore).toBeUndefined()

  expect(await purge('--before', before)).toMatchObject({ code: 0, errors: '' })
  expect(await rowsOf(database)).toEqual([2, 2, 2, 2, 2])
  expect(await database.query('select action, before::text from audit')).toEqual([
    { action: 'purge', before },
  ])
  expect(
    await database.query('select recorded, landed, missing from session_completeness'),
  ).toEqual([expect.objectContaining({ landed: 8 })])

  await using other = await startReceiver({ database })
  const again = span({}, { startTimeUnixNano: nanoseconds(daysAgo(9)) })
  const answer = await post(other, 'traces', traceRequest([again]))
  expect(await answer.json()).toEqual({
    partialSuccess: {
      rejectedSpans: '1',
      errorMessage: `1 × span is from before ${before}: all earlier days were purged.`,
    },
  })
  // Maintenance does not create partitions for those days again.
  const { stop } = await maintain(database)
  await stop()
  expect(await database.query('select min(day)::text as day from partition_sizes')).toEqual([
    { day: before },
  ])
})

test.each([
  ['no day', []],
  ['a day that is none', ['--before', '2026-02-31']],
  ['a time', ['--before', '2026-02-01T00:00']],
  ['tomorrow', ['--before', dayText(-1)]],
  ['another flag', ['--before', '2026-02-01', '--force']],
])('a purge of %s is refused in one line, and drops nothing', async (_name, args) => {
  const database = await withDatabase()
  const { code, output, errors } = await run([command, 'purge', ...args], {
    DATABASE_URL: database.url,
  })
  expect([code, output, errors.split('\n').length]).toEqual([1, '', 2])
  expect(await database.query('select * from audit')).toEqual([])
})

test.each(['0', '-1', '3651', '1.5', 'never', '30 days'])(
  'a retention of %s is refused',
  async (days) => {
    const { code, errors } = await run([command, 'token', 'list'], { TURNLOG_RETENTION_DAYS: days })
    expect(code).toBe(1)
    expect(errors).toContain(
      `TURNLOG_RETENTION_DAYS is '${days}'. Days that records are kept, 1 to 3650`,
    )
  },
)
