/** Whether days that are due by age are dropped now. Pure. */
import type { Due } from './storage/keep/expire.ts'

/**
 * A week of days with records may go at once: a receiver was off over a holiday. More of them are rather a clock that
 * jumped or a setting mistaken, and wait for somebody to read what is said.
 */
export const daysAtOnceMax = 7
export const announcedMilliseconds = 86_400_000

/** Days of which records would go, each once, the first first; what was purged is nobody's surprise. */
export function surprisingDays(
  due: readonly Due[],
  { purgedBefore }: { readonly purgedBefore: string | undefined },
): readonly string[] {
  const days = due
    .filter(({ rows, day }) => rows > 0 && (purgedBefore === undefined || day >= purgedBefore))
    .map(({ day }) => day)
  return [...new Set(days)].sort()
}

export type ExpiryPlan =
  | { readonly action: 'drop' }
  | { readonly action: 'wait'; readonly days: readonly string[]; readonly milliseconds: number }

/** `overdueFor`: for how long so much has been due. */
export function planExpiry(
  days: readonly string[],
  { overdueFor }: { readonly overdueFor: number | undefined },
): ExpiryPlan {
  if (days.length <= daysAtOnceMax) return { action: 'drop' }
  const milliseconds = announcedMilliseconds - (overdueFor ?? 0)
  return milliseconds <= 0 ? { action: 'drop' } : { action: 'wait', days, milliseconds }
}
