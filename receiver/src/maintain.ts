/** Work beside requests: tomorrow's partitions, made today, and what is old forgotten. */
import { type Database, ensurePartitions, expireClaims } from './storage/index.ts'

/** Often enough that a laptop that slept over midnight, or a failed attempt, costs nothing. */
const intervalMilliseconds = 60 * 60 * 1_000

/**
 * Makes the partitions that are missing now, and again every hour; resolves after the first time.
 * Where that fails, as behind a long query, rows land in the `_rest` partitions meanwhile. Old claims go then, too.
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
  async function forgetClaims(): Promise<void> {
    try {
      await expireClaims(database, now())
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      log(
        `Old claims of events could not be deleted, and will be tried again in an hour: ${reason}`,
      )
    }
  }
  await makePartitions()
  await forgetClaims()
  const timer = setInterval(() => {
    void makePartitions()
    void forgetClaims()
  }, intervalMilliseconds)
  timer.unref()
  return { stop: () => clearInterval(timer) }
}
