/** OpenTelemetry's exporters send the bytes of a sealed request as they are, as the standard variables say. */
import { expect, test, vi } from 'vitest'
import type { JournaledLog, JournaledSpan } from '../../src/journal/span-head.ts'
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

const resource = { 'service.name': 'a-test', 'turnlog.recorder.recorded_through': 7 }

function request(signal: Signal, ...records: readonly object[]): Uint8Array {
  const written = records.map((otlp) => ({ scope, json: JSON.stringify(otlp) }))
  return Buffer.from(toOtlpRequest(signal, resource, written))
}

const requests: [Signal, Uint8Array][] = [
  ['traces', request('traces', toOtlpSpan(span, attributes), toOtlpSpan(span, {}))],
  ['logs', request('logs', toOtlpLog(log, attributes))],
]

test.each(requests)('%s are sent as a segment has them, byte for byte', async (signal, body) => {
  await using collector = await startCollector()
  const exportRequest = createExporters(collector.targets)
  expect(await exportRequest(signal, body)).toEqual({ status: 'exported' })
  const [taken] = collector.received
  expect(taken?.url).toBe(`/v1/${signal}`)
  expect(taken?.headers).toMatchObject({
    authorization: 'Bearer secret',
    'content-type': 'application/json',
  })
  expect(taken?.body).toBe(Buffer.from(body).toString())
})

test('numbers that the exporters themselves could not write arrive as they were sealed', async () => {
  await using collector = await startCollector()
  const odd = { nan: Number.NaN, huge: 1e300, long: 2n ** 62n }
  await createExporters(collector.targets)('traces', request('traces', toOtlpSpan(span, odd)))
  const values = [
    ...(collector.received[0]?.body ?? '').matchAll(/"(nan|huge|long)","value":({.*?})/g),
  ]
  expect(values.map(([, name, value]) => [name, value])).toEqual([
    ['nan', '{"doubleValue":"NaN"}'],
    ['huge', '{"doubleValue":1e+300}'],
    ['long', '{"intValue":"4611686018427387904"}'],
  ])
})

test('a partial success is a success: what the other end rejects is its judgement', async () => {
  const partial = JSON.stringify({ partialSuccess: { rejectedSpans: '1', errorMessage: 'no' } })
  await using collector = await startCollector((_, response) => response.end(partial))
  const [signal, body] = requests[0] ?? ['traces', new Uint8Array()]
  expect(await createExporters(collector.targets)(signal, body)).toEqual({ status: 'exported' })
})

test('compression, headers and the time limit are those of the standard variables', async () => {
  vi.stubEnv('OTEL_EXPORTER_OTLP_COMPRESSION', 'gzip')
  vi.stubEnv('OTEL_EXPORTER_OTLP_HEADERS', 'x-team=ours')
  await using collector = await startCollector()
  const exportRequest = createExporters(collector.targets)
  vi.unstubAllEnvs()
  await exportRequest('logs', request('logs', toOtlpLog(log, {})))
  expect(collector.received[0]?.headers).toMatchObject({
    'content-encoding': 'gzip',
    'x-team': 'ours',
    authorization: 'Bearer secret',
  })
})

test.each([400, 401, 413])('an answer of %i is final, and reported', async (code) => {
  await using collector = await startCollector(status(code))
  const body = request('traces', toOtlpSpan(span, {}))
  expect(await createExporters(collector.targets)('traces', body)).toMatchObject({
    status: 'failed',
  })
  expect(collector.received).toHaveLength(1)
})

test('a server that is not there is reported when the time limit has passed', async () => {
  vi.stubEnv('OTEL_EXPORTER_OTLP_TIMEOUT', '10')
  const target = { url: 'http://127.0.0.1:9/v1/x', headers: {} }
  const exportRequest = createExporters({ traces: target, logs: target })
  vi.unstubAllEnvs()
  const body = request('logs', toOtlpLog(log, {}))
  expect(await exportRequest('logs', body)).toMatchObject({ status: 'failed' })
})

test('a request that cannot be sent is reported, and nothing is thrown', async () => {
  const target = { url: 'ftp://127.0.0.1/v1/x', headers: {} }
  const body = request('logs', toOtlpLog(log, {}))
  expect(await createExporters({ traces: target, logs: target })('logs', body)).toMatchObject({
    status: 'failed',
  })
})
