import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { ReadableStream } from 'node:stream/web'
import { deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { expect, test } from 'vitest'
import {
  type Attributes,
  log,
  logsRequest,
  nanoseconds,
  newTraceId,
  post,
  span,
  traceRequest,
} from '../../../test/support/otlp.ts'
import { startReceiver, withReceiver } from '../../../test/support/receiver.ts'
import type { Counts } from '../../src/counters.ts'
import { messageType } from '../../src/otlp/wire/protobuf-schema.ts'

const { database, receiver } = await withReceiver()

const protobuf = { 'content-type': 'application/x-protobuf' }

async function names(traceId: string): Promise<string[]> {
  const rows = await database.query<{ name: string }>(
    'select name from spans where trace_id = $1 order by name',
    [traceId],
  )
  return rows.map(({ name }) => name)
}

test('success is an empty answer in the request’s encoding', async () => {
  const json = await post(receiver, 'traces', traceRequest([span()]))
  expect([json.status, json.headers.get('content-type'), await json.text()]).toEqual([
    200,
    'application/json',
    '{}',
  ])
  const binary = await post(receiver, 'traces', new Uint8Array(), protobuf)
  expect([binary.status, binary.headers.get('content-type'), await binary.text()]).toEqual([
    200,
    'application/x-protobuf',
    '',
  ])
})

test('an answer after the commit has the ledger’s header, a refusal does not', async () => {
  const good = await post(receiver, 'traces', traceRequest([span()]))
  expect(good.headers.get('turnlog-ledger')).toBe('committed')
  const partial = await post(receiver, 'traces', traceRequest([span({}, { spanId: '00' })]))
  expect([partial.status, partial.headers.get('turnlog-ledger')]).toEqual([200, 'committed'])
  const bad = await post(receiver, 'traces', 'garbage')
  expect([bad.status, bad.headers.get('turnlog-ledger')]).toEqual([400, null])
})

test.each([
  ['an empty JSON body', ''],
  ['an empty JSON request', '{}'],
  ['a request without resources', '{"resourceSpans":[]}'],
  ['a request of nulls', '{"resourceSpans":null}'],
  ['unknown members', '{"future":[{"x":1}]}'],
])('%s is 200', async (_name, body) => {
  const answer = await post(receiver, 'traces', body)
  expect([answer.status, await answer.text()]).toEqual([200, '{}'])
})

test.each([
  ['text', 'garbage'],
  ['half of a request', '{"resourceSpans":[{'],
  ['an array', '[]'],
  ['a number', '5'],
  ['a list that is none', '{"resourceSpans":{}}'],
  ['a resource that is none', '{"resourceSpans":[5]}'],
  ['logs', '{"resourceLogs":[{"scopeLogs":[]}]}'],
  ['metrics', '{"resourceMetrics":[{"scopeMetrics":[]}]}'],
])('%s at /v1/traces is 400', async (_name, body) => {
  const answer = await post(receiver, 'traces', body)
  expect(answer.status).toBe(400)
  expect(await answer.json()).toMatchObject({ code: 3 })
})

test.each([
  ['garbage', Buffer.from('garbage')],
  ['a field that is longer than the body', Buffer.from([0x0a, 0x7f, 0x01])],
  ['a varint without an end', Buffer.from([0x98, ...Array(12).fill(0x80), 0x01])],
  ['a known field of another wire type', Buffer.from([0x08, 0x01])],
  ['field number zero', Buffer.from([0x02, 0x00])],
  ['JSON', Buffer.from('{"resourceSpans":[]}')],
])('%s as protobuf is 400 with a protobuf status', async (_name, body) => {
  const answer = await post(receiver, 'traces', body, protobuf)
  expect([answer.status, answer.headers.get('content-type')]).toEqual([
    400,
    'application/x-protobuf',
  ])
  const status = messageType('Status').decode(new Uint8Array(await answer.arrayBuffer()))
  expect(status.toJSON()).toMatchObject({ code: 3 })
})

test('the answer is 401 without a token, 403 with one of another scope, and the body is not read', async () => {
  const request = traceRequest([span()])
  const none = await post({ url: receiver.url, token: '' }, 'traces', request)
  expect([none.status, none.headers.get('www-authenticate')]).toEqual([
    401,
    'Bearer realm="turnlog"',
  ])
  expect(await none.json()).toMatchObject({ code: 16 })
  const wrong = await post({ url: receiver.url, token: `${receiver.token}x` }, 'traces', request)
  expect(wrong.status).toBe(401)
  const basic = await post(receiver, 'traces', request, { authorization: 'Basic bWFyYTpt' })
  expect(basic.status).toBe(401)
  const read = await receiver.newToken({ scope: 'read' })
  const forbidden = await post({ url: receiver.url, token: read }, 'traces', request, protobuf)
  expect([forbidden.status, forbidden.headers.get('content-type')]).toEqual([
    403,
    'application/x-protobuf',
  ])
})

test('a gateway names its users; with an ingest token the user is the token’s', async () => {
  const gateway = { url: receiver.url, token: await receiver.newToken({ scope: 'gateway' }) }
  const landedUser = async (to: { url: string; token: string }) => {
    const request = traceRequest([span({ 'user.id': 'nils' })], { 'user.id': 'nils' })
    expect((await post(to, 'traces', request)).status).toBe(200)
    const [row] = await database.query<{ user_id: string }>(
      'select user_id from spans order by landed_at desc limit 1',
    )
    return row?.user_id
  }
  expect(await landedUser(gateway)).toBe('nils')
  expect(await landedUser(receiver)).toBe('mara')
})

test.each([
  ['text/plain', { 'content-type': 'text/plain' }],
  ['an unknown encoding', { 'content-encoding': 'br' }],
  ['two encodings', { 'content-encoding': 'gzip, gzip' }],
])('%s is 415', async (_name, headers) => {
  expect((await post(receiver, 'traces', '{}', headers)).status).toBe(415)
})

test.each([
  ['gzip', gzipSync],
  ['zstd', zstdCompressSync],
  ['deflate', deflateSync],
])('%s is decompressed', async (encoding, compress) => {
  const traceId = newTraceId()
  const body = compress(JSON.stringify(traceRequest([span({}, { traceId, name: encoding })])))
  const answer = await post(receiver, 'traces', body, {
    'content-encoding': encoding,
    'content-type': 'application/json; charset=utf-8',
  })
  expect(answer.status).toBe(200)
  expect(await names(traceId)).toEqual([encoding])
})

test('broken, cut and mislabelled gzip is 400', async () => {
  const whole = gzipSync(JSON.stringify(traceRequest([span()])))
  const flipped = Buffer.from(whole)
  flipped.writeUInt8(flipped.readUInt8(40) ^ 0xff, 40)
  for (const body of [whole.subarray(0, -10), flipped, Buffer.from('{}')]) {
    const answer = await post(receiver, 'traces', body, { 'content-encoding': 'gzip' })
    expect(answer.status).toBe(400)
  }
})

test('an empty body is 200 with any content encoding', async () => {
  const answer = await post(receiver, 'traces', '', { 'content-encoding': 'gzip' })
  expect(answer.status).toBe(200)
})

test('a body above the limit is 413, also when only its decompressed size is above, and the next request is served', async () => {
  await using small = await startReceiver({ database, limits: { bodyBytesMax: 1024 * 1024 } })
  const exact = Buffer.alloc(1024 * 1024, ' ')
  exact.write('{}')
  expect((await post(small, 'traces', exact)).status).toBe(200)
  expect((await post(small, 'traces', Buffer.concat([exact, Buffer.from(' ')]))).status).toBe(413)
  const bomb = gzipSync(Buffer.alloc(200 * 1024 ** 2))
  expect((await post(small, 'traces', bomb, { 'content-encoding': 'gzip' })).status).toBe(413)
  expect((await post(small, 'traces', '{}')).status).toBe(200)
})

test('bodies that do not fit into memory at once are 503 with Retry-After, and land later', async () => {
  await using small = await startReceiver({ database, limits: { memoryBytesMax: 3 * 1024 ** 2 } })
  const body = JSON.stringify(traceRequest([span({ x: 'y'.repeat(1024 ** 2) })]))
  const answers = await Promise.all(Array.from({ length: 12 }, () => post(small, 'traces', body)))
  const statuses = new Set(answers.map(({ status }) => status))
  expect([...statuses].filter((status) => status !== 200 && status !== 503)).toEqual([])
  const busy = answers.find(({ status }) => status === 503)
  if (busy) expect(busy.headers.get('retry-after')).toBe('1')
  expect((await post(small, 'traces', body)).status).toBe(200)
})

test('a chunked body without a length lands', async () => {
  const traceId = newTraceId()
  const text = JSON.stringify(traceRequest([span({}, { traceId, name: 'chunked' })]))
  const answer = await fetch(`${receiver.url}/v1/traces`, {
    method: 'POST',
    headers: { authorization: `Bearer ${receiver.token}`, 'content-type': 'application/json' },
    body: ReadableStream.from([...text].map((character) => Buffer.from(character))),
    duplex: 'half',
  } as unknown as RequestInit)
  expect(answer.status).toBe(200)
  expect(await names(traceId)).toEqual(['chunked'])
})

test('when a client leaves in the middle of its body, nothing lands and other clients are served', async () => {
  const socket = connect(Number(new URL(receiver.url).port), '127.0.0.1')
  await once(socket, 'connect')
  socket.write(
    `POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${receiver.token}\r\n` +
      'Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"resourceSpans":',
  )
  socket.destroy()
  expect((await post(receiver, 'traces', '{}')).status).toBe(200)
})

test('other methods are 405 with the allowed one', async () => {
  for (const method of ['GET', 'PUT', 'DELETE', 'HEAD']) {
    const answer = await fetch(`${receiver.url}/v1/logs`, { method })
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'POST'])
  }
})

const day = 86_400_000
const at = (offset: number) => nanoseconds(new Date(Date.now() + offset))

test.each<[string, Record<string, unknown>]>([
  ['no trace id', { traceId: '' }],
  ['a trace id of zeros', { traceId: '0'.repeat(32) }],
  ['a short trace id', { traceId: 'ab' }],
  ['a trace id that is no hex', { traceId: 'z'.repeat(32) }],
  ['no span id', { spanId: undefined }],
  ['a span id of zeros', { spanId: '0'.repeat(16) }],
  ['a span id of 16 bytes', { spanId: 'a'.repeat(32) }],
  ['a parent id that is none', { parentSpanId: 'abc' }],
  ['no start', { startTimeUnixNano: '0' }],
  ['a negative start', { startTimeUnixNano: '-5' }],
  ['a start that overflows', { startTimeUnixNano: '99999999999999999999' }],
  ['a start that is no number', { startTimeUnixNano: 'yesterday' }],
  ['a start too long ago', { startTimeUnixNano: at(-32 * day) }],
  ['a start too far ahead', { startTimeUnixNano: at(3 * day) }],
  ['an end too far ahead', { endTimeUnixNano: at(3 * day) }],
  ['attributes that are no list', { attributes: {} }],
  ['an attribute without a key', { attributes: [{ key: 5, value: { stringValue: 'x' } }] }],
  ['an integer that is none', { attributes: [{ key: 'a', value: { intValue: 'x' } }] }],
  [
    'an integer beyond 64 bits',
    { attributes: [{ key: 'a', value: { intValue: '9223372036854775808' } }] },
  ],
  ['a name that is no text', { name: { a: 1 } }],
])('a span with %s is rejected alone', async (_name, overrides) => {
  const traceId = newTraceId()
  const answer = await post(
    receiver,
    'traces',
    traceRequest([
      span({}, { traceId, name: 'first' }),
      { ...span({}, { traceId, name: 'bad' }), ...overrides },
      span({}, { traceId, name: 'last' }),
    ]),
  )
  expect(answer.status).toBe(200)
  expect(await answer.json()).toMatchObject({ partialSuccess: { rejectedSpans: '1' } })
  expect(await names(traceId)).toEqual(['first', 'last'])
})

test.each<[string, unknown]>([
  ['null', null],
  ['a number', 5],
  ['a text', 'span'],
  ['a list', []],
])('%s in the place of a span is rejected alone', async (_name, value) => {
  const traceId = newTraceId()
  const answer = await post(receiver, 'traces', traceRequest([value, span({}, { traceId })]))
  expect(await answer.json()).toMatchObject({ partialSuccess: { rejectedSpans: '1' } })
  expect(await names(traceId)).toEqual(['span'])
})

test.each<[string, Record<string, unknown>]>([
  ['upper case ids', { parentSpanId: 'ABCDEF0123456789' }],
  ['a parent of zeros', { parentSpanId: '0'.repeat(16) }],
  ['times as numbers', { startTimeUnixNano: Number(at(0)), endTimeUnixNano: null }],
  ['a start 30 days ago', { startTimeUnixNano: at(-30 * day), endTimeUnixNano: '0' }],
  ['an end before its start', { endTimeUnixNano: at(-day) }],
  ['enums by name', { kind: 'SPAN_KIND_CLIENT', status: { code: 'STATUS_CODE_ERROR' } }],
  ['enums nobody has named', { kind: 99, status: { code: 77 } }],
  ['nulls', { attributes: null, events: null, links: null, status: null, traceState: null }],
  ['members of the future', { future: { deep: [1] } }],
  ['a name of 1 MB', { name: 'n'.repeat(1024 ** 2) }],
])('a span with %s lands', async (_name, overrides) => {
  const spanOfTest = { ...span({}, { traceId: newTraceId().toUpperCase() }), ...overrides }
  const answer = await post(receiver, 'traces', traceRequest([spanOfTest]))
  expect(await answer.json()).toEqual({})
  expect(await names(String(spanOfTest.traceId).toLowerCase())).toHaveLength(1)
})

function nested(depth: number): string {
  return `${'{"arrayValue":{"values":['.repeat(depth)}{"intValue":1}${']}}'.repeat(depth)}`
}

test.each<[string, string]>([
  [
    '10 000 attributes',
    JSON.stringify(
      Array.from({ length: 10_000 }, (_, n) => ({ key: `k${n}`, value: { intValue: n } })),
    ),
  ],
  ['one key twice', '[{"key":"k","value":{"intValue":1}},{"key":"k","value":{"stringValue":"2"}}]'],
  ['values 60 deep', `[{"key":"k","value":${nested(60)}}]`],
  ['values 20 000 deep', `[{"key":"k","value":${nested(20_000)}}]`],
  ['a string of 5 MB', JSON.stringify([{ key: 'k', value: { stringValue: 'x'.repeat(5e6) } }])],
  [
    'an empty value, no value and null',
    '[{"key":"a","value":{}},{"key":"b"},{"key":"c","value":null}]',
  ],
  ['an empty key', '[{"key":"","value":{"stringValue":"x"}}]'],
  ['a key of 1 MB', JSON.stringify([{ key: 'k'.repeat(1e6), value: { intValue: '1' } }])],
  ['__proto__ as a key', '[{"key":"__proto__","value":{"intValue":1}}]'],
  [
    'every kind of value',
    '[{"key":"a","value":{"bytesValue":"AAEC"}},{"key":"b","value":{"kvlistValue":{"values":[{"key":"x","value":{"doubleValue":"NaN"}}]}}},{"key":"c","value":{"arrayValue":{"values":[{"boolValue":true},{"stringValue":"1"}]}}},{"key":"d","value":{"doubleValue":1e308}},{"key":"e","value":{"doubleValue":5e-324}}]',
  ],
])('a span with %s lands with the rest of its request', async (_name, attributes) => {
  const traceId = newTraceId()
  const own = JSON.stringify(span({}, { traceId, name: 'odd', attributes: 0 }))
  const request = JSON.stringify(traceRequest([span({}, { traceId, name: 'plain' }), 0])).replace(
    /,0\]/,
    `,${own.replace('"attributes":0', `"attributes":${attributes}`)}]`,
  )
  const answer = await post(receiver, 'traces', request)
  expect([answer.status, await answer.json()]).toEqual([200, {}])
  expect(await names(traceId)).toEqual(['odd', 'plain'])
})

test('integers keep every digit, as text and as numbers', async () => {
  const traceId = newTraceId()
  const attributes =
    '[{"key":"a","value":{"intValue":9007199254740993}},{"key":"b","value":{"intValue":"-9223372036854775808"}}]'
  const own = JSON.stringify(span({}, { traceId, attributes: 0 }))
    .replace('"attributes":0', `"attributes":${attributes}`)
    .replace(/"startTimeUnixNano":"(\d{16})\d+"/, '"startTimeUnixNano":$1789')
  await post(receiver, 'traces', JSON.stringify(traceRequest([0])).replace('[0]', `[${own}]`))
  const rows = await database.query(
    `select attributes::text as attributes, (start_unix_nano % 1000)::int as nano
       from spans where trace_id = $1`,
    [traceId],
  )
  expect(rows).toEqual([
    { attributes: '{"a": 9007199254740993, "b": -9223372036854775808}', nano: 789 },
  ])
})

test('bytes that are not UTF-8 land as those bytes, in JSON and in protobuf', async () => {
  const traceId = newTraceId()
  const bad = Buffer.from([0x61, 0xff, 0xfe, 0x62])
  const attributes: Attributes = {
    'gen_ai.operation.name': 'execute_tool',
    'gen_ai.tool.call.result': '@@',
  }
  const json = Buffer.from(JSON.stringify(traceRequest([span(attributes, { traceId }), span()])))
  const place = json.indexOf('@@')
  const body = Buffer.concat([json.subarray(0, place), bad, json.subarray(place + 2)])
  expect(await (await post(receiver, 'traces', body)).json()).toEqual({})

  const entry = (key: string, value: Uint8Array) => ({
    key: Buffer.from(key),
    value: { stringValue: value },
  })
  const binary = messageType('ExportTraceRequest')
    .encode({
      resourceSpans: [
        {
          scopeSpans: [
            {
              spans: [
                {
                  traceId: Buffer.from(traceId, 'hex'),
                  spanId: Buffer.from('aaaaaaaaaaaaaaaa', 'hex'),
                  name: bad,
                  startTimeUnixNano: at(0),
                  attributes: [
                    entry('gen_ai.operation.name', Buffer.from('execute_tool')),
                    entry('gen_ai.tool.call.result', bad),
                  ],
                },
              ],
            },
          ],
        },
      ],
    })
    .finish()
  expect((await post(receiver, 'traces', binary, protobuf)).status).toBe(200)
  const rows = await database.query(
    'select result, result_bytes from tool_calls where trace_id = $1',
    [traceId],
  )
  expect(rows).toEqual([
    { result: null, result_bytes: bad },
    { result: null, result_bytes: bad },
  ])
})

test('a log record has its own time or the time of its observation; without either it is rejected', async () => {
  const marker = newTraceId()
  const observed = at(-1000)
  const own = at(-2000)
  const records = [
    log({ marker, n: 1 }, { timeUnixNano: '0', observedTimeUnixNano: observed }),
    log({ marker, n: 2 }, { timeUnixNano: undefined, observedTimeUnixNano: observed }),
    log({ marker, n: 3 }, { timeUnixNano: own, observedTimeUnixNano: observed }),
    log({ marker, n: 4 }, { timeUnixNano: '0', observedTimeUnixNano: '0' }),
  ]
  const answer = await post(receiver, 'logs', logsRequest(records))
  expect(await answer.json()).toMatchObject({ partialSuccess: { rejectedLogRecords: '1' } })
  const rows = await database.query(
    `select attributes -> 'n' as n, time_unix_nano::text as time
       from log_records where attributes ->> 'marker' = $1 order by 1`,
    [marker],
  )
  expect(rows).toEqual([
    { n: 1, time: observed },
    { n: 2, time: observed },
    { n: 3, time: own },
  ])
})

test('an event’s name is its attribute `event.name`, if it has one', async () => {
  const traceId = newTraceId()
  const records = [
    log({}, { traceId, eventName: 'a' }),
    log({ 'event.name': 'b' }, { traceId, eventName: 'src/main.rs:5' }),
    log({}, { traceId: '', body: { stringValue: 'no ids' } }),
    log({}, { traceId: 'abc' }),
  ]
  const answer = await post(receiver, 'logs', logsRequest(records))
  expect(await answer.json()).toMatchObject({ partialSuccess: { rejectedLogRecords: '1' } })
  const rows = await database.query(
    'select event_name from log_records where trace_id = $1 order by 1',
    [traceId],
  )
  expect(rows).toEqual([{ event_name: 'a' }, { event_name: 'b' }])
})

test('the user is the token’s, whatever the client claims', async () => {
  const traceId = newTraceId()
  await post(
    receiver,
    'traces',
    traceRequest([span({ 'user.id': 'somebody' }, { traceId })], { 'user.id': 'else' }),
  )
  const rows = await database.query('select user_id from spans where trace_id = $1', [traceId])
  expect(rows).toEqual([{ user_id: 'mara' }])
})

test('a request is 503 with Retry-After while the database is away, and lands afterwards', async () => {
  const target = new URL(database.url)
  const refused = new Set<string>()
  const proxy = createServer((socket) => {
    if (refused.has('all')) return void socket.destroy()
    const upstream = connect(Number(target.port), target.hostname)
    socket.pipe(upstream).pipe(socket)
    socket.on('error', () => upstream.destroy())
    upstream.on('error', () => socket.destroy())
    socket.on('close', () => upstream.destroy())
    sockets.add(socket)
  })
  const sockets = new Set<Socket>()
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  const address = proxy.address()
  const url = new URL(database.url)
  url.port = String(typeof address === 'object' ? address?.port : '')
  await using behind = await startReceiver({ database: { ...database, url: url.href } })
  const traceId = newTraceId()
  const request = traceRequest([span({}, { traceId })])
  expect((await post(behind, 'traces', '{}')).status).toBe(200)
  refused.add('all')
  for (const socket of sockets) socket.destroy()
  const down = await post(behind, 'traces', request)
  expect([down.status, down.headers.get('retry-after')]).toEqual([503, '5'])
  expect(await down.json()).toMatchObject({ code: 14 })
  expect((await fetch(`${behind.url}/api/v1/health/ready`)).status).toBe(503)
  expect((await fetch(`${behind.url}/api/v1/health/live`)).status).toBe(200)
  refused.clear()
  expect((await post(behind, 'traces', request)).status).toBe(200)
  expect(await names(traceId)).toHaveLength(1)
  proxy.close()
})

test('the counts add up: received = landed + duplicate + rejected', async () => {
  const health = async () => {
    const answer = await fetch(`${receiver.url}/api/v1/health`)
    return (await answer.json()) as { records: Counts }
  }
  const once = span()
  await post(receiver, 'traces', traceRequest([once, once, span({}, { traceId: '' })]))
  const { records } = await health()
  expect(records.received).toBe(records.landed + records.duplicate + records.rejected)
  expect(records.duplicate).toBeGreaterThan(0)
})

// Three bytes of JSON, or two of protobuf, become an object of some hundred bytes each.
test('a small body that would become millions of objects is 413 in both encodings', async () => {
  const count = 4_000_000
  const json = `{"resourceSpans":[{"scopeSpans":[{"spans":[${'{},'.repeat(count)}{}]}]}]}`
  expect((await post(receiver, 'traces', json)).status).toBe(413)

  const wrap = (field: number, inner: Buffer) => {
    const length = Buffer.alloc(5)
    for (const index of [0, 1, 2, 3, 4]) {
      length[index] = ((inner.length >>> (7 * index)) & 0x7f) | (index < 4 ? 0x80 : 0)
    }
    return Buffer.concat([Buffer.from([(field << 3) | 2]), length, inner])
  }
  const spans = wrap(1, wrap(2, Buffer.alloc(2 * count, Buffer.from([0x12, 0x00]))))
  expect((await post(receiver, 'traces', spans, protobuf)).status).toBe(413)
  const values = wrap(6, Buffer.alloc(2 * count, Buffer.from([0x0a, 0x00])))
  const nested = wrap(1, wrap(2, wrap(2, wrap(9, wrap(2, values)))))
  expect((await post(receiver, 'traces', nested, protobuf)).status).toBe(413)
  const field31 = Buffer.from([0xf8, 0x01, 0x05])
  const unknown = wrap(1, wrap(2, wrap(2, Buffer.alloc(3 * count, field31))))
  expect((await post(receiver, 'traces', unknown, protobuf)).status).toBe(413)
})

test('more than 100 000 records in one request are 413', async () => {
  const body = (count: number) =>
    `{"resourceSpans":[{"scopeSpans":[{"spans":[${'{},'.repeat(count - 1)}{}]}]}]}`
  expect((await post(receiver, 'traces', body(100_001))).status).toBe(413)
  expect(await (await post(receiver, 'traces', body(100_000))).json()).toMatchObject({
    partialSuccess: { rejectedSpans: '100000' },
  })
})
