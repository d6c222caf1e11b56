/** What is kept, as it is now: by age, and as far as an operator has not purged it. */
import { TurnlogError } from './errors.ts'
import type { Period } from './period.ts'
import { type Database, readPurges } from './storage/index.ts'

export interface Keeping {
  /** Throws `TL_CLOCKS_DISAGREE`, or when the database does not answer. */
  period(): Promise<Period>
}

/** A purge by another process is known after this long. */
const knownForMilliseconds = 10_000
/** Two clocks; which of them is wrong cannot be told from here. */
const clockDifferenceMax = 86_400_000

export function openKeeping(
  database: Database,
  { retentionDays, now }: { readonly retentionDays: number; readonly now: () => Date },
): Keeping {
  let purgedBefore: string | undefined
  let knownUntil = Number.NEGATIVE_INFINITY
  return {
    async period() {
      if (performance.now() >= knownUntil) {
        const read = await readPurges(database)
        refuseWrongClock(now(), read.databaseNow)
        purgedBefore = read.purgedBefore
        knownUntil = performance.now() + knownForMilliseconds
      }
      return { now: now(), retentionDays, purgedBefore }
    },
  }
}

/** By a wrong clock records would be refused as too old, and dropped, for good: better to wait until it is set. */
export function refuseWrongClock(now: Date, databaseNow: Date): void {
  if (Math.abs(now.getTime() - databaseNow.getTime()) <= clockDifferenceMax) return
  throw new TurnlogError(
    'TL_CLOCKS_DISAGREE',
    `The receiver’s clock says ${now.toISOString()}, the database’s ${databaseNow.toISOString()}: nothing lands or expires until they agree`,
  )
}
