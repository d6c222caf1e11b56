/**
 * OpenTelemetry's own exporters, in place of our transport: OTLP/HTTP with JSON. They read time limit, compression,
 * certificates and further headers from `OTEL_EXPORTER_OTLP_*`, and try a request a few times within the time limit.
 * Their answer is final.
 *
 * They would make JSON of spans and log records. Ours is JSON already, so their serializer is replaced by one that
 * hands the bytes on. Their constructors take no serializer, and `createOtlpHttpExportDelegate`, which does, takes its
 * settings from a function that is deprecated: so the private field is set. The versions are pinned, and a test sends.
 */
import { OTLPLogExporter } from '@opentelemetry/exporter-logs-otlp-http'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { errorName } from '@turnlog/conventions/plain'
import type { ExportRequest } from '../otlp/export-outlet.ts'
import type { OtlpTarget, OtlpTargets } from './otlp-targets.ts'

/** More than are ever in flight at once: above it an exporter drops. */
const concurrencyMax = 64

/** The exporters' common part, as 0.301.0 has it: serializer, transport with retries, and answer. */
interface Delegate {
  _serializer: { serializeRequest(request: Uint8Array): Uint8Array | undefined }
  export(request: Uint8Array, done: (result: { code: number; error?: Error }) => void): void
}

/** The function it returns never throws and never rejects. */
export function createExporters({ traces, logs }: OtlpTargets): ExportRequest {
  const optionsOf = ({ url, headers }: OtlpTarget) => ({
    url,
    headers: { ...headers },
    concurrencyLimit: concurrencyMax,
  })
  const delegates = {
    traces: delegateOf(new OTLPTraceExporter(optionsOf(traces))),
    logs: delegateOf(new OTLPLogExporter(optionsOf(logs))),
  }

  return (signal, request) =>
    new Promise((resolve) => {
      const fail = (error: unknown): void => resolve({ status: 'failed', reason: errorName(error) })
      try {
        delegates[signal].export(request, ({ code, error }) => {
          if (code === 0) resolve({ status: 'exported' })
          else fail(error)
        })
      } catch (error) {
        fail(error)
      }
    })
}

function delegateOf(exporter: object): Delegate {
  const delegate: unknown = Reflect.get(exporter, '_delegate')
  if (!isDelegate(delegate)) throw new Error('This exporter has no serializer to replace.')
  delegate._serializer = { ...delegate._serializer, serializeRequest: (request) => request }
  return delegate
}

function isDelegate(value: unknown): value is Delegate {
  return typeof value === 'object' && value !== null && '_serializer' in value && 'export' in value
}
