/** Which days are kept now, by age and by purges of operators; and whether records may land at all. */
import { TurnlogError } from './errors.ts'
import type { Period } from './period.ts'
import type { Database } from './storage/database.ts'
import { readPurges } from './storage/keep/audit.ts'
import { sizeOfDatabase } from './storage/keep/samples.ts'

export interface Keeping {
  /** Throws when the database does not answer. */
  period(): Promise<Period>
  /** For requests that land records. Also throws `TL_CLOCKS_DISAGREE` and `TL_DATABASE_FULL`, which are temporary. */
  landingPeriod(): Promise<Period>
}

export interface KeepingOptions {
  readonly retentionDays: number
  /** Undefined: the disk is the limit. */
  readonly databaseBytesMax: number | undefined
  readonly now: () => Date
}

/** The state of the database is read this often; a purge by another process takes effect that much later. */
const knownForMilliseconds = 10_000
/** By how much the two clocks may differ. Which of them is wrong cannot be known here. */
const clockDifferenceMax = 86_400_000

export function openKeeping(
  database: Database,
  { retentionDays, databaseBytesMax, now }: KeepingOptions,
): Keeping {
  let purgedBefore: string | undefined
  let problem: TurnlogError | undefined
  let knownUntil = Number.NEGATIVE_INFINITY

  async function look(): Promise<void> {
    const read = await readPurges(database)
    purgedBefore = read.purgedBefore
    problem = problemOfClock(now(), read.databaseNow)
    if (problem === undefined && databaseBytesMax !== undefined) {
      problem = problemOfSize(await sizeOfDatabase(database), databaseBytesMax)
    }
    knownUntil = performance.now() + knownForMilliseconds
  }

  async function period(): Promise<Period> {
    if (performance.now() >= knownUntil) await look()
    return { now: now(), retentionDays, purgedBefore }
  }

  return {
    period,
    async landingPeriod() {
      const current = await period()
      if (problem !== undefined) throw problem
      return current
    },
  }
}

/** By a wrong clock, records would be refused as too old, and days dropped, for good: so nothing lands until it is set. */
export function problemOfClock(now: Date, databaseNow: Date): TurnlogError | undefined {
  if (Math.abs(now.getTime() - databaseNow.getTime()) <= clockDifferenceMax) return undefined
  return new TurnlogError(
    'TL_CLOCKS_DISAGREE',
    `The receiver’s clock says ${now.toISOString()}, the database’s ${databaseNow.toISOString()}: nothing lands or expires until they agree`,
  )
}

function problemOfSize(bytes: number, bytesMax: number): TurnlogError | undefined {
  if (bytes <= bytesMax) return undefined
  return new TurnlogError(
    'TL_DATABASE_FULL',
    `The database has ${bytes} bytes, more than TURNLOG_DATABASE_BYTES_MAX (${bytesMax}): nothing lands until days expire or are purged`,
  )
}
