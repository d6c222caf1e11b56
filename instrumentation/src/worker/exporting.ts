/**
 * What leaves this machine through OpenTelemetry's exporters, in place of segments and their delivery: seal → export.
 * Part of the worker's composition.
 */
import { quietly } from '../health.ts'
import { createExportOutlets } from '../otlp/export-outlet.ts'
import type { OpenOutlet } from '../otlp/outlet.ts'
import { createExporters } from '../upload/exporters.ts'
import { backoffMs, offlineBackoff } from '../upload/retry.ts'
import type { ExportSettings } from './protocol.ts'

export interface Exporting {
  readonly openOutlet: OpenOutlet
  /** Whether what was lost may be declared now: as long as nobody takes anything, its declaration would be lost as well. */
  mayDeclare(): boolean
}

/** `wake` is called when what is to be declared may be. */
export function startExporting(settings: ExportSettings, wake: () => void): Exporting {
  const exportRequest = createExporters(settings)
  let failures = 0
  let waiting: NodeJS.Timeout | undefined

  function declareLater(): void {
    waiting ??= setTimeout(
      () => {
        waiting = undefined
        quietly('declare what was lost', wake)
      },
      backoffMs(offlineBackoff, { failures, random: Math.random }),
    )
    waiting.unref()
  }

  return {
    openOutlet: createExportOutlets(async (...request) => {
      const result = await exportRequest(...request)
      if (result.status === 'failed') {
        failures += 1
        declareLater()
      } else if (failures > 0) {
        failures = 0
        clearTimeout(waiting)
        waiting = undefined
      }
      return result
    }),
    mayDeclare: () => waiting === undefined,
  }
}
