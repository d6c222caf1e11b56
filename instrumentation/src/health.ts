/** Counts failures of this package's own steps, and keeps them away from the host. */
import { diag } from '@opentelemetry/api'

/** How often each guarded step failed in this thread, by its name. */
export const failures = new Map<string, number>()

/** Runs `step`. An error is counted under `name` and reported to OpenTelemetry's `diag`; the host never sees it. */
export function quietly<T>(name: string, step: () => T): T | undefined {
  try {
    return step()
  } catch (cause) {
    failed(name, cause)
    return undefined
  }
}

/** Counts a failure that the caller has handled. */
export function failed(name: string, cause: unknown): void {
  failures.set(name, (failures.get(name) ?? 0) + 1)
  try {
    diag.debug(`turnlog: could not ${name}`, cause)
  } catch {
    // The host's own logger may throw.
  }
}
