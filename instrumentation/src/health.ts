/** The package's own counters, and the one guard between our bugs and the host. */
import { diag } from '@opentelemetry/api'

/** How often each guarded step failed in this thread, by its name. */
export const failures = new Map<string, number>()

/** Runs `step`; what it throws is counted under `name` and told to OpenTelemetry's `diag`, never to the host. */
export function quietly<T>(name: string, step: () => T): T | undefined {
  try {
    return step()
  } catch (cause) {
    failed(name, cause)
    return undefined
  }
}

/** Counts a failure that was met otherwise. */
export function failed(name: string, cause: unknown): void {
  failures.set(name, (failures.get(name) ?? 0) + 1)
  try {
    diag.debug(`turnlog: could not ${name}`, cause)
  } catch {
    // A host's own logger that throws is the host's.
  }
}
