/** The stored value shows the type with which it was sent, even when values of two types have the same text. */
import { expect, test } from 'vitest'
import { newSpanId, newTraceId, post, span, traceRequest } from '../../../test/support/otlp.ts'
import { withDatabase } from '../../../test/support/postgres.ts'
import { startReceiver } from '../../../test/support/receiver.ts'

const database = await withDatabase()

async function land(overrides: Readonly<Record<string, unknown>>) {
  await database.query('truncate spans')
  await using receiver = await startReceiver({ database })
  const answer = await post(receiver, 'traces', traceRequest([span({}, overrides)]))
  expect(await answer.json()).toEqual({})
}

async function storedAttribute(value: unknown): Promise<unknown> {
  await land({ attributes: [{ key: 'k', value }] })
  const [row] = await database.query<{ text: string }>(
    `select attributes ->> 'k' as text from spans`,
  )
  return row?.text
}

test.each([
  ['an integer', { intValue: '1' }, '1'],
  ['an integer beyond 2^53', { intValue: '9007199254740993' }, '9007199254740993'],
  ['a double without fraction', { doubleValue: 1 }, '1.0'],
  ['a large double without fraction', { doubleValue: 1e21 }, '1000000000000000000000.0'],
  ['a small double', { doubleValue: 1e-7 }, '0.0000001'],
  ['text that looks like a number', { stringValue: '1' }, '1'],
])('%s is stored with its type', async (_name, value, text) => {
  expect(await storedAttribute(value)).toBe(text)
})

const list = { arrayValue: { values: [{ stringValue: 'x'.repeat(2_000) }, { doubleValue: 2 }] } }

test.each([
  ['bytes that are text', { bytesValue: 'AQID' }, { size: 3, type: 'bytes' }],
  ['bytes that are no text', { bytesValue: '/w==' }, { size: 1, bytes: true, type: 'bytes' }],
  ['a long string', { stringValue: 'x'.repeat(2_000) }, { size: 2_000 }],
  ['text with NUL', { stringValue: 'a\0b' }, { size: 3, bytes: true }],
  ['a long list', list, { size: 2_008, type: 'json' }],
])('%s is stored as a content, and its reference has its type', async (_name, value, expected) => {
  const { 'turnlog.content': hash, ...rest } = JSON.parse(String(await storedAttribute(value)))
  expect(hash).toMatch(/^sha256:/)
  expect(rest).toEqual(expected)
})

test('links and events keep their state, their flags and their dropped counts', async () => {
  const link = { traceId: newTraceId(), spanId: newSpanId(), traceState: 'vendor=1', flags: 257 }
  const event = { timeUnixNano: '5', name: 'e', droppedAttributesCount: 3 }
  await land({ links: [{ ...link, droppedAttributesCount: 2 }], events: [event] })
  expect(await database.query('select links, events from spans')).toEqual([
    {
      links: [
        {
          trace_id: link.traceId,
          span_id: link.spanId,
          trace_state: 'vendor=1',
          flags: 257,
          dropped_attributes: 2,
          attributes: {},
        },
      ],
      events: [{ time_unix_nano: 5, name: 'e', attributes: {}, dropped_attributes: 3 }],
    },
  ])
})
