import { expect, test } from 'vitest'
import {
  log,
  logsRequest,
  nanoseconds,
  newTraceId,
  post,
  span,
  traceRequest,
} from '../../../../test/support/otlp.ts'
import { withReceiver } from '../../../../test/support/receiver.ts'
import { toBatch } from '../../../src/otlp/rows/rows.ts'
import { decode } from '../../../src/otlp/wire/decode.ts'

const { database, receiver } = await withReceiver()

test('a service name of 1 MB is stored once, however many spans share it', async () => {
  const traceId = newTraceId()
  const spans = Array.from({ length: 100 }, () => span({}, { traceId }))
  const request = traceRequest(spans, { 'service.name': 's'.repeat(1024 ** 2) })
  expect((await post(receiver, 'traces', request)).status).toBe(200)
  const [row] = await database.query(
    `select count(*) as spans,
            sum(pg_column_size(s.*)) < 1024 * 1024 as "areSmall",
            min(octet_length(turnlog_text(team_id, turnlog_day(start_time), resource -> 'service.name'))) as bytes
       from spans s where trace_id = $1`,
    [traceId],
  )
  expect(row).toEqual({ spans: 100, areSmall: true, bytes: 1024 ** 2 })
})

test('a resource of 50 KB takes memory once, not once for each span', () => {
  const attributes = Object.fromEntries(
    Array.from({ length: 50 }, (_, n) => [`key.${n}`, 'v'.repeat(1000)]),
  )
  const spans = Array.from({ length: 10_000 }, () => span())
  const body = Buffer.from(JSON.stringify(traceRequest(spans, attributes)))
  const decoded = decode({ signal: 'traces', encoding: 'json', body })
  if (decoded.status !== 'decoded') throw new Error(decoded.status)
  const period = { now: new Date(), retentionDays: 30, purgedBefore: undefined }
  const before = process.memoryUsage().heapUsed
  const batch = toBatch(decoded.request, { period, userId: undefined })
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(200 * 1024 ** 2)
  expect(batch.items).toHaveLength(10_000)
})

test('a large attribute of a resource is read from spans of every day that share it', async () => {
  const traceId = newTraceId()
  const day = 86_400_000
  const spans = [0, 0, 1, 1].map((days) =>
    span({}, { traceId, startTimeUnixNano: nanoseconds(new Date(Date.now() - days * day)) }),
  )
  await post(receiver, 'traces', traceRequest(spans, { 'process.command': 'c'.repeat(5000) }))
  const rows = await database.query(
    `select turnlog_text(team_id, turnlog_day(start_time), resource -> 'process.command') as text
       from spans where trace_id = $1`,
    [traceId],
  )
  expect(rows).toEqual(Array(4).fill({ text: 'c'.repeat(5000) }))
})

test('a client’s map that looks like a reference is read as a map', async () => {
  const secret = 'the content of another record'.repeat(100)
  await post(receiver, 'logs', logsRequest([log({}, { body: { stringValue: secret } })]))
  const [content] = await database.query<{ hash: string }>(
    `select body ->> 'turnlog.content' as hash from log_records where body ? 'turnlog.content'`,
  )
  const message = new Map([['turnlog.content', content?.hash ?? '']])
  const traceId = newTraceId()
  const forged = log({ 'exception.message': message }, { traceId, eventName: 'exception' })
  await post(receiver, 'logs', logsRequest([forged]))
  const rows = await database.query('select message from errors where trace_id = $1', [traceId])
  expect(rows).toEqual([{ message: JSON.stringify(Object.fromEntries(message)) }])
})
