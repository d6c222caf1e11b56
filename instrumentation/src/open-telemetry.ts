/**
 * The real OpenTelemetry SDK, with our processors and nothing else: no exporter, no detector, no console. It is private:
 * nothing is registered with the API, so a host that sets up its own SDK finds the API as without us.
 */
import { context, logs, type TracerProvider, trace } from '@opentelemetry/api'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { LoggerProvider, type LogRecordProcessor } from '@opentelemetry/sdk-logs'
import { NodeSDK } from '@opentelemetry/sdk-node'
import { AlwaysOnSampler, type SpanProcessor } from '@opentelemetry/sdk-trace'
import type { AttributeName } from '@turnlog/conventions'
import { contexts } from './record/contexts.ts'
import { traceIds } from './record/next-trace.ts'

/** The limits of the environment do not apply, so that nothing is cut; this one only bounds a runaway loop. */
const attributesMax = 10_000

export function startOpenTelemetry(options: {
  readonly attributes: { [Name in AttributeName]?: string | number }
  readonly spanProcessors: SpanProcessor[]
  readonly logRecordProcessor: LogRecordProcessor
}) {
  const resource = resourceFromAttributes(options.attributes)
  // NodeSDK takes log limits from the environment only, so the log provider is made here.
  const loggerProvider = new LoggerProvider({
    resource,
    processors: [options.logRecordProcessor],
    logRecordLimits: {
      attributeCountLimit: attributesMax,
      attributeValueLengthLimit: Number.POSITIVE_INFINITY,
    },
  })
  const sdk = withoutLogLevel(
    () =>
      new NodeSDK({
        resource,
        autoDetectResources: false,
        contextManager: contexts,
        // Adds no headers to the host's requests.
        textMapPropagator: null,
        // A browser's unsampled traceparent, or OTEL_TRACES_SAMPLER, does not switch recording off.
        sampler: new AlwaysOnSampler(),
        idGenerator: traceIds,
        spanProcessors: options.spanProcessors,
        spanLimits: {
          attributeCountLimit: attributesMax,
          eventCountLimit: attributesMax,
          linkCountLimit: attributesMax,
          attributeValueLengthLimit: Number.POSITIVE_INFINITY,
        },
        // Without these, NodeSDK would post to localhost:4318.
        logRecordProcessors: [],
        metricReaders: [],
      }),
  )
  return {
    tracerProvider: startPrivately(sdk),
    loggerProvider,
    shutDown: () => void sdk.shutdown().catch(() => undefined),
  }
}

/** NodeSDK gives out its provider only by registering it, so the registration is intercepted. */
function startPrivately(sdk: NodeSDK): TracerProvider {
  let provider: TracerProvider | undefined
  trace.setGlobalTracerProvider = (given) => {
    provider = given
    return true
  }
  context.setGlobalContextManager = () => true
  logs.setGlobalLoggerProvider = () => true
  try {
    sdk.start()
  } finally {
    Reflect.deleteProperty(trace, 'setGlobalTracerProvider')
    Reflect.deleteProperty(context, 'setGlobalContextManager')
    Reflect.deleteProperty(logs, 'setGlobalLoggerProvider')
  }
  if (provider === undefined) throw new Error('Expected NodeSDK to register a tracer provider.')
  return provider
}

/** OTEL_LOG_LEVEL would make the SDK's constructor put a console logger into the host. */
function withoutLogLevel<T>(construct: () => T): T {
  const level = process.env.OTEL_LOG_LEVEL
  if (level === undefined) return construct()
  // Emptied, not deleted, so that the variables keep their order.
  process.env.OTEL_LOG_LEVEL = ''
  try {
    return construct()
  } finally {
    process.env.OTEL_LOG_LEVEL = level
  }
}
