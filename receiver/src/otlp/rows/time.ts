/** OTLP's times in nanoseconds since 1970: which are accepted, and their text and day. Pure. */

import { futureDays, isExpiredDay, type Period, retentionDaysMax } from '../../period.ts'

const dayNanoseconds = 86_400_000_000_000n

/** Why a start time is refused. It may be any time in the past: a counter may have started long ago. */
export function problemOfBeginning(time: bigint, { now }: Period): string | undefined {
  const timeMax = BigInt(now.getTime()) * 1_000_000n + BigInt(futureDays) * dayNanoseconds
  return time > timeMax ? `is more than ${futureDays} days in the future` : undefined
}

/** Why a record's own time is refused; undefined when it is accepted. */
export function problemOfTime(time: bigint, period: Period): string | undefined {
  if (time <= 0n) return 'has no time'
  // Checked first: a time beyond the calendar has no day.
  const ahead = problemOfBeginning(time, period)
  if (ahead !== undefined) return ahead
  const day = dayOf(time)
  if (!isExpiredDay(day, period)) return undefined
  const { purgedBefore, retentionDays } = period
  return isExpiredDay(day, { ...period, purgedBefore: undefined })
    ? `is older than ${Math.min(retentionDays, retentionDaysMax)} days`
    : `is from before ${purgedBefore}: all earlier days were purged`
}

/** The time as text in microseconds, for PostgreSQL; null when absent. */
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
