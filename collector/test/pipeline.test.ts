/** Records arrive unchanged through the Collector, over HTTP and over gRPC. */
import { writeFileSync } from 'node:fs'
import * as path from 'node:path'
import { OTLPLogExporter as GrpcLogExporter } from '@opentelemetry/exporter-logs-otlp-grpc'
import { OTLPLogExporter as JsonLogExporter } from '@opentelemetry/exporter-logs-otlp-http'
import { OTLPLogExporter as ProtobufLogExporter } from '@opentelemetry/exporter-logs-otlp-proto'
import { OTLPMetricExporter as GrpcMetricExporter } from '@opentelemetry/exporter-metrics-otlp-grpc'
import { OTLPMetricExporter as JsonMetricExporter } from '@opentelemetry/exporter-metrics-otlp-http'
import { OTLPMetricExporter as ProtobufMetricExporter } from '@opentelemetry/exporter-metrics-otlp-proto'
import { OTLPTraceExporter as GrpcTraceExporter } from '@opentelemetry/exporter-trace-otlp-grpc'
import { OTLPTraceExporter as JsonTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { OTLPTraceExporter as ProtobufTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import { CompressionAlgorithm } from '@opentelemetry/otlp-exporter-base'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { LoggerProvider, SimpleLogRecordProcessor } from '@opentelemetry/sdk-logs'
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics'
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import { expect, test } from 'vitest'
import { expectAllOnce, openStage } from './support/stage.ts'

test('a turn that the preload records lands once, whole, and is deleted from the spool', async () => {
  await using stage = await openStage()
  await stage.collector.start()
  const app = await stage.startApp()
  const { answer } = await app.chat('create notes.txt with Buy milk')
  await expectAllOnce(stage, ['notes.txt'])
  expect(await stage.database.query('select prompt, answer, user_id, outcome from turns')).toEqual([
    { prompt: 'create notes.txt with Buy milk', answer, user_id: 'mara', outcome: 'completed' },
  ])
  expect(await stage.database.query('select after from file_operations')).toMatchObject([
    { after: expect.stringContaining('Buy milk') },
  ])
})

test('contents of megabytes are sent in parts, and read unchanged', async () => {
  await using stage = await openStage()
  await stage.collector.start()
  const large = Array.from(
    { length: 100_000 },
    (_, line) => `line ${line} of a large file 😀\n`,
  ).join('')
  writeFileSync(path.join(stage.workspace, 'large.txt'), large)
  const app = await stage.startApp()
  await app.chat('read large.txt')
  await app.chat('create small.txt with text')
  await expectAllOnce(stage, ['small.txt'])
  const results = () =>
    stage.database.query("select result from tool_calls where arguments like '%large.txt%'")
  await expect.poll(results).toEqual([{ result: large }])
})

const kinds = [
  ['HTTP, JSON', 'http', JsonTraceExporter, JsonLogExporter, JsonMetricExporter],
  ['HTTP, protobuf', 'http', ProtobufTraceExporter, ProtobufLogExporter, ProtobufMetricExporter],
  ['gRPC', 'grpc', GrpcTraceExporter, GrpcLogExporter, GrpcMetricExporter],
] as const

// Above the 4 MiB that gRPC takes by default.
const largeBytes = 6 * 1024 ** 2

test.each(kinds)(
  'spans, logs and metrics of OpenTelemetry’s own exporters land once, large ones whole: %s',
  async (_name, protocol, TraceExporter, LogExporter, MetricExporter) => {
    await using stage = await openStage()
    const { collector, database } = stage
    await collector.start()
    const config = (signal: string) => ({
      url: protocol === 'grpc' ? collector.grpcUrl : `${collector.url}/v1/${signal}`,
      compression: CompressionAlgorithm.GZIP,
      timeoutMillis: 60_000,
    })
    const large = 'é'.repeat(largeBytes / 2)
    const resource = resourceFromAttributes({ 'service.name': 'other', 'session.id': 's-1' })

    const tracers = new TracerProvider({
      resource,
      spanProcessors: [new BatchSpanProcessor({ exporter: new TraceExporter(config('traces')) })],
    })
    const span = tracers.getTracer('test').startSpan('execute_tool read_file', {
      attributes: {
        'gen_ai.operation.name': 'execute_tool',
        'gen_ai.tool.name': 'read_file',
        'gen_ai.tool.call.result': large,
      },
    })
    span.end()
    await tracers.shutdown()
    const loggers = new LoggerProvider({
      resource,
      processors: [new SimpleLogRecordProcessor({ exporter: new LogExporter(config('logs')) })],
    })
    loggers.getLogger('test').emit({ body: large, eventName: 'large' })
    await loggers.shutdown()
    const meters = new MeterProvider({
      resource,
      readers: [
        new PeriodicExportingMetricReader({ exporter: new MetricExporter(config('metrics')) }),
      ],
    })
    meters.getMeter('test').createCounter('edits').add(3)
    await meters.shutdown()

    await expect
      .poll(() =>
        database.query('select count(*)::int as count from metrics where name = $1', ['edits']),
      )
      .toEqual([{ count: 1 }])
    await expect
      .poll(() => database.query('select tool, result from tool_calls'))
      .toEqual([{ tool: 'read_file', result: large }])
    await expect
      .poll(() =>
        database.query("select count(*)::int as count from log_records where event_name = 'large'"),
      )
      .toEqual([{ count: 1 }])
  },
)
