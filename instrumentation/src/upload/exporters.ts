/**
 * OpenTelemetry's transport in place of ours: OTLP/HTTP with JSON, as its exporters send it. It reads time limit,
 * compression, certificates and further headers from `OTEL_EXPORTER_OTLP_*`, and tries a request a few times within the
 * time limit. Its answer is final. The requests are sealed, so the serializer hands their bytes on.
 */
import {
  convertLegacyHttpOptions,
  createOtlpHttpExportDelegate,
} from '@opentelemetry/otlp-exporter-base/node-http'
import {
  type ISerializer,
  JsonLogsSerializer,
  JsonTraceSerializer,
} from '@opentelemetry/otlp-transformer'
import { errorName } from '@turnlog/conventions/plain'
import type { ExportRequest } from '../otlp/export-outlet.ts'
import { createLookup } from './lookup.ts'
import type { OtlpTargets } from './otlp-targets.ts'

/** More than are ever in flight at once: above it a delegate drops. */
const concurrencyMax = 64

/** The function it returns never throws and never rejects. */
export function createExporters({ traces, logs }: OtlpTargets): ExportRequest {
  const delegates = {
    traces: createDelegate(traces, 'TRACES', JsonTraceSerializer),
    logs: createDelegate(logs, 'LOGS', JsonLogsSerializer),
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

/** Its answers are read as the exporter of that signal reads them. It counts nothing: no meter provider is given. */
function createDelegate<Response>(
  { url, headers }: OtlpTargets['traces'],
  signal: 'TRACES' | 'LOGS',
  { deserializeResponse }: Pick<ISerializer<never, Response>, 'deserializeResponse'>,
) {
  const options = convertLegacyHttpOptions(
    { url, headers: { ...headers }, concurrencyLimit: concurrencyMax },
    signal,
    `v1/${signal.toLowerCase()}`,
    { 'Content-Type': 'application/json' },
  )
  const serializer: ISerializer<Uint8Array, Response> = {
    serializeRequest: (request) => request,
    deserializeResponse,
  }
  const counter = { name: 'span' as const, countItems: () => 0 }
  const { agentFactory } = options
  const withLookup: typeof agentFactory = async (protocol) => {
    // An agent adds its options to those of each connection.
    const agent: { options?: object } & Awaited<ReturnType<typeof agentFactory>> =
      await agentFactory(protocol)
    return Object.assign(agent, { options: { ...agent.options, lookup: createLookup() } })
  }
  return createOtlpHttpExportDelegate(
    { ...options, agentFactory: withLookup },
    serializer,
    'turnlog',
    counter,
    undefined,
  )
}
