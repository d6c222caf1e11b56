/** The peer: OpenTelemetry's batch processor and OTLP/JSON exporter, with a server in another thread. */
import { Worker } from 'node:worker_threads'
import { trace } from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import { finishWith, recordSpans } from './span-load.ts'

const sink = new Worker(
  `const { parentPort } = require('node:worker_threads')
   const server = require('node:http').createServer((request, response) => {
     request.resume()
     request.on('end', () => response.setHeader('content-type', 'application/json').end('{}'))
   })
   server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port))`,
  { eval: true },
)
const port = await new Promise<number>((resolve) => {
  sink.once('message', resolve)
})
const processor = new BatchSpanProcessor({
  exporter: new OTLPTraceExporter({ url: `http://127.0.0.1:${port}/v1/traces` }),
  maxQueueSize: 1_000_000,
})
trace.setGlobalTracerProvider(new TracerProvider({ spanProcessors: [processor] }))
finishWith(() => processor.forceFlush())
process.stdout.write(JSON.stringify({ value: await recordSpans() }))
await sink.terminate()
