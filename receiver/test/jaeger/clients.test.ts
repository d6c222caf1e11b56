/**
 * Imitates two viewers: sends their requests in their order, and checks the answers as they do. The fields that each
 * reads, and those that make it fail, come from its source (Grafana 13, Jaeger UI 2.20 and 2.21).
 */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Json, newSpanId, newTraceId, span } from '../../../test/support/otlp.ts'
import { request, traceId } from './golden-trace.ts'
import { openStage, type Stage } from './stage.ts'

let stage: Stage
beforeAll(async () => {
  stage = await openStage()
  await stage.land(request)
})
afterAll(() => stage[Symbol.asyncDispose]())

interface GrafanaSpan {
  readonly traceID: string
  readonly spanID: string
  readonly processID: string
  readonly operationName: string
  readonly startTime: number
  readonly duration: number
  readonly logs: readonly { readonly timestamp: number; readonly fields: readonly KeyValue[] }[]
  readonly references: readonly { readonly refType: string; readonly spanID: string }[]
  readonly tags: readonly KeyValue[]
  readonly warnings: readonly string[] | null
}

interface KeyValue {
  readonly key: string
  readonly type: string
  readonly value: unknown
}

interface GrafanaTrace {
  readonly traceID: string
  readonly spans: readonly GrafanaSpan[]
  readonly processes: Readonly<Record<string, { readonly serviceName: string }>>
}

/** Grafana's data source: `url.JoinPath` cleans paths, parameters are sorted, a status other than 200 is an error. */
function openGrafana({ receiver, token }: Stage) {
  async function get(path: string): Promise<Json> {
    // Set in the data source as a custom header; Go's client asks for gzip and takes what comes.
    const headers = { authorization: `Bearer ${token}`, 'accept-encoding': 'gzip' }
    const response = await fetch(new URL(path, receiver.url), { headers })
    if (response.status !== 200) throw new Error(`request failed: ${response.status}`)
    return response.json()
  }
  const tracesIn = (answer: Json): readonly GrafanaTrace[] => {
    if (!Array.isArray(answer.data)) throw new Error('data is no list')
    return answer.data
  }
  return {
    services: async () => (await get('/api/services')).data,
    operations: async (service: string) =>
      (await get(`/api/services/${encodeURI(service)}/operations`)).data,
    async search(query: Readonly<Record<string, string>>, from: Date, to: Date) {
      const parameters = new URLSearchParams({
        ...query,
        limit: '20',
        start: String(from.getTime() * 1_000),
        end: String(to.getTime() * 1_000),
      })
      parameters.sort()
      const traces = tracesIn(await get(`/api/traces?${parameters}`))
      // `response[i].Spans[0]` without a look: a trace without spans ends the plugin.
      return traces.map(({ traceID, spans, processes }) => {
        const [first] = spans
        if (first === undefined) throw new Error('index out of range')
        const root = spans.reduce((left, right) =>
          right.startTime < left.startTime ? right : left,
        )
        const service = processes[root.processID]?.serviceName ?? ''
        return [
          traceID,
          `${service}: ${root.operationName}`,
          root.startTime,
          root.duration,
        ] as const
      })
    },
    async trace(id: string, times = '') {
      const [trace] = tracesIn(await get(`/api/traces/${encodeURIComponent(id)}${times}`))
      if (trace === undefined) throw new Error('index out of range')
      for (const one of trace.spans) expect(trace.processes).toHaveProperty(one.processID)
      return trace
    },
    dependencies: async (from: Date, to: Date) => {
      const [end, lookback] = [to.getTime(), to.getTime() - from.getTime()]
      return get(`/api/dependencies?endTs=${end}&lookback=${lookback}`)
    },
  }
}

test('Grafana: health, pickers, a search, a trace, the service graph', async () => {
  const grafana = openGrafana(stage)
  const [from, to] = [new Date(Date.now() - 6 * 3_600_000), new Date()]
  expect(await grafana.services()).toEqual(['example', 'other/service', 'unknown_service'])
  expect(await grafana.operations('other/service')).toContain('is its own parent')
  const found = await grafana.search(
    { service: 'example', tags: '{"gen_ai.request.model":"model-1"}' },
    from,
    to,
  )
  expect(found).toEqual([[traceId, 'example: invoke_agent example', expect.any(Number), 5_000_530]])
  const trace = await grafana.trace(traceId)
  expect(trace.spans).toHaveLength(9)
  for (const one of trace.spans) {
    expect(Number.isSafeInteger(one.startTime) && Number.isSafeInteger(one.duration)).toBe(true)
    expect(
      Array.isArray(one.tags) && Array.isArray(one.logs) && Array.isArray(one.references),
    ).toBe(true)
  }
  // With the data source's switch for times: milliseconds.
  const times = `?end=${to.getTime()}&start=${from.getTime()}`
  expect((await grafana.trace(traceId, times)).spans).toHaveLength(9)
  const tooEarly = `?end=${from.getTime()}&start=${from.getTime() - 1_000}`
  await expect(grafana.trace(traceId, tooEarly)).rejects.toThrow('404')
  await expect(grafana.trace(newTraceId())).rejects.toThrow('404')
  expect(await grafana.dependencies(from, to)).toMatchObject({
    data: [{ parent: 'example', child: 'unknown_service', callCount: 2 }],
    errors: null,
  })
})

test('Grafana: many traces, some without a root span, and none without a span', async () => {
  const spans = Array.from({ length: 30 }, (_, index) =>
    span({}, index % 2 === 0 ? {} : { parentSpanId: newSpanId() }),
  )
  await stage.landSpans(spans, { 'service.name': 'thirty' })
  const [from, to] = [new Date(Date.now() - 3_600_000), new Date(Date.now() + 60_000)]
  expect(await openGrafana(stage).search({ service: 'thirty' }, from, to)).toHaveLength(20)
})

/** The reasons for which Jaeger UI 2.21 refuses a trace: ids, numbers that are not text, not exactly one value per attribute. */
function refinedProblems(value: unknown, path = ''): string[] {
  if (Array.isArray(value))
    return value.flatMap((one, index) => refinedProblems(one, `${path}[${index}]`))
  if (typeof value !== 'object' || value === null) return []
  const problems: string[] = []
  const check = (name: string, isGood: (member: unknown) => boolean) => {
    const member: unknown = Object.getOwnPropertyDescriptor(value, name)?.value
    if (member !== undefined && !isGood(member)) problems.push(`${path}.${name}: ${member}`)
  }
  const hex = (length: number) => (member: unknown) =>
    typeof member === 'string' && new RegExp(`^(?!0+$)[0-9a-f]{${length}}$`, 'i').test(member)
  const decimal = (member: unknown) => typeof member === 'string' && /^-?\d{1,20}$/.test(member)
  const count = (member: unknown) => Number.isInteger(member) && Number(member) >= 0
  check('traceId', hex(32))
  for (const name of ['spanId', 'parentSpanId']) check(name, hex(16))
  for (const name of ['startTimeUnixNano', 'endTimeUnixNano', 'timeUnixNano']) check(name, decimal)
  for (const name of ['kind', 'flags', 'code']) check(name, count)
  for (const name of ['Attributes', 'Events', 'Links']) check(`dropped${name}Count`, count)
  check('intValue', decimal)
  check('doubleValue', (member) => typeof member === 'number')
  check(
    'bytesValue',
    (member) =>
      typeof member === 'string' && Buffer.from(member, 'base64').toString('base64') === member,
  )
  if ('key' in value) {
    const held =
      'value' in value && typeof value.value === 'object' ? Object.keys(value.value ?? {}) : []
    if (held.length !== 1) problems.push(`${path}: ${held.length} values`)
  }
  return [
    ...problems,
    ...Object.entries(value).flatMap(([key, one]) => refinedProblems(one, `${path}.${key}`)),
  ]
}

test('Jaeger’s UI: services, operations, summaries, the trace, dependencies', async () => {
  const { services } = await stage.read('/api/v3/services')
  expect(services).toContain('example')
  const { operations } = await stage.read('/api/v3/operations?service=example')
  expect(operations).toContainEqual({ name: 'chat model-1', spanKind: 'client' })

  const query = new URLSearchParams({
    'query.serviceName': 'example',
    'query.startTimeMin': new Date(Date.now() - 7_200_000).toISOString(),
    'query.startTimeMax': new Date().toISOString(),
    'query.searchDepth': '20',
    'query.attributes': '{"error":"true"}',
  })
  const { summaries } = await stage.read(`/api/v3/trace-summaries?${query}`)
  expect(refinedProblems(summaries)).toEqual([])
  expect(summaries).toMatchObject([{ traceId, spanCount: 9, errorSpanCount: 1 }])

  // The trace page reads v1, or v3, by its version.
  const { data } = await stage.read(`/api/traces/${traceId}`)
  expect(data).toMatchObject([{ traceID: traceId }])
  const { result } = await stage.read(`/api/v3/traces/${traceId}`)
  expect(refinedProblems(result)).toEqual([])
  expect(JSON.stringify(result).match(/"startTimeUnixNano"/g)).toHaveLength(9)

  const { data: links } = await stage.read(
    `/api/dependencies?endTs=${Date.now()}&lookback=604800000`,
  )
  expect(links).toEqual([{ parent: 'example', child: 'unknown_service', callCount: 2 }])
})

test('every trace can be drawn as a tree: each span has a path to a root', async () => {
  const { data } = await stage.read(`/api/traces/${traceId}`)
  const trace: GrafanaTrace = Array.isArray(data)
    ? data[0]
    : { traceID: '', spans: [], processes: {} }
  const parents = new Map(
    trace.spans.map(({ spanID, references }) => [
      spanID,
      references.find(({ refType }) => refType === 'CHILD_OF')?.spanID,
    ]),
  )
  for (const start of parents.keys()) {
    let steps = 0
    for (let at: string | undefined = start; at !== undefined; at = parents.get(at)) steps += 1
    expect(steps).toBeLessThan(10)
  }
})

test('a trace of 10 008 spans comes whole, in both versions', async () => {
  const id = newTraceId()
  const root = newSpanId()
  const count = 10_008
  const spans = Array.from({ length: count }, (_, index) =>
    span(
      { index, 'gen_ai.tool.call.result': `result ${index}` },
      { traceId: id, ...(index === 0 ? { spanId: root } : { parentSpanId: root }) },
    ),
  )
  for (let start = 0; start < count; start += 3_000) {
    await stage.landSpans(spans.slice(start, start + 3_000), { 'service.name': 'large' })
  }
  const expected = new Set(spans.map(({ spanId }) => spanId))
  const { data } = await stage.read(`/api/traces/${id}`)
  const v1: GrafanaTrace = Array.isArray(data) ? data[0] : { traceID: '', spans: [], processes: {} }
  expect(v1.spans).toHaveLength(count)
  expect(new Set(v1.spans.map(({ spanID }) => spanID))).toEqual(expected)
  const results = v1.spans.map(
    ({ tags }) => tags.find(({ key }) => key === 'gen_ai.tool.call.result')?.value,
  )
  expect(new Set(results).size).toBe(count)
  expect(Object.keys(v1.processes)).toHaveLength(1)
  const text = await (await stage.get(`/api/v3/traces/${id}`)).text()
  const ids = [...text.matchAll(/"spanId":"([0-9a-f]{16})"/g)].map(([, spanId]) => spanId)
  expect(ids).toHaveLength(count)
  expect(new Set(ids)).toEqual(expected)
  const { resourceSpans } = JSON.parse(text).result
  expect(resourceSpans).toHaveLength(1)
  expect(resourceSpans[0].scopeSpans).toHaveLength(1)
})

test('a trace is gzipped for a client that accepts it, and is the same as without gzip', async () => {
  for (const path of [`/api/traces/${traceId}`, `/api/v3/traces/${traceId}`]) {
    const authorization = `Bearer ${stage.token}`
    const zipped = await stage.get(path, { authorization, 'accept-encoding': 'gzip' })
    const plain = await stage.get(path, { authorization, 'accept-encoding': 'identity' })
    expect([zipped, plain].map(({ headers }) => headers.get('content-encoding'))).toEqual([
      'gzip',
      null,
    ])
    expect(await zipped.text()).toBe(await plain.text())
  }
})

test('a span id with another start is another span', async () => {
  const id = newTraceId()
  const at = BigInt(Date.now()) * 1_000_000n
  const one = { traceId: id, spanId: '00000000000000aa', endTimeUnixNano: String(at + 9_000_000n) }
  await stage.landSpans([
    span({ n: 1 }, { ...one, startTimeUnixNano: String(at) }),
    span({ n: 2 }, { ...one, startTimeUnixNano: String(at + 1_000n) }),
  ])
  const { data } = await stage.read(`/api/traces/${id}`)
  const trace: GrafanaTrace = Array.isArray(data)
    ? data[0]
    : { traceID: '', spans: [], processes: {} }
  const numbers = trace.spans.map(({ tags }) => tags.find(({ key }) => key === 'n')?.value)
  expect(numbers).toEqual([1, 2])
})
