/**
 * Which days are kept. Pure.
 *
 * A record lands if the UTC day of its own time is kept, and days are dropped as a whole. So a record that has just landed
 * is not dropped a moment later, and `expired` means the same everywhere.
 */

export interface Period {
  readonly now: Date
  /** Infinity: nothing expires. */
  readonly retentionDays: number
  /** An operator purged everything from before this day, `2026-07-31`; such records are refused. */
  readonly purgedBefore: string | undefined
}

/** An older time is taken for an error. */
export const retentionDaysMax = 3_650
/** Allows for clocks that are wrong, and for requests in transit. */
const slackDays = 1
/** How far ahead of now a record may be: clocks differ. */
export const futureDays = 2
const dayMilliseconds = 86_400_000

/** The first UTC day that is kept. */
export function oldestDay({ now, retentionDays, purgedBefore }: Period): string {
  const expiring = dayFrom(now, -(Math.min(retentionDays, retentionDaysMax) + slackDays))
  return purgedBefore !== undefined && purgedBefore > expiring ? purgedBefore : expiring
}

/** True for a day, `2026-07-31`, whose records have expired: new ones are refused. */
export function isExpiredDay(day: string, period: Period): boolean {
  return day < oldestDay(period)
}

/** The days that may have records, the last one first. */
export function landingDays(period: Period): readonly string[] {
  const oldest = oldestDay(period)
  const days: string[] = []
  for (let offset = futureDays; ; offset -= 1) {
    const day = dayFrom(period.now, offset)
    if (day < oldest) return days
    days.push(day)
  }
}

/** The UTC day that is `days` after that of `now`. */
export function dayFrom(now: Date, days: number): string {
  return new Date(now.getTime() + days * dayMilliseconds).toISOString().slice(0, 10)
}
