/** Work beside requests: tomorrow's partitions, made today. */
import { type Database, ensurePartitions } from './storage/index.ts'

/** Often enough that a laptop that slept over midnight, or a failed attempt, costs nothing. */
const intervalMilliseconds = 60 * 60 * 1_000

/**
 * Makes the partitions that are missing now, and again every hour; resolves after the first time.
 * Where that fails, as behind a long query, rows land in the `_rest` partitions meanwhile.
 */
export async function startMaintenance(
  database: Database,
  { log, now }: { readonly log: (message: string) => void; readonly now: () => Date },
): Promise<{ stop(): void }> {
  async function makePartitions(): Promise<void> {
    try {
      await ensurePartitions(database, now())
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      log(`Partitions could not be made ahead, and will be tried again in an hour: ${reason}`)
    }
  }
  await makePartitions()
  const timer = setInterval(() => void makePartitions(), intervalMilliseconds)
  timer.unref()
  return { stop: () => clearInterval(timer) }
}
