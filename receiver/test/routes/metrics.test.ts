/** `/v1/metrics`: every kind of data point lands once, with everything that was sent. */
import { gzipSync } from 'node:zlib'
import { beforeEach, expect, test } from 'vitest'
import {
  type Json,
  metricsRequest,
  nanoseconds,
  point,
  post,
  sum,
  toAttributes,
} from '../../../test/support/otlp.ts'
import { openRandom } from '../../../test/support/random.ts'
import { withReceiver } from '../../../test/support/receiver.ts'
import { messageType } from '../../src/otlp/wire/protobuf-schema.ts'

const { database, receiver } = await withReceiver()
beforeEach(() => database.query('truncate metric_points, session_lifetimes'))

const protobuf = { 'content-type': 'application/x-protobuf' }
const day = 86_400_000
const startedAt = Date.now()
const at = (offset: number) => nanoseconds(new Date(startedAt + offset))
const now = at(0)
const started = at(-500)

async function landed(body: Json | string | Uint8Array, headers = {}): Promise<unknown> {
  const answer = await post(receiver, 'metrics', body, headers)
  expect(answer.status).toBe(200)
  return answer.json()
}

async function count(): Promise<number> {
  const [row] = await database.query<{ n: number }>('select count(*) as n from metrics')
  return row?.n ?? -1
}

/** One metric of every kind, as proto3's JSON. */
function everyKind(): Json[] {
  const common = {
    startTimeUnixNano: '0',
    timeUnixNano: now,
    attributes: toAttributes({ model: 'm-1' }),
  }
  return [
    {
      name: 'queue.length',
      description: 'How many wait.',
      unit: '{record}',
      metadata: toAttributes({ origin: 'test' }),
      gauge: { dataPoints: [{ ...common, asInt: '-9223372036854775808' }] },
    },
    {
      name: 'cost',
      unit: 'USD',
      sum: {
        aggregationTemporality: 1,
        isMonotonic: true,
        dataPoints: [
          {
            ...common,
            startTimeUnixNano: started,
            asDouble: 0.25,
            flags: 0,
            exemplars: [
              {
                timeUnixNano: now,
                asInt: '9007199254740993',
                traceId: 'a'.repeat(32),
                spanId: 'b'.repeat(16),
                filteredAttributes: toAttributes({ route: '/x' }),
              },
            ],
          },
        ],
      },
    },
    {
      name: 'duration',
      unit: 's',
      histogram: {
        aggregationTemporality: 2,
        dataPoints: [
          {
            ...common,
            count: '6',
            sum: 12.5,
            min: 0.5,
            max: 5,
            bucketCounts: ['1', '2', '3'],
            explicitBounds: [1, 2.5],
          },
        ],
      },
    },
    {
      name: 'size',
      exponentialHistogram: {
        aggregationTemporality: 2,
        dataPoints: [
          {
            ...common,
            count: '9',
            sum: -1,
            scale: -3,
            zeroCount: '2',
            zeroThreshold: 0.125,
            positive: { offset: -4, bucketCounts: ['1', '2'] },
            negative: { offset: 5, bucketCounts: ['4'] },
          },
        ],
      },
    },
    {
      name: 'old',
      summary: {
        dataPoints: [
          {
            ...common,
            count: '3',
            sum: 7,
            quantileValues: [
              { quantile: 0.5, value: 2 },
              { quantile: 1, value: 4 },
            ],
          },
        ],
      },
    },
  ]
}

/** The same as protobuf. Proto3's JSON and `fromObject` differ only in ids and text. */
function toProtobuf(request: Json): Uint8Array {
  const text = JSON.stringify(request, (key, value) => {
    if (typeof value !== 'string') return value
    if (/^(traceId|spanId)$/.test(key)) return Buffer.from(value, 'hex').toString('base64')
    const isText = /^(name|description|unit|key|stringValue)$/.test(key)
    return isText ? Buffer.from(value).toString('base64') : value
  })
  const type = messageType('ExportMetricsRequest')
  return type.encode(type.fromObject(JSON.parse(text))).finish()
}

const expectedKinds = [
  {
    name: 'cost',
    kind: 'sum',
    unit: 'USD',
    temporality: 'delta',
    monotonic: true,
    since: 500,
    value: 0.25,
    exemplars: [
      {
        time_unix_nano: expect.any(Number),
        value: 9007199254740992,
        trace_id: 'a'.repeat(32),
        span_id: 'b'.repeat(16),
        attributes: { route: '/x' },
      },
    ],
  },
  {
    name: 'duration',
    kind: 'histogram',
    unit: 's',
    temporality: 'cumulative',
    count: 6,
    sum: 12.5,
    min: 0.5,
    max: 5,
    bucket_counts: ['1', '2', '3'],
    bucket_bounds: [1, 2.5],
  },
  {
    name: 'old',
    kind: 'summary',
    count: 3,
    sum: 7,
    quantiles: [
      { quantile: 0.5, value: 2 },
      { quantile: 1, value: 4 },
    ],
  },
  {
    name: 'queue.length',
    kind: 'gauge',
    unit: '{record}',
    description: 'How many wait.',
    metadata: { origin: 'test' },
    value: -(2 ** 63),
    digits: '-9223372036854775808',
  },
  {
    name: 'size',
    kind: 'exponential_histogram',
    temporality: 'cumulative',
    count: 9,
    sum: -1,
    exponential: {
      scale: -3,
      zero_count: 2,
      zero_threshold: 0.125,
      positive: { offset: -4, counts: [1, 2] },
      negative: { offset: 5, counts: [4] },
    },
  },
].map((row) => expect.objectContaining({ ...row, attributes: { model: 'm-1' } }))

const kindsText = `
  select *, value_integer::text as digits,
         round(extract(epoch from time - start_time) * 1000)::int as since
    from metrics order by name`

test('every kind of point lands as it was sent, and from protobuf it is the same row', async () => {
  const request = metricsRequest(everyKind())
  expect(await landed(request)).toEqual({})
  expect(await database.query(kindsText)).toEqual(expectedKinds)
  const answer = await post(receiver, 'metrics', toProtobuf(request), protobuf)
  expect([answer.status, await answer.text()]).toEqual([200, ''])
  expect(await count()).toBe(5)
})

test('every kind of point lands from protobuf', async () => {
  const body = gzipSync(toProtobuf(metricsRequest(everyKind())))
  const answer = await post(receiver, 'metrics', body, { ...protobuf, 'content-encoding': 'gzip' })
  expect([answer.status, await answer.text()]).toEqual([200, ''])
  expect(await database.query(kindsText)).toEqual(expectedKinds)
})

test('points that are sent again, also ten times at once, are the same rows, counted as duplicates', async () => {
  const points = Array.from({ length: 50 }, (_, n) => point({ n }, { timeUnixNano: now }))
  const request = metricsRequest([sum(points)], { 'service.name': 'app' })
  const before = await counts()
  const answers = await Promise.all(
    Array.from({ length: 10 }, () => post(receiver, 'metrics', request)),
  )
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
  expect(await count()).toBe(50)
  const after = await counts()
  expect(after.landed - before.landed).toBe(50)
  expect(after.duplicate - before.duplicate).toBe(450)
  expect(after.received).toBe(after.landed + after.duplicate + after.rejected)
})

async function counts() {
  const answer = await fetch(`${receiver.url}/api/v1/health`)
  const { records } = (await answer.json()) as {
    records: { received: number; landed: number; duplicate: number; rejected: number }
  }
  return records
}

/** A request of one counter with one point. */
function oneCounter(
  options: { point?: Json; metric?: Json; sum?: Json; service?: string; token?: string } = {},
): Json {
  const dataPoints = [
    { ...point({}, { startTimeUnixNano: started, timeUnixNano: now }), ...options.point },
  ]
  const data = { dataPoints, aggregationTemporality: 1, isMonotonic: true, ...options.sum }
  return metricsRequest([{ name: 'requests', unit: '1', sum: data, ...options.metric }], {
    'service.name': options.service ?? 'app',
  })
}

test.each([
  ['its attributes', { point: { attributes: toAttributes({ type: 'added' }) } }],
  ['the type of an attribute', { point: { attributes: toAttributes({ type: '1' }) } }],
  ['its time', { point: { timeUnixNano: at(7) } }],
  ['its start', { point: { startTimeUnixNano: at(-501) } }],
  ['its number', { point: { asInt: '2' } }],
  ['its flags', { point: { flags: 2 } }],
  ['the name', { metric: { name: 'other' } }],
  ['the unit', { metric: { unit: 's' } }],
  ['the temporality', { sum: { aggregationTemporality: 2 } }],
  ['being monotonic', { sum: { isMonotonic: false } }],
  ['the resource', { service: 'other' }],
])('a point that differs in %s is another one', async (_name, options) => {
  await landed(oneCounter({ point: { attributes: toAttributes({ type: 1 }) } }))
  await landed(oneCounter(options))
  expect(await count()).toBe(2)
})

test.each<[string, Parameters<typeof oneCounter>[0]]>([
  ['the order of attributes', { point: { attributes: toAttributes({ b: 2, a: 1 }) } }],
  ['the description', { metric: { description: 'Again.' } }],
  ['members of the future', { metric: { future: {} }, point: { future: 1 } }],
  ['numbers as text', { sum: { aggregationTemporality: 'AGGREGATION_TEMPORALITY_DELTA' } }],
])('a point that differs in %s is the same', async (_name, options) => {
  const attributes = toAttributes({ a: 1, b: 2 })
  await landed(oneCounter({ point: { attributes } }))
  await landed(oneCounter({ ...options, point: { attributes, ...options?.point } }))
  expect(await count()).toBe(1)
})

test('equal streams of two users differ, and the token’s user takes precedence over the claimed one', async () => {
  const nils = { url: receiver.url, token: await receiver.newToken({ user: 'nils' }) }
  const request = oneCounter({ point: { attributes: toAttributes({ 'user.id': 'somebody' }) } })
  await landed(request)
  expect((await post(nils, 'metrics', request)).status).toBe(200)
  const gateway = { url: receiver.url, token: await receiver.newToken({ scope: 'gateway' }) }
  expect((await post(gateway, 'metrics', request)).status).toBe(200)
  const rows = await database.query('select user_id from metrics order by 1')
  expect(rows).toEqual([{ user_id: 'mara' }, { user_id: 'nils' }, { user_id: 'somebody' }])
})

test.each<[string, Json]>([
  ['no time', { timeUnixNano: '0' }],
  ['a time that is none', { timeUnixNano: 'now' }],
  ['a negative time', { timeUnixNano: '-1' }],
  ['a time too long ago', { timeUnixNano: at(-32 * day) }],
  ['a time too far ahead', { timeUnixNano: at(3 * day) }],
  ['a start too far ahead', { startTimeUnixNano: at(3 * day) }],
  ['a start that overflows', { startTimeUnixNano: '18446744073709551616' }],
  ['an integer that is none', { asInt: '1.5' }],
  ['an integer beyond 64 bits', { asInt: '9223372036854775808' }],
  ['a double that is none', { asInt: undefined, asDouble: 'many' }],
  ['two values', { asDouble: 1 }],
  ['negative flags', { flags: -1 }],
  ['attributes that are no list', { attributes: {} }],
  ['exemplars that are no list', { exemplars: {} }],
  ['an exemplar that is none', { exemplars: [1] }],
])('a point with %s is rejected alone', async (_name, overrides) => {
  const points = [point({ n: 1 }), { ...point({ n: 2 }), ...overrides }, point({ n: 3 })]
  expect(await landed(metricsRequest([sum(points)]))).toMatchObject({
    partialSuccess: { rejectedDataPoints: '1' },
  })
  const rows = await database.query(`select attributes -> 'n' as n from metrics order by 1`)
  expect(rows).toEqual([{ n: 1 }, { n: 3 }])
})

test('the answer in protobuf has the reasons of rejected points too', async () => {
  const request = metricsRequest([sum([point({}, { timeUnixNano: '0' }), point()])])
  const answer = await post(receiver, 'metrics', toProtobuf(request), protobuf)
  const type = messageType('ExportMetricsResponse')
  const message = type.decode(new Uint8Array(await answer.arrayBuffer()))
  expect(type.toObject(message, { longs: String })).toEqual({
    partialSuccess: { rejectedDataPoints: '1', errorMessage: '1 × data point has no time.' },
  })
})

test.each<[string, unknown, string]>([
  ['that is null', null, '1'],
  ['that is a text', 'metric', '1'],
  ['whose name is no text', sum([point(), point({ a: 1 })], { name: 5 }), '2'],
  ['with data that is no object', { name: 'x', gauge: [] }, '1'],
  ['with points that are no list', { name: 'x', gauge: { dataPoints: {} } }, '1'],
  ['with two kinds of data', sum([point()], { gauge: { dataPoints: [point()] } }), '2'],
  ['with a temporality that is none', { name: 'x', sum: { aggregationTemporality: {} } }, '1'],
  [
    'whose buckets are no counts',
    { name: 'x', histogram: { dataPoints: [{ timeUnixNano: now, bucketCounts: ['x'] }] } },
    '1',
  ],
  [
    'with a count beyond 63 bits',
    { name: 'x', summary: { dataPoints: [{ timeUnixNano: now, count: '9223372036854775808' }] } },
    '1',
  ],
])('a metric %s is rejected alone', async (_name, metric, rejected) => {
  expect(await landed(metricsRequest([metric, sum([point()])]))).toMatchObject({
    partialSuccess: { rejectedDataPoints: rejected },
  })
  expect(await count()).toBe(1)
})

test.each<[string, unknown]>([
  ['no data', { name: 'x' }],
  ['null data', { name: 'x', gauge: null }],
  ['no points', { name: 'x', histogram: {} }],
  ['an empty list of points', { name: 'x', summary: { dataPoints: [] } }],
])('a metric with %s is accepted, and gives no row', async (_name, metric) => {
  expect(await landed(metricsRequest([metric]))).toEqual({})
  expect(await count()).toBe(0)
})

test.each<[string, Json, Json]>([
  [
    'no value and the flag that says so',
    { asInt: undefined, flags: 1 },
    { no_recorded_value: true },
  ],
  ['a value beside that flag', { flags: 1 }, { value: null, no_recorded_value: true }],
  ['no value', { asInt: undefined }, { value: null, no_recorded_value: false }],
  ['NaN', { asInt: undefined, asDouble: 'NaN' }, { value: Number.NaN }],
  ['Infinity', { asInt: undefined, asDouble: '-Infinity' }, { value: Number.NEGATIVE_INFINITY }],
  ['the smallest double', { asInt: undefined, asDouble: 5e-324 }, { value: 5e-324 }],
  ['an integer that is a double', { asInt: 1e300 }, { value: 1e300, value_integer: null }],
  ['flags nobody has named', { flags: 4_294_967_294 }, { no_recorded_value: false }],
  ['a start long ago', { startTimeUnixNano: at(-400 * day) }, { value: 1 }],
  ['a start after its end', { startTimeUnixNano: at(day) }, { value: 1 }],
  [
    'nulls',
    { attributes: null, exemplars: null, flags: null, startTimeUnixNano: null },
    { start_time: null },
  ],
  ['upper case ids', { exemplars: [{ timeUnixNano: now, traceId: 'A'.repeat(32) }] }, { value: 1 }],
])('a point with %s lands', async (_name, overrides, expected) => {
  expect(await landed(metricsRequest([sum([{ ...point(), ...overrides }])]))).toEqual({})
  expect(await database.query('select * from metrics')).toMatchObject([expected])
})

test('NaN and the infinities land wherever a double may be', async () => {
  const numbers = ['NaN', 'Infinity', '-Infinity']
  const [sumOfAll, min, max] = numbers
  const common = { timeUnixNano: now, count: 1 }
  await landed(
    metricsRequest([
      {
        name: 'h',
        histogram: {
          dataPoints: [
            {
              ...common,
              sum: sumOfAll,
              min,
              max,
              bucketCounts: [1, 0, 0, 0],
              explicitBounds: numbers,
            },
          ],
        },
      },
      {
        name: 's',
        summary: {
          dataPoints: [
            { ...common, sum: sumOfAll, quantileValues: [{ quantile: 'NaN', value: max }] },
          ],
        },
      },
      {
        name: 'e',
        exponentialHistogram: { dataPoints: [{ ...common, zeroThreshold: 'Infinity' }] },
      },
    ]),
  )
  expect(await database.query('select * from metrics order by name')).toMatchObject([
    { name: 'e', exponential: { zero_threshold: 'Infinity' }, sum: null },
    {
      name: 'h',
      sum: Number.NaN,
      bucket_bounds: [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
    },
    { name: 's', quantiles: [{ quantile: 'NaN', value: '-Infinity' }] },
  ])
})

test('a point with texts that PostgreSQL cannot hold, or with long texts, lands', async () => {
  const odd = 'a\0b\ud800'
  const long = 'x'.repeat(100_000)
  const request = metricsRequest(
    [
      sum([point({ [odd]: odd, long })], { name: odd, unit: odd, description: odd }),
      sum([point()], { name: long, unit: long, description: long }),
    ],
    { 'service.name': odd },
  )
  expect(await landed(request)).toEqual({})
  expect(await landed(request)).toEqual({})
  const rows = await database.query(
    `select name, length(unit) as unit, service_name,
            length(turnlog_text(team_id, turnlog_day(time), attributes -> 'long')) as long
       from metrics order by name`,
  )
  expect(rows).toEqual([
    { name: 'a\u{fffd}b\u{fffd}', unit: 4, service_name: 'a\u{fffd}b\u{fffd}', long: 100_000 },
    {
      name: expect.stringMatching(/^sha256:/),
      unit: 100_000,
      service_name: 'a\u{fffd}b\u{fffd}',
      long: null,
    },
  ])
})

test('a session that sends only metrics is a session', async () => {
  await landed(metricsRequest([sum([point({ 'session.id': 's-1' })])], { 'service.name': 'app' }))
  const rows = await database.query('select session_id, service_name, user_id, turns from sessions')
  expect(rows).toEqual([{ session_id: 's-1', service_name: 'app', user_id: 'mara', turns: 0 }])
})

test('the increase is the same from a delta and from a cumulative counter', async () => {
  const minute = (n: number) => at((n - 30) * 60_000)
  const delta = [3, 0, 4].map((asInt, n) =>
    point({}, { asInt, startTimeUnixNano: minute(n), timeUnixNano: minute(n + 1) }),
  )
  const cumulative = (start: string, numbers: readonly number[], first: number) =>
    numbers.map((asInt, n) =>
      point({}, { asInt, startTimeUnixNano: start, timeUnixNano: minute(first + n) }),
    )
  const metric = (
    name: string,
    dataPoints: readonly unknown[],
    aggregationTemporality: number,
  ) => ({
    name,
    sum: { dataPoints, aggregationTemporality, isMonotonic: true },
  })
  await landed(
    metricsRequest([
      metric('delta', delta, 1),
      metric('cumulative', cumulative(minute(0), [3, 3, 7], 1), 2),
      metric('restarted', [...cumulative(minute(0), [5], 1), ...cumulative(minute(2), [2], 3)], 2),
      metric('since unknown', cumulative('0', [100, 102, 107, 1], 1), 2),
      { name: 'gauge', gauge: { dataPoints: delta } },
      { name: 'up and down', sum: { dataPoints: delta, aggregationTemporality: 2 } },
    ]),
  )
  const rows = await database.query(
    'select name, sum(value) as added from metric_increases group by name order by name',
  )
  expect(rows).toEqual([
    { name: 'cumulative', added: 7 },
    { name: 'delta', added: 7 },
    { name: 'restarted', added: 7 },
    { name: 'since unknown', added: 8 },
  ])
})

test.each([
  ['spans', '{"resourceSpans":[{"scopeSpans":[]}]}'],
  ['logs', '{"resourceLogs":[{"scopeLogs":[]}]}'],
  ['a list that is none', '{"resourceMetrics":{}}'],
  ['metrics that are no list', '{"resourceMetrics":[{"scopeMetrics":[{"metrics":5}]}]}'],
])('%s at /v1/metrics are 400', async (_name, body) => {
  expect((await post(receiver, 'metrics', body)).status).toBe(400)
})

test('spans and logs in protobuf are 400 at /v1/metrics', async () => {
  const fixed = { startTimeUnixNano: now, traceId: Buffer.alloc(16, 1), spanId: Buffer.alloc(8, 1) }
  const traces = messageType('ExportTraceRequest')
    .encode({ resourceSpans: [{ scopeSpans: [{ spans: [fixed] }] }] })
    .finish()
  const logs = messageType('ExportLogsRequest')
    .encode({ resourceLogs: [{ scopeLogs: [{ logRecords: [{ timeUnixNano: now }] }] }] })
    .finish()
  for (const body of [traces, logs]) {
    expect((await post(receiver, 'metrics', body, protobuf)).status).toBe(400)
  }
})

test('other methods, types and tokens are answered as for the other signals', async () => {
  const get = await fetch(`${receiver.url}/v1/metrics`)
  expect([get.status, get.headers.get('allow')]).toEqual([405, 'POST'])
  expect((await post(receiver, 'metrics', '{}', { 'content-type': 'text/plain' })).status).toBe(415)
  expect((await post({ url: receiver.url, token: '' }, 'metrics', '{}')).status).toBe(401)
  const read = await receiver.newToken({ scope: 'read' })
  expect((await post({ url: receiver.url, token: read }, 'metrics', '{}')).status).toBe(403)
  expect(await landed('')).toEqual({})
})

// A number in a packed list is one byte on the wire and two objects in memory.
test('lists of millions of small numbers are 413 before they are decoded', async () => {
  const type = messageType('ExportMetricsRequest')
  const numbers = Array(10_000_000).fill(1)
  const request = (metric: Json) =>
    type.encode({ resourceMetrics: [{ scopeMetrics: [{ metrics: [metric] }] }] }).finish()
  const positive = { bucketCounts: numbers }
  const exponential = request({ exponentialHistogram: { dataPoints: [{ positive }] } })
  expect((await post(receiver, 'metrics', exponential, protobuf)).status).toBe(413)
  const json = `{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"histogram":{"dataPoints":[{"bucketCounts":[${'1,'.repeat(20_000_000)}1]}]}}]}]}]}`
  expect((await post(receiver, 'metrics', json)).status).toBe(413)
})

test('a histogram of 100 000 buckets lands', async () => {
  const bucketCounts = Array.from({ length: 100_000 }, (_, n) => n)
  const explicitBounds = bucketCounts.slice(1)
  const dataPoints = [{ timeUnixNano: now, count: 5, bucketCounts, explicitBounds }]
  const request = metricsRequest([{ name: 'wide', histogram: { dataPoints } }])
  const answer = await post(receiver, 'metrics', toProtobuf(request), protobuf)
  expect(answer.status).toBe(200)
  const rows = await database.query(
    'select cardinality(bucket_counts) as counts, bucket_bounds[99999] as last from metrics',
  )
  expect(rows).toEqual([{ counts: 100_000, last: 99_999 }])
})

test('more than 100 000 points in one request are 413', async () => {
  const body = (points: number) =>
    `{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"gauge":{"dataPoints":[${'{},'.repeat(points - 1)}{}]}}]}]}]}`
  expect((await post(receiver, 'metrics', body(100_001))).status).toBe(413)
})

test('damaged requests are 200, 400 or 413, and the next whole one lands', async () => {
  const whole = toProtobuf(metricsRequest(everyKind(), { 'service.name': 'app' }))
  const text = JSON.stringify(metricsRequest(everyKind(), { 'service.name': 'app' }))
  const { below: roll } = openRandom(20_261)
  const statuses = new Map<number, number>()
  const note = ({ status }: Response) => statuses.set(status, (statuses.get(status) ?? 0) + 1)
  for (let round = 0; round < 400; round += 1) {
    const damaged = Buffer.from(whole)
    for (let change = 0; change <= roll(4); change += 1) damaged[roll(damaged.length)] = roll(256)
    const cut = roll(5) === 0 ? damaged.subarray(0, roll(damaged.length)) : damaged
    note(await post(receiver, 'metrics', cut, protobuf))
    const values = ['null', '-1', '1e999', '"x"', '[]', '{}', 'true', '""', '9'.repeat(30)]
    const value = values[roll(values.length)] ?? 'null'
    const places = [...text.matchAll(/:("[^"]*"|-?[\d.]+|\[\]|true)/g)]
    const place = places[roll(places.length)]
    const index = (place?.index ?? 0) + 1
    const odd = text.slice(0, index) + value + text.slice(index + (place?.[1]?.length ?? 0))
    note(await post(receiver, 'metrics', odd))
  }
  expect([...statuses.keys()].filter((status) => ![200, 400, 413].includes(status))).toEqual([])
  expect(statuses.get(200)).toBeGreaterThan(100)
  const { received, landed: rows, duplicate, rejected } = await counts()
  expect(received).toBe(rows + duplicate + rejected)
  await database.query('truncate metric_points')
  expect((await post(receiver, 'metrics', whole, protobuf)).status).toBe(200)
  expect(await count()).toBe(5)
})
