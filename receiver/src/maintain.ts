/** Work beside requests: tomorrow's partitions, made today. */
import { type Database, ensurePartitions } from './storage/index.ts'

/** Often enough that a laptop that slept over midnight, or a failed attempt, costs nothing. */
const intervalMilliseconds = 60 * 60 * 1_000

/** Begins after one interval: the caller has made the first partitions. `stop` may be called twice. */
export function startMaintenance(
  database: Database,
  { log, now }: { readonly log: (message: string) => void; readonly now: () => Date },
): { stop(): void } {
  const timer = setInterval(() => {
    ensurePartitions(database, now()).catch((error: unknown) => {
      const reason = error instanceof Error ? error.message : String(error)
      log(`Partitions could not be made ahead, and will be tried again in an hour: ${reason}`)
    })
  }, intervalMilliseconds)
  timer.unref()
  return { stop: () => clearInterval(timer) }
}
