/** Decides whether expired days are dropped now. Pure. */
import type { Due } from './storage/keep/expire.ts'

/**
 * Up to a week of days with records is dropped at once: a receiver may have been off over a holiday. More days are more likely
 * a clock that jumped or a wrong setting, so they are dropped a day after the warning.
 */
export const daysAtOnceMax = 7
export const announcedMilliseconds = 86_400_000

/** The days whose records would be dropped, each once, in order; without days that were purged, which is expected. */
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

/** `overdueFor`: for how many milliseconds so many days have been due. */
export function planExpiry(
  days: readonly string[],
  { overdueFor }: { readonly overdueFor: number | undefined },
): ExpiryPlan {
  if (days.length <= daysAtOnceMax) return { action: 'drop' }
  const milliseconds = announcedMilliseconds - (overdueFor ?? 0)
  return milliseconds <= 0 ? { action: 'drop' } : { action: 'wait', days, milliseconds }
}
