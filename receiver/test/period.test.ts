/** Which days are kept, and when expired days are dropped at once. */
import { expect, test } from 'vitest'
import { announcedMilliseconds, planExpiry, surprisingDays } from '../src/expiry-plan.ts'
import { problemOfTime } from '../src/otlp/rows/time.ts'
import { isExpiredDay, oldestDay } from '../src/period.ts'
import type { Due } from '../src/storage/keep/expire.ts'

const now = new Date('2026-11-23T12:00:00Z')
const period = { now, retentionDays: 30, purgedBefore: undefined }

test.each([
  [30, undefined, '2026-10-23'],
  [1, undefined, '2026-11-21'],
  [30, '2026-11-20', '2026-11-20'],
  [30, '2026-01-01', '2026-10-23'],
  [3650, undefined, '2016-11-24'],
  [Number.POSITIVE_INFINITY, undefined, '2016-11-24'],
  [Number.POSITIVE_INFINITY, '2026-11-23', '2026-11-23'],
])(
  'of %s days, purged before %s, the oldest that is kept is %s',
  (retentionDays, purgedBefore, oldest) => {
    expect(oldestDay({ now, retentionDays, purgedBefore })).toBe(oldest)
  },
)

test('a record lands if its day is kept, to the nanosecond, at every hour of the day', () => {
  for (let hour = 0; hour < 24; hour += 1) {
    const at = { ...period, now: new Date(now.getTime() + hour * 3_600_000) }
    const first = BigInt(Date.parse(oldestDay(at))) * 1_000_000n
    expect(problemOfTime(first, at)).toBeUndefined()
    expect(problemOfTime(first - 1n, at)).toBe('is older than 30 days')
    expect(isExpiredDay(oldestDay(at), at)).toBe(false)
  }
})

test('a refused record has the right reason', () => {
  const of = (day: string) => BigInt(Date.parse(day)) * 1_000_000n
  const purged = { ...period, purgedBefore: '2026-11-20' }
  expect(problemOfTime(of('2026-11-19'), purged)).toBe(
    'is from before 2026-11-20: all earlier days were purged',
  )
  expect(problemOfTime(of('2026-10-01'), purged)).toBe('is older than 30 days')
  expect(problemOfTime(of('2026-11-20'), purged)).toBeUndefined()
  expect(problemOfTime(of('2026-11-26'), purged)).toBe('is more than 2 days in the future')
  expect(problemOfTime(0n, purged)).toBe('has no time')
  expect(problemOfTime(10n ** 30n, purged)).toBe('is more than 2 days in the future')
  expect(problemOfTime(2n ** 64n - 1n, purged)).toBe('is more than 2 days in the future')
})

const due = (days: readonly string[], rows = 1): Due[] =>
  days.map((day) => ({
    target: { table: 'spans', column: 'start_time', kind: 'timestamptz' },
    day,
    partition: `spans_${day.replaceAll('-', '')}`,
    bytes: 8192,
    rows,
  }))

const daysOf = (count: number) =>
  Array.from({ length: count }, (_, n) => `2026-10-${String(n + 1).padStart(2, '0')}`)

test('up to a week of days is dropped at once; more are dropped a day later', () => {
  const week = surprisingDays(due(daysOf(7)), period)
  expect(planExpiry(week, { overdueFor: undefined })).toEqual({ action: 'drop' })
  const more = surprisingDays(due(daysOf(8)), period)
  expect(planExpiry(more, { overdueFor: 0 })).toMatchObject({ action: 'wait', days: daysOf(8) })
  expect(planExpiry(more, { overdueFor: announcedMilliseconds - 1 })).toMatchObject({
    action: 'wait',
    milliseconds: 1,
  })
  expect(planExpiry(more, { overdueFor: announcedMilliseconds })).toEqual({ action: 'drop' })
})

test('empty and purged days do not count towards the limit, and a day of several tables counts once', () => {
  expect(surprisingDays(due(daysOf(20), 0), period)).toEqual([])
  expect(surprisingDays([...due(daysOf(3)), ...due(daysOf(3))], period)).toEqual(daysOf(3))
  expect(surprisingDays(due(daysOf(9)), { purgedBefore: '2026-10-08' })).toEqual([
    '2026-10-08',
    '2026-10-09',
  ])
})
