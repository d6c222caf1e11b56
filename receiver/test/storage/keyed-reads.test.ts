/**
 * A new partition has no statistics: the planner assumes that it is almost empty, and may read all of it for every part of a
 * trace, which remains unnoticed until a trace is large. These tests count the rows that were read.
 */
import { createHash } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { newTraceId } from '../../../test/support/otlp.ts'
import { cloneDatabase, type TestDatabase } from '../../../test/support/postgres.ts'
import type { Client, Reader } from '../../src/storage/database.ts'
import { keyOf, landContents } from '../../src/storage/land/contents.ts'
import { contentsByHash } from '../../src/storage/queries/contents-by-hash.ts'
import { messageLinks } from '../../src/storage/queries/message-links.ts'
import { spanKeysOfTrace } from '../../src/storage/queries/span-keys-of-trace.ts'
import { spansByKey } from '../../src/storage/queries/spans-by-key.ts'

const teamId = 'default'
const traceId = newTraceId()
const now = new Date()
const day = now.toISOString().slice(0, 10)
const rows = 20_000
const wanted = Array.from({ length: 50 }, (_, index) => hashOf(String(index * 100 + 1)))
const withinMs = 60_000

let database: TestDatabase
beforeAll(async () => {
  database = await cloneDatabase()
  // All spans have one start, so their times do not help to find them.
  await database.query(
    `insert into spans (team_id, trace_id, span_id, start_time, start_unix_nano, flags, name, kind,
                        status_code, abandoned, attributes, resource, scope)
     select $1, $2, lpad(to_hex(n), 16, '0'), $3, $4, 0, 'work', 1, 0, false, '{}', '{}', '{}'
       from generate_series(1, $5::int) n`,
    [teamId, traceId, now, `${now.getTime()}000000`, rows],
  )
  await database.query(
    `insert into contents (team_id, day, sha256, body, size)
     select $1, $2, sha256(n::text::bytea), n, length(n::text) from generate_series(1, $3::int) n`,
    [teamId, day, rows],
  )
  // Lists of two messages each.
  await database.query(
    `insert into message_links (team_id, day, sha256, previous, message, position)
     select $1, $2, sha256(n::text::bytea),
            case when n % 2 = 1 then sha256((n + 1)::text::bytea) end,
            sha256(n::text::bytea), n % 2
       from generate_series(1, $3::int) n`,
    [teamId, day, rows],
  )
})
afterAll(() => database[Symbol.asyncDispose]())

function hashOf(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

/** The result of `work`, and how many rows it read. */
async function touching<Result>(
  work: (client: Client & Reader) => Promise<Result>,
): Promise<{ result: Result; touched: number }> {
  return database.transaction(async (client) => {
    const before = await touchedThrough(client)
    const result = await work({
      ...client,
      read: (text, parameters) => client.query(text, parameters),
    })
    return { result, touched: (await touchedThrough(client)) - before }
  })
}

/** Rows read by this connection since it last reported its statistics, which it does between transactions. */
async function touchedThrough(client: Client): Promise<number> {
  const [row] = await client.query<{ touched: number }>(
    `select sum(seq_tup_read + coalesce(idx_tup_fetch, 0))::int as touched
       from pg_stat_xact_user_tables
      where relname ~ '^(spans|contents|message_links)_'`,
  )
  return row?.touched ?? Number.NaN
}

test('a part of a trace is read by its keys', async () => {
  const keys = await spanKeysOfTrace(database, {
    teamId,
    traceId,
    order: 'time',
    rowsMax: 50,
    withinMs,
  })
  const { result, touched } = await touching((client) =>
    spansByKey(client, { teamId, traceId, keys, withinMs }),
  )
  expect(result.map(({ spanId }) => spanId)).toEqual(keys.map(({ spanId }) => spanId))
  expect(touched).toBe(50)
})

test('contents are read by their hashes', async () => {
  const hashes = wanted.map((hash) => hash.toString('hex'))
  const { result, touched } = await touching((client) =>
    contentsByHash(client, {
      ...{ teamId, day, hashes, withinMs },
      ...{ sizeMax: 100, beginningLength: 100 },
    }),
  )
  expect(new Set(result.map(({ sha256 }) => sha256))).toEqual(new Set(hashes))
  expect(touched).toBe(50)
})

test('lists of messages are read by their links, and a message by its hash', async () => {
  const lists = wanted.map((hash) => hash.toString('hex'))
  const { result, touched } = await touching((client) =>
    messageLinks(client, { teamId, day, lists, withinMs }),
  )
  expect(result).toHaveLength(100)
  expect(touched).toBe(200)
})

test('contents that land again are found by their hashes', async () => {
  const content = (sha256: Buffer) => ({ day, sha256, body: 'x', bytes: null, size: 1 })
  const link = (sha256: Buffer) => ({ day, sha256, previous: null, message: sha256, position: 0 })
  const contents = new Map(wanted.map((hash) => [keyOf({ day, sha256: hash }), content(hash)]))
  const links = new Map(wanted.map((hash) => [keyOf({ day, sha256: hash }), link(hash)]))
  const { result, touched } = await touching((client) =>
    landContents(client, {
      teamId,
      batch: { contents, links },
      keys: new Set(contents.keys()),
    }),
  )
  expect(result.size).toBe(0)
  // Fewer where an index-only scan suffices.
  expect(touched).toBeLessThanOrEqual(100)
})
