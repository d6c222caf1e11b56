/** What OpenTelemetry's exporters put on the wire of a sealed record: the OTLP that a segment has of it. */
import { expect, test, vi } from 'vitest'
import type { JournaledLog, JournaledSpan } from '../../src/journal/journaled.ts'
import type { ExportedRecord } from '../../src/otlp/export-outlet.ts'
import { toOtlpLog, toOtlpRequest, toOtlpSpan } from '../../src/otlp/otlp-json.ts'
import type { Signal } from '../../src/spool/segment-name.ts'
import { createExporters } from '../../src/upload/exporters.ts'
import { type Answer, startReceiver, status } from './receiver.ts'

async function startCollector(answer?: Answer) {
  const server = await startReceiver(answer)
  const target = (signal: string) => ({
    url: `${server.url}/v1/${signal}`,
    headers: { authorization: 'Bearer secret' },
  })
  return { ...server, targets: { traces: target('traces'), logs: target('logs') } }
}

const scope = { name: 'a-scope', version: '1.2.3', schemaUrl: 'https://example/schema' }
const attributes = {
  text: 'text, "quoted" \ud83d\ude00 \u0000',
  empty: '',
  integer: 42,
  negative: -7,
  large: Number.MAX_SAFE_INTEGER,
  double: 0.1,
  yes: true,
  bytes: new Uint8Array([0, 1, 255]),
  list: ['a', 1, true, null, ['nested']],
  map: { a: 1, ['__proto__']: 'own' },
  nothing: null,
}
const span: JournaledSpan = {
  traceId: 'a'.repeat(32),
  spanId: 'b'.repeat(16),
  parentSpanId: 'c'.repeat(16),
  name: 'file.edit',
  kind: 2,
  start: '1700000000123456789',
  end: '1700000001000000001',
  attributes: {},
  status: { code: 2, message: 'failed' },
  events: [{ name: 'an event', time: '1700000000500000000', attributes: { a: 1 } }],
  links: [
    {
      traceId: 'd'.repeat(32),
      spanId: 'e'.repeat(16),
      flags: 0x301,
      traceState: 'vendor=1',
      attributes: { why: 'caller' },
    },
  ],
  scope,
  flags: 0x101,
  traceState: 'a=1,b=2',
}
const log: JournaledLog = {
  time: '1700000000123456789',
  observed: '1700000000123456790',
  severity: 9,
  severityText: 'INFO',
  eventName: 'an.event',
  body: { a: ['b'] },
  attributes: {},
  traceId: 'a'.repeat(32),
  spanId: 'b'.repeat(16),
  flags: 1,
  scope,
}

function record(otlp: object, of = scope): ExportedRecord {
  return { scope: of, json: JSON.stringify(otlp) }
}

/** What is not said is 0 or empty. */
function withoutDefaults(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutDefaults)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name, member]) => !(/^dropped.*Count$/.test(name) && member === 0))
      .filter(([name, member]) => name !== 'body' || Object.keys(member as object).length > 0)
      .map(([name, member]) => [name, withoutDefaults(member)]),
  )
}

const resource = { 'service.name': 'a-test', 'turnlog.recorder.recorded_through': 7 }

test.each<[Signal, ExportedRecord[]]>([
  [
    'traces',
    [
      record(toOtlpSpan(span, attributes)),
      record(toOtlpSpan({ ...span, spanId: 'f'.repeat(16) }, {}), {
        ...scope,
        name: 'another',
      }),
    ],
  ],
  [
    'logs',
    [
      record(toOtlpLog(log, attributes)),
      record(toOtlpLog({ time: '1', observed: '2', attributes: {}, scope }, {})),
    ],
  ],
])('%s are sent as a segment has them', async (signal, records) => {
  await using collector = await startCollector()
  const exportRecords = createExporters(collector.targets)
  expect(await exportRecords(signal, resource, records)).toEqual({ status: 'exported' })
  const [taken] = collector.received
  expect(taken?.url).toBe(`/v1/${signal}`)
  expect(taken?.headers.authorization).toBe('Bearer secret')
  const segment: unknown = JSON.parse(toOtlpRequest(signal, resource, records))
  expect(withoutDefaults(JSON.parse(taken?.body ?? ''))).toEqual(segment)
})

test('numbers that the exporter cannot say go as text', async () => {
  await using collector = await startCollector()
  const odd = { nan: Number.NaN, huge: 1e300, long: 2n ** 62n }
  const records = [record(toOtlpSpan(span, odd))]
  await createExporters(collector.targets)('traces', resource, records)
  const values = [
    ...(collector.received[0]?.body ?? '').matchAll(/"(nan|huge|long)","value":({.*?})/g),
  ]
  expect(values.map(([, name, value]) => [name, value])).toEqual([
    ['nan', '{"stringValue":"NaN"}'],
    ['huge', '{"stringValue":"1e+300"}'],
    ['long', '{"stringValue":"4611686018427387904"}'],
  ])
})

test('compression, headers and the time limit are those of the standard variables', async () => {
  vi.stubEnv('OTEL_EXPORTER_OTLP_COMPRESSION', 'gzip')
  vi.stubEnv('OTEL_EXPORTER_OTLP_HEADERS', 'x-team=ours')
  await using collector = await startCollector()
  const exportRecords = createExporters(collector.targets)
  vi.unstubAllEnvs()
  await exportRecords('logs', resource, [record(toOtlpLog(log, {}))])
  expect(collector.received[0]?.headers).toMatchObject({
    'content-encoding': 'gzip',
    'x-team': 'ours',
    authorization: 'Bearer secret',
  })
})

test.each([400, 401, 413])('an answer of %i is final, and is told', async (code) => {
  await using collector = await startCollector(status(code))
  const records = [record(toOtlpSpan(span, {}))]
  expect(await createExporters(collector.targets)('traces', resource, records)).toMatchObject({
    status: 'failed',
  })
  expect(collector.received).toHaveLength(1)
})

test('nobody there is told when the time limit has passed', async () => {
  vi.stubEnv('OTEL_EXPORTER_OTLP_TIMEOUT', '10')
  const target = { url: 'http://127.0.0.1:9/v1/x', headers: {} }
  const exportRecords = createExporters({ traces: target, logs: target })
  vi.unstubAllEnvs()
  const records = [record(toOtlpLog(log, {}))]
  expect(await exportRecords('logs', resource, records)).toMatchObject({ status: 'failed' })
})

test('a record that is none is told, and nothing is thrown', async () => {
  await using collector = await startCollector()
  const broken = { ...record({}), json: 'no json' }
  expect(await createExporters(collector.targets)('traces', resource, [broken])).toMatchObject({
    status: 'failed',
  })
  expect(collector.received).toEqual([])
})
