/**
 * Every request is answered with 200 and a result for each event, or with 400, and the counts add up. After a 500 clients
 * would drop events; after a 503 that never ends they would send for ever.
 */

import { expect, test } from 'vitest'
import { type EventAnswer, eventsOfTurn, postEvents } from '../../../test/support/plain-events.ts'
import { openRandom, type Random } from '../../../test/support/random.ts'
import { withReceiver } from '../../../test/support/receiver.ts'

const requestCount = 400

const hash = `sha256:${'ab'.repeat(32)}`
const strange: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  1e308,
  0.1 + 0.2,
  1_790_847_000_250_999,
  '',
  ' ',
  '\0',
  '\ud800',
  '\udc80x',
  'x'.repeat(3_000),
  '😀'.repeat(600),
  '{"turnlog.content":"x"}',
  [],
  [[[]]],
  {},
  { ref: hash },
  { ref: hash, size: -1 },
  { ref: 'main' },
  { base64: '/w==' },
  { base64: 7 },
  { 'turnlog.content': hash },
  { 'turnlog.messages': hash, size: 1 },
  { type: 1, message: [] },
  JSON.parse('{"__proto__":{"a":1},"constructor":null}'),
  JSON.parse('['.repeat(900) + ']'.repeat(900)),
  Date.now(),
  new Date().toISOString(),
  '2026-02-30T00:00:00Z',
]
const names = [
  ...new Set(
    Object.values(eventsOfTurn({ sessionId: 's', turnId: 't' })).flatMap((event) =>
      Object.keys(event),
    ),
  ),
  'error',
  'eventType',
  'userId',
  '__proto__',
  'a\0b',
  '\ud800',
  'n'.repeat(1_000),
]

function randomBody(random: Random, index: number): Buffer {
  const events = Object.values(eventsOfTurn({ sessionId: `s-${index}`, turnId: 't' })).map(
    (event) => {
      const members = new Map<string, unknown>(Object.entries(event))
      for (let count = random.below(4); count > 0; count -= 1) {
        const name = random.pick(names)
        if (random.next() < 0.2) members.delete(name)
        else members.set(name, random.pick(strange))
      }
      const changed = Object.fromEntries(members)
      return random.next() < 0.05 ? random.pick(strange) : changed
    },
  )
  const body = Buffer.from(JSON.stringify(events))
  // In half of them bytes are damaged too.
  for (let count = random.pick([0, 0, 1, 3]); count > 0; count -= 1) {
    body[random.below(body.length)] = random.below(256)
  }
  return body
}

test('every request is answered, and the counts add up', async () => {
  const seed = Number(process.env.TURNLOG_TEST_SEED ?? Date.now() % 1e9)
  const random = openRandom(seed)
  const { database, receiver } = await withReceiver()
  const sums = { received: 0, landed: 0, duplicate: 0, rejected: 0 }
  for (let index = 0; index < requestCount; index += 1) {
    const body = randomBody(random, index)
    const answer = await postEvents(receiver, body)
    const text = await answer.text()
    const story = `seed ${seed}, request ${index}: ${text.slice(0, 300)}`
    expect([200, 400], story).toContain(answer.status)
    if (answer.status === 400) continue
    const { results, ...counts }: EventAnswer = JSON.parse(text)
    expect(results.length, story).toBe(counts.received)
    expect(counts.landed + counts.duplicate + counts.rejected, story).toBe(counts.received)
    // A value that only the database refuses would be a bug of the reader.
    expect(text, story).not.toMatch(/the database refuses|cannot be read|was not landed/)
    for (const name of ['received', 'landed', 'duplicate', 'rejected'] as const)
      sums[name] += counts[name]
  }
  const health = await (await fetch(`${receiver.url}/api/v1/health`)).json()
  expect(health).toMatchObject({ records: sums })
  const [rows] = await database.query<{ count: number }>(
    'select (select count(*) from spans) + (select count(*) from log_records) as count',
  )
  expect(rows?.count).toBe(sums.landed)
  // The views can read all rows.
  for (const view of [
    'sessions',
    'turns',
    'tool_calls',
    'file_operations',
    'change_decisions',
    'errors',
  ]) {
    await database.query(`select * from ${view}`)
  }
})
