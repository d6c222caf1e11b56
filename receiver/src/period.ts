/**
 * Which days are kept. Pure.
 *
 * A record lands when the UTC day of its own time is one that is kept, and a day goes as a whole: so what has just landed
 * is not dropped with the next breath, and `expired` means the same everywhere.
 */

export interface Period {
  readonly now: Date
  /** Infinity: nothing expires by itself. */
  readonly retentionDays: number
  /** An operator purged what is from before this day, `2026-07-31`: it does not come back. */
  readonly purgedBefore: string | undefined
}

/** More days than anybody waits for; beyond it a time is an error and no age. */
export const retentionDaysMax = 3_650
/** A clock may be wrong by this much, and a request be on its way for a while. */
const slackDays = 1
/** Clocks that are ahead. */
export const futureDays = 2
const dayMilliseconds = 86_400_000

/** The first UTC day that is kept. */
export function oldestDay({ now, retentionDays, purgedBefore }: Period): string {
  const expiring = dayFrom(now, -(Math.min(retentionDays, retentionDaysMax) + slackDays))
  return purgedBefore !== undefined && purgedBefore > expiring ? purgedBefore : expiring
}

/** True for a day, `2026-07-31`, of which nothing lands any more: what was there has expired. */
export function isExpiredDay(day: string, period: Period): boolean {
  return day < oldestDay(period)
}

/** The days on which there may be records, the last one first. */
export function landingDays(period: Period): readonly string[] {
  const oldest = oldestDay(period)
  const days: string[] = []
  for (let offset = futureDays; ; offset -= 1) {
    const day = dayFrom(period.now, offset)
    if (day < oldest) return days
    days.push(day)
  }
}

/** The UTC day so many days after now's. */
export function dayFrom(now: Date, days: number): string {
  return new Date(now.getTime() + days * dayMilliseconds).toISOString().slice(0, 10)
}
