/**
 * Sends records through OpenTelemetry's exporters, in place of segments and their delivery: seal → export. Part of the
 * worker's composition.
 */
import { quietly } from '../health.ts'
import { createExportOutlets } from '../otlp/export-outlet.ts'
import { createExporters } from '../upload/exporters.ts'
import type { OtlpTargets } from '../upload/otlp-targets.ts'
import { offlineBackoff, RetryTimer } from '../upload/retry.ts'

/** `wake` is called when lost records may be declared. */
export function startExporting(targets: OtlpTargets, wake: () => void) {
  const exportRequest = createExporters(targets)
  const declaring = new RetryTimer({
    backoff: offlineBackoff,
    retry: () => quietly('declare lost records', wake),
  })
  return {
    openOutlet: createExportOutlets(async (...request) => {
      const result = await exportRequest(...request)
      if (result.status === 'failed') declaring.failed()
      else declaring.succeeded()
      return result
    }),
    /** False while requests fail: then a declaration of lost records would be lost as well. */
    mayDeclare: () => !declaring.isWaiting,
  }
}
