import { landingDays, type Period } from '../period.ts'

export type Day =
  | { readonly status: 'day'; readonly day: string }
  | { readonly status: 'wrong'; readonly reason: string }

/** A day in UTC on which there may be records; undefined when none is named. */
export function parseLandingDay(text: string | undefined, period: Period): Day | undefined {
  if (text === undefined) return undefined
  const days = landingDays(period)
  if (days.includes(text)) return { status: 'day', day: text }
  const reason = `day must be a day in UTC, YYYY-MM-DD, from ${days.at(-1)} to ${days[0]}.`
  return { status: 'wrong', reason }
}
