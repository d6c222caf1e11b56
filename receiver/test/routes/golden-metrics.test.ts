/** Metrics as real clients send them: SQL's sums are the SDK's counts. */

import { readFileSync } from 'node:fs'
import { type Attributes, ValueType } from '@opentelemetry/api'
import { OTLPMetricExporter as JsonMetricExporter } from '@opentelemetry/exporter-metrics-otlp-http'
import { OTLPMetricExporter as ProtobufMetricExporter } from '@opentelemetry/exporter-metrics-otlp-proto'
import { CompressionAlgorithm } from '@opentelemetry/otlp-exporter-base'
import { resourceFromAttributes } from '@opentelemetry/resources'
import {
  AggregationTemporality,
  AggregationType,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import { expect, test } from 'vitest'
import { nanoseconds, post } from '../../../test/support/otlp.ts'
import { withReceiver } from '../../../test/support/receiver.ts'

test.each([
  ['JSON, delta', JsonMetricExporter, CompressionAlgorithm.NONE, AggregationTemporality.DELTA],
  ['JSON, gzip', JsonMetricExporter, CompressionAlgorithm.GZIP, AggregationTemporality.CUMULATIVE],
  ['protobuf', ProtobufMetricExporter, CompressionAlgorithm.NONE, AggregationTemporality.DELTA],
  [
    'protobuf, gzip',
    ProtobufMetricExporter,
    CompressionAlgorithm.GZIP,
    AggregationTemporality.CUMULATIVE,
  ],
] as const)(
  'metrics of the JS SDK land whole: %s',
  async (_name, Exporter, compression, temporality) => {
    const { database, receiver } = await withReceiver()
    const exporter = new Exporter({
      url: `${receiver.url}/v1/metrics`,
      headers: { authorization: `Bearer ${receiver.token}` },
      compression,
      temporalityPreference: temporality,
    })
    const provider = new MeterProvider({
      resource: resourceFromAttributes({ 'service.name': 'golden' }),
      readers: [new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 })],
      views: [
        {
          instrumentName: 'exponential',
          aggregation: { type: AggregationType.EXPONENTIAL_HISTOGRAM },
        },
      ],
    })
    const meter = provider.getMeter('golden', '1.2.3')
    const mara: Attributes = { 'session.id': 's-1', model: 'm-1' }
    const tokens = meter.createCounter('tokens', { unit: '{token}', valueType: ValueType.INT })
    const cost = meter.createCounter('cost', { unit: 'USD' })
    const open = meter.createUpDownCounter('open')
    const duration = meter.createHistogram('duration', { unit: 's', description: 'How long.' })
    const exponential = meter.createHistogram('exponential')
    meter.createObservableGauge('memory').addCallback((result) => result.observe(0.5, mara))
    for (let round = 0; round < 3; round += 1) {
      tokens.add(1000, mara)
      cost.add(0.25, mara)
      open.add(1, mara)
      duration.record(0.7, mara)
      exponential.record(0, mara)
      exponential.record(7, mara)
      await provider.forceFlush()
    }
    await provider.shutdown()

    const added = await database.query(
      `select name, sum(value) as value, sum(count) as count, round(sum(sum)::numeric, 3)::float8 as sum
       from metric_increases where session_id = 's-1' group by name order by name`,
    )
    expect(added).toEqual([
      { name: 'cost', value: 0.75, count: null, sum: null },
      { name: 'duration', value: null, count: '3', sum: 2.1 },
      { name: 'exponential', value: null, count: '6', sum: 21 },
      { name: 'tokens', value: 3000, count: null, sum: null },
    ])
    const kinds = await database.query(
      `select distinct name, kind, unit, scope, service_name, user_id from metrics order by name`,
    )
    const common = {
      scope: { name: 'golden', version: '1.2.3' },
      service_name: 'golden',
      user_id: 'mara',
    }
    expect(kinds).toEqual([
      { name: 'cost', kind: 'sum', unit: 'USD', ...common },
      { name: 'duration', kind: 'histogram', unit: 's', ...common },
      { name: 'exponential', kind: 'exponential_histogram', unit: null, ...common },
      { name: 'memory', kind: 'gauge', unit: null, ...common },
      { name: 'open', kind: 'sum', unit: null, ...common },
      { name: 'tokens', kind: 'sum', unit: '{token}', ...common },
    ])
  },
)

test('metrics as Claude Code sends them: lines, cost, tokens and decisions of a session', async () => {
  const { database, receiver } = await withReceiver()
  const golden = readFileSync(new URL('golden/claude-code-metrics.json', import.meta.url), 'utf8')
  const ago = (seconds: number) => nanoseconds(new Date(Date.now() - seconds * 1000))
  const request = golden
    .replaceAll('$start', ago(120))
    .replaceAll('$middle', ago(60))
    .replaceAll('$now', ago(0))
  expect(await (await post(receiver, 'metrics', request)).json()).toEqual({})
  expect(await (await post(receiver, 'metrics', request)).json()).toEqual({})
  const added = await database.query(
    `select name, unit, attributes ->> 'type' as type, attributes ->> 'decision' as decision,
            round(sum(value)::numeric, 4)::float8 as value
       from metric_increases
      where session_id = '5a1f7c52-0b0e-4b5c-9f43-7f6f6a0a2b11' and user_id = 'mara'
      group by 1, 2, 3, 4 order by 1, 3, 4`,
  )
  const name = (short: string) => `claude_code.${short}`
  const none = { unit: null, type: null, decision: null }
  expect(added).toEqual([
    { ...none, name: name('active_time.total'), unit: 's', type: 'cli', value: 188.5 },
    { ...none, name: name('active_time.total'), unit: 's', type: 'user', value: 61.25 },
    { ...none, name: name('code_edit_tool.decision'), decision: 'accept', value: 2 },
    { ...none, name: name('code_edit_tool.decision'), decision: 'reject', value: 1 },
    { ...none, name: name('commit.count'), value: 1 },
    { ...none, name: name('cost.usage'), unit: 'USD', value: 0.0505 },
    { ...none, name: name('lines_of_code.count'), type: 'added', value: 42 },
    { ...none, name: name('lines_of_code.count'), type: 'removed', value: 3 },
    { ...none, name: name('session.count'), value: 1 },
    { ...none, name: name('token.usage'), unit: 'tokens', type: 'cacheCreation', value: 2100 },
    { ...none, name: name('token.usage'), unit: 'tokens', type: 'cacheRead', value: 15200 },
    { ...none, name: name('token.usage'), unit: 'tokens', type: 'input', value: 120 },
    { ...none, name: name('token.usage'), unit: 'tokens', type: 'output', value: 840 },
  ])
})
