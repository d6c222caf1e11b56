/** An app with its own OpenTelemetry SDK, set up after the preload, that prints warnings. */
import { createRequire } from 'node:module'
import {
  context,
  DiagConsoleLogger,
  DiagLogLevel,
  diag,
  logs,
  type Span,
  trace,
} from '@opentelemetry/api'
import { NodeSDK } from '@opentelemetry/sdk-node'
import { inTurn } from './in-turn.ts'

const early = trace.getTracer('early')
const required: typeof import('@opentelemetry/api') = createRequire(import.meta.url)(
  '@opentelemetry/api',
)
diag.setLogger(new DiagConsoleLogger(), DiagLogLevel.WARN)
const seen: string[] = []
const sdk = new NodeSDK({
  serviceName: 'host',
  autoDetectResources: false,
  spanProcessors: [
    {
      onStart: () => undefined,
      onEnd: (span) => {
        const parent = span.parentSpanContext === undefined ? 'root' : 'child'
        seen.push(`${span.instrumentationScope.name} ${span.name} ${parent}`)
      },
      forceFlush: async () => undefined,
      shutdown: async () => undefined,
    },
  ],
  logRecordProcessors: [
    {
      onEmit: (record) => seen.push(`log ${String(record.body)}`),
      forceFlush: async () => undefined,
      shutdown: async () => undefined,
    },
  ],
  metricReaders: [],
})
sdk.start()

function work(): void {
  early.startActiveSpan('outer', (outer: Span) => {
    trace.getTracer('late').startSpan('inner').end()
    required.trace.getTracer('required').startSpan('inner').end()
    console.log(trace.getActiveSpan() === outer, required.trace.getActiveSpan() === outer)
    logs.getLogger('log').emit({ body: 'hello' })
    outer.end()
  })
  console.log(trace.getActiveSpan(), context.active().constructor.name)
}

work()
await inTurn(work)
console.log(seen)
await sdk.shutdown()
