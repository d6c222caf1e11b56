/** Nanoseconds since 1970, as OTLP sends them, and what PostgreSQL makes of them. */

const dayNanoseconds = 86_400_000_000_000n

/** Records this old still land: laptops come back after weeks. The same number of day partitions exists. */
export const retentionDays = 30
/** A clock may be wrong by this much, and a request be on its way for a while. */
const pastSlackDays = 1
/** Clocks that are ahead. */
export const futureDays = 2

/** Why a time that began something is refused: it may lie back as far as it likes, as that of a long count does. */
export function problemOfBeginning(time: bigint, now: Date): string | undefined {
  return isAhead(time, now) ? `lies more than ${futureDays} days ahead` : undefined
}

function isAhead(time: bigint, now: Date): boolean {
  return time > BigInt(now.getTime()) * 1_000_000n + BigInt(futureDays) * dayNanoseconds
}

/** Why a record's own time is refused; undefined when it is fine. */
export function problemOfTime(time: bigint, now: Date): string | undefined {
  if (time <= 0n) return 'has no time'
  const nowNanoseconds = BigInt(now.getTime()) * 1_000_000n
  if (time < nowNanoseconds - BigInt(retentionDays + pastSlackDays) * dayNanoseconds) {
    return `is older than ${retentionDays} days`
  }
  return problemOfBeginning(time, now)
}

/** The time as text PostgreSQL reads, in microseconds; null when absent or beyond its calendar. */
export function timestampOf(time: bigint): string | null {
  if (time <= 0n) return null
  const date = new Date(Number(time / 1_000_000n))
  const microseconds = String((time / 1_000n) % 1_000n).padStart(3, '0')
  return date.toISOString().replace('Z', `${microseconds}Z`)
}

/** The UTC day of a time, `2026-07-31`. */
export function dayOf(time: bigint): string {
  return new Date(Number(time / 1_000_000n)).toISOString().slice(0, 10)
}

/** True for a day, `2026-07-31`, of which nothing lands any more: what was there has expired. */
export function isPastDay(day: string, now: Date): boolean {
  const lastMoment = BigInt(Date.parse(day)) * 1_000_000n + dayNanoseconds - 1n
  const daysAgo = (BigInt(now.getTime()) * 1_000_000n - lastMoment) / dayNanoseconds
  return daysAgo >= BigInt(retentionDays + pastSlackDays)
}

/** The days on which there may be records, the last one first. */
export function landingDays(now: Date): readonly string[] {
  const count = retentionDays + pastSlackDays + futureDays + 1
  const last = BigInt(now.getTime()) * 1_000_000n + BigInt(futureDays) * dayNanoseconds
  return Array.from({ length: count }, (_, index) => dayOf(last - BigInt(index) * dayNanoseconds))
}
