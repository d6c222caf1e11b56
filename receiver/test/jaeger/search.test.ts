/** The parameters that find a trace, in both versions of the API. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  type Attributes,
  type Json,
  newSpanId,
  newTraceId,
  span,
  toAttributes,
  traceRequest,
} from '../../../test/support/otlp.ts'
import { windowsOf } from '../../src/storage/queries/find-traces.ts'
import { openStage, type Stage } from './stage.ts'

const now = new Date()

let stage: Stage
beforeAll(async () => {
  stage = await openStage({ now: () => now })
})
afterAll(() => stage[Symbol.asyncDispose]())

let serviceCount = 0

/** Lands one trace of one span, with a service that no other trace has. */
async function landOne(
  attributes: Attributes = {},
  overrides: Json = {},
  resource: Attributes = {},
): Promise<{ service: string; traceId: string }> {
  serviceCount += 1
  const service = `service-${serviceCount}`
  const traceId = newTraceId()
  const times = { startTimeUnixNano: nanoseconds(-60_000), endTimeUnixNano: nanoseconds(-59_000) }
  await stage.landSpans([span(attributes, { traceId, ...times, ...overrides })], {
    'service.name': service,
    ...resource,
  })
  return { service, traceId }
}

/** Nanoseconds since 1970, `milliseconds` from now. */
function nanoseconds(milliseconds: number, extra = 0n): string {
  return String(BigInt(now.getTime() + milliseconds) * 1_000_000n + extra)
}

async function searchV1(query: Readonly<Record<string, string>>): Promise<readonly string[]> {
  const { data } = await stage.read(`/api/traces?${new URLSearchParams(query)}`)
  if (!Array.isArray(data)) throw new Error('data is no list')
  return data.map(({ traceID }) => traceID)
}

const daysFromNow = (days: number) => new Date(now.getTime() + days * 86_400_000).toISOString()

const always = {
  'query.startTimeMin': daysFromNow(-30),
  'query.startTimeMax': daysFromNow(1),
}

async function searchV3(query: Readonly<Record<string, string>>): Promise<readonly string[]> {
  const parameters = new URLSearchParams({ ...always, ...query })
  const { summaries } = await stage.read(`/api/v3/trace-summaries?${parameters}`)
  if (!Array.isArray(summaries)) throw new Error('summaries is no list')
  return summaries.map(({ traceId }) => traceId)
}

describe('a tag', () => {
  const bytes = new Uint8Array([0, 255, 1])
  const long = 'x'.repeat(3_000)

  test.each<[string, Attributes, string]>([
    ['text', { k: 'some text' }, 'some text'],
    ['empty text', { k: '' }, ''],
    ['text beyond what stands in a row', { k: long }, long],
    ['an integer', { k: 123 }, '123'],
    ['text that looks like an integer', { k: '123' }, '123'],
    ['an integer beyond 2^53', { k: 9_007_199_254_740_993n }, '9007199254740993'],
    ['a boolean', { k: true }, 'true'],
    ['bytes, as Base64', { k: bytes }, Buffer.from(bytes).toString('base64')],
    ['a list, as JSON', { k: ['a', 1, true] }, '["a",1,true]'],
    ['a content', { 'gen_ai.tool.call.arguments': '{"path":"a.txt"}' }, '{"path":"a.txt"}'],
    ['text with a quote, a percent sign and a backslash', { k: `'%\\"` }, `'%\\"`],
  ])('of %s is found by its text', async (_name, attributes, text) => {
    const { service, traceId } = await landOne(attributes)
    const key = Object.keys(attributes)[0] ?? ''
    const tags = JSON.stringify({ [key]: text })
    expect(await searchV1({ service, tags })).toEqual([traceId])
    expect(await searchV1({ service, tag: `${key}:${text}` })).toEqual([traceId])
    expect(await searchV3({ 'query.serviceName': service, 'query.attributes': tags })).toEqual([
      traceId,
    ])
    const other = JSON.stringify({ [key]: `${text}x` })
    expect(await searchV1({ service, tags: other })).toEqual([])
  })

  test.each([
    [72.5, '72.5'],
    [1, '1'],
    [1, '1.0'],
    [1e21, '1e+21'],
    [1e-7, '1e-7'],
    [-0.001, '-0.001'],
  ])('of the double %d is found by %s', async (doubleValue, text) => {
    const { service, traceId } = await landOne(
      {},
      { attributes: [{ key: 'k', value: { doubleValue } }] },
    )
    expect(await searchV1({ service, tags: JSON.stringify({ k: text }) })).toEqual([traceId])
  })

  test('is found on the span, its resource, its scope, an event or a link', async () => {
    const traceId = newTraceId()
    const service = 'everywhere'
    const one = span(
      { onSpan: 'v' },
      {
        traceId,
        startTimeUnixNano: nanoseconds(-60_000),
        endTimeUnixNano: nanoseconds(-59_000),
        events: [{ name: 'a' }, { name: 'e', attributes: toAttributes({ onEvent: 'v' }) }],
        links: [
          { traceId: newTraceId(), spanId: newSpanId(), attributes: toAttributes({ onLink: 'v' }) },
        ],
      },
    )
    const resource = { attributes: toAttributes({ 'service.name': service, onResource: 'v' }) }
    const scope = { name: 'a scope', version: '2', attributes: toAttributes({ onScope: 'v' }) }
    await stage.land({ resourceSpans: [{ resource, scopeSpans: [{ scope, spans: [one] }] }] })
    for (const key of [
      ...['onSpan', 'onResource', 'onScope', 'onEvent', 'onLink'],
      ...['resource.onResource', `resource.service.name`],
    ]) {
      const value = key === 'resource.service.name' ? service : 'v'
      expect([key, await searchV1({ service, tag: `${key}:${value}` })]).toEqual([key, [traceId]])
      expect([key, await searchV1({ service, tag: `${key}:other` })]).toEqual([key, []])
    }
    expect(await searchV1({ service, tag: 'resource.onSpan:v' })).toEqual([])
    expect(await searchV1({ service, tag: 'scope.name:a scope' })).toEqual([traceId])
    expect(await searchV1({ service, tag: 'otel.scope.version:2' })).toEqual([traceId])
  })

  test('finds failed spans, kinds and statuses under the names with which they are shown', async () => {
    const failed = { kind: 3, status: { code: 2, message: 'no such file' } }
    const { service, traceId } = await landOne({}, failed)
    for (const tag of [
      ...['error:true', 'span.kind:client', 'span.kind:CLIENT', 'span.status:error'],
      ...['otel.status_code:ERROR', 'otel.status_description:no such file'],
    ]) {
      expect([tag, await searchV1({ service, tag })]).toEqual([tag, [traceId]])
    }
    for (const tag of ['error:false', 'span.kind:server', 'span.kind:x', 'span.status:OK']) {
      expect([tag, await searchV1({ service, tag })]).toEqual([tag, []])
    }
  })

  test('for a user finds and shows the token’s user, not the one that the sender claims', async () => {
    const claimed = { 'user.id': 'somebody else' }
    const { service, traceId } = await landOne(claimed, {}, claimed)
    expect(await searchV1({ service, tag: 'user.id:mara' })).toEqual([traceId])
    expect(await searchV1({ service, tag: 'user.id:somebody else' })).toEqual([])
    for (const path of [`/api/traces/${traceId}`, `/api/v3/traces/${traceId}`]) {
      const text = await (await stage.get(path)).text()
      expect([path, text.split('"mara"').length, text.includes('somebody')]).toEqual([
        path,
        3,
        false,
      ])
    }
  })

  test('finds an error that is an attribute, too', async () => {
    const { service, traceId } = await landOne({ error: true })
    expect(await searchV1({ service, tag: 'error:true' })).toEqual([traceId])
  })

  test('has to be on the same span as all other tags', async () => {
    const traceId = newTraceId()
    const times = { startTimeUnixNano: nanoseconds(-60_000), endTimeUnixNano: nanoseconds(-59_000) }
    const spans = [
      span({ a: 1, b: 1 }, { traceId, ...times }),
      span({ a: 2 }, { traceId, ...times }),
    ]
    await stage.landSpans(spans, { 'service.name': 'together' })
    expect(await searchV1({ service: 'together', tags: '{"a":"1","b":"1"}' })).toEqual([traceId])
    expect(await searchV1({ service: 'together', tags: '{"a":"2","b":"1"}' })).toEqual([])
  })
})

test('limits of durations are exact to the nanosecond and inclusive', async () => {
  const start = nanoseconds(-60_000)
  const end = String(BigInt(start) + 1_200_001n)
  const { service, traceId } = await landOne({}, { startTimeUnixNano: start, endTimeUnixNano: end })
  for (const [minDuration, maxDuration, isFound] of [
    ['1.2ms', '1.3ms', true],
    ['1200001ns', '1200001ns', true],
    ['1200002ns', '', false],
    ['', '1200000ns', false],
    ['1.200001ms', '', true],
    ['0s', '0s', true],
  ] as const) {
    const found = await searchV1({ service, minDuration, maxDuration })
    expect([minDuration, maxDuration, found]).toEqual([
      minDuration,
      maxDuration,
      isFound ? [traceId] : [],
    ])
  }
})

test('a span that has not ended has no duration', async () => {
  const { service, traceId } = await landOne({}, { endTimeUnixNano: '0' })
  expect(await searchV1({ service })).toEqual([traceId])
  expect(await searchV1({ service, minDuration: '1ns' })).toEqual([])
  expect(await searchV1({ service, maxDuration: '1h' })).toEqual([])
})

test('limits of times are exact and inclusive; v1 also takes milliseconds', async () => {
  const at = now.getTime() - 60_000
  const start = String(BigInt(at) * 1_000_000n + 5_000n)
  const { service, traceId } = await landOne({}, { startTimeUnixNano: start })
  const micro = BigInt(at) * 1_000n
  const search = (from: bigint | number, to: bigint | number) =>
    searchV1({ service, start: String(from), end: String(to) })
  expect(await search(micro + 5n, micro + 5n)).toEqual([traceId])
  expect(await search(micro + 6n, micro + 100n)).toEqual([])
  expect(await search(micro, micro + 4n)).toEqual([])
  expect(await search(at, at + 1)).toEqual([traceId])
  expect(await search(at + 1, at + 2)).toEqual([])
})

test('without times the last two days are searched, or as many as lookback says', async () => {
  const { service, traceId } = await landOne(
    {},
    { startTimeUnixNano: nanoseconds(-3 * 86_400_000) },
  )
  expect(await searchV1({ service })).toEqual([])
  expect(await searchV1({ service, lookback: '4d' })).toEqual([traceId])
  expect(await searchV1({ service, lookback: 'custom' })).toEqual([])
})

test('operation and service are compared exactly, also for spans without a service', async () => {
  const { service, traceId } = await landOne({}, { name: 'GET /a b?c=d' })
  expect(await searchV1({ service, operation: 'GET /a b?c=d' })).toEqual([traceId])
  expect(await searchV1({ service, operation: 'GET /a' })).toEqual([])
  const nameless = await landOne({ nameless: 1 }, {}, { 'service.name': '' })
  expect(await searchV1({ service: 'unknown_service' })).toEqual([nameless.traceId])
  expect(await searchV3({ 'query.attributes': '{"nameless":"1"}' })).toEqual([nameless.traceId])
})

test('the newest traces come first, up to the limit, however far apart they are', async () => {
  const hours = [0.5, 3, 30, 200, 600]
  const ids = hours.map(() => newTraceId())
  for (const [index, hour] of hours.entries()) {
    const start = {
      startTimeUnixNano: nanoseconds(-hour * 3_600_000),
      endTimeUnixNano: nanoseconds(0),
    }
    const spans = [span({}, { traceId: ids[index], ...start })]
    await stage.landSpans(spans, { 'service.name': 'apart' })
  }
  expect(await searchV3({ 'query.serviceName': 'apart' })).toEqual(ids)
  expect(await searchV3({ 'query.serviceName': 'apart', 'query.searchDepth': '2' })).toEqual(
    ids.slice(0, 2),
  )
})

test('a trace is found once, by its newest matching span, and shown with all of its spans', async () => {
  const traceId = newTraceId()
  const root = newSpanId()
  const at = (hours: number) => ({
    startTimeUnixNano: nanoseconds(-hours * 3_600_000),
    endTimeUnixNano: nanoseconds(-hours * 3_600_000 + 1_000),
  })
  await stage.landSpans(
    [
      span({}, { traceId, spanId: root, name: 'root', ...at(5) }),
      span({}, { traceId, parentSpanId: root, ...at(0.1) }),
    ],
    { 'service.name': 'once' },
  )
  const other = span({}, { traceId, parentSpanId: root, ...at(1), status: { code: 2 } })
  await stage.landSpans([other], { 'service.name': 'once-b' })
  const query = new URLSearchParams({ ...always, 'query.serviceName': 'once' })
  expect(await stage.read(`/api/v3/trace-summaries?${query}`)).toEqual({
    summaries: [
      {
        traceId,
        rootServiceName: 'once',
        rootOperationName: 'root',
        minStartTimeUnixNano: at(5).startTimeUnixNano,
        maxEndTimeUnixNano: at(0.1).endTimeUnixNano,
        spanCount: 3,
        errorSpanCount: 1,
        orphanSpanCount: 0,
        services: [
          { name: 'once', spanCount: 2, errorSpanCount: 0 },
          { name: 'once-b', spanCount: 1, errorSpanCount: 1 },
        ],
      },
    ],
  })
})

test('a thousand hits come back', async () => {
  const spans = Array.from({ length: 1_000 }, () =>
    span({}, { startTimeUnixNano: nanoseconds(-60_000), endTimeUnixNano: nanoseconds(-59_000) }),
  )
  await stage.land(traceRequest(spans, { 'service.name': 'many' }))
  expect(await searchV1({ service: 'many', limit: '1000' })).toHaveLength(1_000)
  expect(await searchV1({ service: 'many' })).toHaveLength(100)
  expect(await searchV3({ 'query.serviceName': 'many', 'query.searchDepth': '5000' })).toHaveLength(
    1_000,
  )
})

test('the windows of time that a search reads have no gap, and end', () => {
  for (const [from, to] of [
    [0n, 9_000_000_000_000_000_000n],
    [5n, 5n],
    [0n, 3_600_000_000_000n],
    [1_785_000_000_000_000_000n, 1_785_499_200_000_000_000n],
  ] as const) {
    const windows = [...windowsOf({ from, to })]
    expect(windows.at(0)?.to).toBe(to)
    expect(windows.at(-1)?.from).toBe(from)
    for (const [index, window] of windows.slice(1).entries()) {
      expect(window.to).toBe((windows[index]?.from ?? 0n) - 1n)
    }
    expect(windows.length).toBeLessThan(40)
  }
})

describe('a parameter that cannot be read is 400, with the reason', () => {
  test.each([
    ['', "parameter 'service' is required"],
    ['service=a&limit=0', 'limit must be greater than 0'],
    ['service=a&limit=x', "unable to parse param 'limit'"],
    ['service=a&start=x', "unable to parse param 'start'"],
    ['service=a&start=2&end=1', 'start time must be before end time'],
    ['service=a&minDuration=1', "unable to parse param 'minDuration'"],
    [
      'service=a&minDuration=2s&maxDuration=1s',
      "'maxDuration' should be greater than 'minDuration'",
    ],
    ['service=a&tag=x', "malformed 'tag' parameter"],
    ['service=a&tags=[]', "malformed 'tags' parameter"],
    ['service=a&tags={', "malformed 'tags' parameter"],
    ['service=a&raw=perhaps', "unable to parse param 'raw'"],
    ['traceID=xyz', 'cannot parse traceID param'],
    ['traceID=1&maxAttributeBytes=-1', "unable to parse param 'maxAttributeBytes'"],
  ])('v1: %s', async (query, message) => {
    const answer = await stage.get(`/api/traces?${query}`)
    expect(answer.status).toBe(400)
    expect(await answer.json()).toEqual({
      data: null,
      total: 0,
      limit: 0,
      offset: 0,
      errors: [{ code: 400, msg: expect.stringContaining(message) }],
    })
  })

  const times = String(new URLSearchParams(always))
  test.each([
    ['', 'query.startTimeMin and query.startTimeMax are required'],
    ['query.startTimeMin=2026-07-01T00:00:00Z', 'are required'],
    ['query.startTimeMin=x&query.startTimeMax=y', 'malformed parameter query.startTimeMin'],
    ['query.start_time_min=x', 'malformed parameter query.start_time_min'],
    [
      'query.startTimeMin=2026-07-01T00:00:00Z&query.startTimeMax=2026-07-01T00:00:00Z',
      'query.startTimeMin must be before query.startTimeMax',
    ],
    [`${times}&query.durationMin=1`, 'malformed parameter query.durationMin'],
    [`${times}&query.duration_max=1`, 'malformed parameter query.duration_max'],
    [`${times}&query.searchDepth=x`, 'malformed parameter query.searchDepth'],
    [`${times}&query.num_traces=x`, 'malformed parameter query.num_traces'],
    [`${times}&query.rawTraces=x`, 'malformed parameter query.rawTraces'],
    [`${times}&query.attributes=x`, 'malformed parameter query.attributes'],
  ])('v3: %s', async (query, message) => {
    for (const route of ['traces', 'trace-summaries']) {
      const answer = await stage.get(`/api/v3/${route}?${query}`)
      expect(answer.status).toBe(400)
      expect(await answer.json()).toEqual({
        error: { httpCode: 400, message: expect.stringContaining(message) },
      })
    }
  })
})

test('older names of v3’s parameters are read', async () => {
  const { service, traceId } = await landOne({}, { name: 'op' })
  const query = new URLSearchParams({
    'query.service_name': service,
    'query.operation_name': 'op',
    'query.start_time_min': daysFromNow(-30),
    'query.start_time_max': daysFromNow(1).replace('Z', '+00:00'),
    'query.duration_min': '1ns',
    'query.duration_max': '1h',
    'query.num_traces': '5',
    'query.raw_traces': 'true',
  })
  const { summaries } = await stage.read(`/api/v3/trace-summaries?${query}`)
  expect(summaries).toMatchObject([{ traceId }])
})

test('nothing found is an empty list in v1 and in summaries, and 404 in v3’s traces', async () => {
  expect(await stage.read('/api/traces?service=nobody')).toEqual({
    data: [],
    total: 0,
    limit: 0,
    offset: 0,
    errors: null,
  })
  const query = new URLSearchParams({ ...always, 'query.serviceName': 'nobody' })
  expect(await stage.read(`/api/v3/trace-summaries?${query}`)).toEqual({ summaries: [] })
  const answer = await stage.get(`/api/v3/traces?${query}`)
  expect(answer.status).toBe(404)
  expect(await answer.json()).toEqual({ error: { httpCode: 404, message: 'No traces found' } })
})
