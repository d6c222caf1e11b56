import { expect, test } from 'vitest'
import {
  backoffMs,
  offlineBackoff,
  parseRetryAfter,
  pausedBackoff,
  retryAfterMsMax,
  retryAfterWithJitterMs,
} from '../../src/upload/retry.ts'

const middle = () => 0.5

test('offline waits double from 1 s to 30 s, paused ones from 5 s to 60 s', () => {
  const waits = (backoff: typeof offlineBackoff) =>
    [1, 2, 3, 4, 5, 6, 7, 1_000].map((failures) => backoffMs(backoff, { failures, random: middle }))
  expect(waits(offlineBackoff)).toEqual([1, 2, 4, 8, 16, 30, 30, 30].map((s) => s * 1_000))
  expect(waits(pausedBackoff)).toEqual([5, 10, 20, 40, 60, 60, 60, 60].map((s) => s * 1_000))
})

test('the jitter grows with the delay', () => {
  for (const failures of [1, 3, 9]) {
    const delay = backoffMs(offlineBackoff, { failures, random: middle })
    expect(backoffMs(offlineBackoff, { failures, random: () => 0 })).toBe(delay * 0.75)
    expect(backoffMs(offlineBackoff, { failures, random: () => 1 })).toBe(delay * 1.25)
  }
})

test('the wait is never shorter than the server asks for, and has a limit', () => {
  expect(retryAfterWithJitterMs(10_000, () => 0)).toBe(10_000)
  expect(retryAfterWithJitterMs(10_000, () => 1)).toBe(12_500)
  expect(retryAfterWithJitterMs(7 * 86_400_000, () => 0)).toBe(retryAfterMsMax)
})

const now = Date.parse('2026-07-01T12:00:00Z')
test.for([
  ['0', 0],
  ['120', 120_000],
  [' 1.5 ', 1_500],
  ['Wed, 01 Jul 2026 12:00:30 GMT', 30_000],
  ['Wednesday, 01-Jul-26 12:01:00 GMT', 60_000],
  ['Wed, 01 Jul 2026 11:00:00 GMT', 0],
  ['-1', undefined],
  ['soon', undefined],
  ['2026-07-01', undefined],
  ['', undefined],
  [undefined, undefined],
] as const)('Retry-After: %s is %s ms', ([value, afterMs]) => {
  expect(parseRetryAfter(value, now)).toBe(afterMs)
})
