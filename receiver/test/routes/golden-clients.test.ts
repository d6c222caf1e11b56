/** OpenTelemetry's own exporters, as apps use them: SQL returns what they were given. */
import {
  context,
  ROOT_CONTEXT,
  SeverityNumber,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api'
import { OTLPLogExporter as JsonLogExporter } from '@opentelemetry/exporter-logs-otlp-http'
import { OTLPLogExporter as ProtobufLogExporter } from '@opentelemetry/exporter-logs-otlp-proto'
import { OTLPTraceExporter as JsonTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { OTLPTraceExporter as ProtobufTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import { CompressionAlgorithm } from '@opentelemetry/otlp-exporter-base'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { LoggerProvider, SimpleLogRecordProcessor } from '@opentelemetry/sdk-logs'
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import { expect, test } from 'vitest'
import { withDatabase } from '../../../test/support/postgres.ts'
import { startReceiver, type TestReceiver, withReceiver } from '../../../test/support/receiver.ts'

const kinds = [
  ['JSON', CompressionAlgorithm.NONE, JsonTraceExporter, JsonLogExporter],
  ['JSON, gzip', CompressionAlgorithm.GZIP, JsonTraceExporter, JsonLogExporter],
  ['protobuf', CompressionAlgorithm.NONE, ProtobufTraceExporter, ProtobufLogExporter],
  ['protobuf, gzip', CompressionAlgorithm.GZIP, ProtobufTraceExporter, ProtobufLogExporter],
] as const

function exporterConfig(
  receiver: TestReceiver,
  signal: 'traces' | 'logs',
  compression: CompressionAlgorithm,
) {
  return {
    url: `${receiver.url}/v1/${signal}`,
    headers: { authorization: `Bearer ${receiver.token}` },
    compression,
  }
}

const database = await withDatabase()

const resource = resourceFromAttributes({ 'service.name': 'golden', 'session.id': 's-1' })

test.each(kinds)('spans of the JS SDK land whole: %s', async (_name, compression, Exporter) => {
  await using receiver = await startReceiver({ database })
  await database.query('truncate spans, log_records')
  const exporter = new Exporter(exporterConfig(receiver, 'traces', compression))
  const provider = new TracerProvider({
    resource,
    spanProcessors: [new BatchSpanProcessor({ exporter })],
  })
  const tracer = provider.getTracer('golden', '1.2.3')
  const prompt = JSON.stringify([{ role: 'user', parts: [{ type: 'text', content: 'hé 😀' }] }])
  const turn = tracer.startSpan(
    'invoke_agent golden',
    {
      kind: SpanKind.INTERNAL,
      startTime: [Math.floor(Date.now() / 1000), 123_456_789],
      attributes: {
        'gen_ai.operation.name': 'invoke_agent',
        'gen_ai.input.messages': prompt,
        'gen_ai.usage.input_tokens': 12,
        ratio: 0.25,
        list: ['a', 'b'],
        yes: true,
      },
    },
    ROOT_CONTEXT,
  )
  const inside = trace.setSpan(context.active(), turn)
  for (let index = 0; index < 500; index += 1) {
    const child = tracer.startSpan(
      `execute_tool ${index}`,
      { attributes: { 'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.name': 'read_file' } },
      inside,
    )
    child.setStatus({ code: SpanStatusCode.ERROR, message: 'no such file' })
    child.recordException(new TypeError('gone'))
    child.end()
  }
  turn.end()
  await provider.forceFlush()
  await provider.shutdown()

  expect(
    await database.query('select prompt, input_tokens, tool_calls, session_id, user_id from turns'),
  ).toEqual([
    { prompt: 'hé 😀', input_tokens: 12, tool_calls: 500, session_id: 's-1', user_id: 'mara' },
  ])
  const [row] = await database.query(
    `select kind, (start_unix_nano % 1000000000)::int as nano, attributes -> 'list' as list,
            attributes -> 'ratio' as ratio, attributes -> 'yes' as yes, scope, service_name
       from spans where operation = 'invoke_agent'`,
  )
  expect(row).toEqual({
    kind: 1,
    nano: 123_456_789,
    list: ['a', 'b'],
    ratio: 0.25,
    yes: true,
    scope: { name: 'golden', version: '1.2.3' },
    service_name: 'golden',
  })
  expect(await database.query('select distinct kind, type, message from errors')).toEqual([
    { kind: 'tool_call', type: 'TypeError', message: 'no such file' },
  ])
})

test.each(kinds)(
  'logs of the JS SDK land whole: %s',
  async (_name, compression, _trace, Exporter) => {
    const { database, receiver } = await withReceiver()
    const exporter = new Exporter(exporterConfig(receiver, 'logs', compression))
    const provider = new LoggerProvider({
      resource,
      processors: [new SimpleLogRecordProcessor({ exporter })],
    })
    const logger = provider.getLogger('golden')
    logger.emit({
      eventName: 'exception',
      severityNumber: SeverityNumber.ERROR,
      severityText: 'ERROR',
      body: { nested: { list: [1, 2.5, 'x', true] }, text: 'body' },
      attributes: {
        'exception.type': 'TypeError',
        'exception.message': 'gone',
        bytes: new Uint8Array([0, 255]),
      },
    })
    await provider.forceFlush()
    await provider.shutdown()
    expect(await database.query('select kind, type, message, session_id from errors')).toEqual([
      { kind: 'exception', type: 'TypeError', message: 'gone', session_id: 's-1' },
    ])
    const [row] = await database.query('select body, severity_number, event_name from log_records')
    expect(row).toEqual({
      body: { nested: { list: [1, 2.5, 'x', true] }, text: 'body' },
      severity_number: 17,
      event_name: 'exception',
    })
  },
)
