/**
 * OpenTelemetry's own exporters, in place of our transport: OTLP/HTTP with JSON, whose time limit, compression,
 * certificates and further headers are read by them, from `OTEL_EXPORTER_OTLP_*`. Each request is tried a few times within
 * that limit; what it then is, is final.
 */
import { OTLPLogExporter } from '@opentelemetry/exporter-logs-otlp-http'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { resourceFromAttributes } from '@opentelemetry/resources'
import type { ExportedRecord, ExportRecords } from '../otlp/export-outlet.ts'
import type { OtlpTarget, OtlpTargets } from './otlp-targets.ts'
import { type RecordFrame, toReadableLog, toReadableSpan } from './readable.ts'

/** More than are ever under way at once: above it an exporter drops. */
const concurrencyMax = 64

/** Never rejects. */
export function createExporters({ traces, logs }: OtlpTargets): ExportRecords {
  const optionsOf = ({ url, headers }: OtlpTarget) => ({
    url,
    headers: { ...headers },
    concurrencyLimit: concurrencyMax,
  })
  const exporters = {
    traces: new OTLPTraceExporter(optionsOf(traces)),
    logs: new OTLPLogExporter(optionsOf(logs)),
  }

  return (signal, resource, records) =>
    new Promise((resolve) => {
      const done = ({ code, error }: { readonly code: number; readonly error?: Error }): void => {
        resolve(
          code === 0
            ? { status: 'exported' }
            : { status: 'failed', reason: error?.name ?? 'unknown error' },
        )
      }
      try {
        const frameOf = createFrames(resource)
        if (signal === 'traces') {
          const spans = records.map((record) => toReadableSpan(record.json, frameOf(record)))
          exporters.traces.export(spans, done)
        } else {
          const logs = records.map((record) => toReadableLog(record.json, frameOf(record)))
          exporters.logs.export(logs, done)
        }
      } catch (error) {
        done({ code: 1, error: error instanceof Error ? error : new Error(String(error)) })
      }
    })
}

/** One resource for all, and one object for each scope. */
function createFrames(attributes: object): (record: ExportedRecord) => RecordFrame {
  const resource = resourceFromAttributes({ ...attributes })
  const frames = new Map<string, RecordFrame>()
  return ({ scope }) => {
    const key = JSON.stringify(scope)
    const known = frames.get(key)
    if (known !== undefined) return known
    const frame = { resource, scope: JSON.parse(key) as RecordFrame['scope'] }
    frames.set(key, frame)
    return frame
  }
}
