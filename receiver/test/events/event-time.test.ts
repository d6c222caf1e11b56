import { expect, test } from 'vitest'
import { parseMilliseconds, parseTime } from '../../src/events/event-time.ts'

const moment = 1_790_847_000_250_000_000n

test.each([
  ['milliseconds', 1_790_847_000_250],
  ['milliseconds as text', '1790847000250'],
  ['milliseconds as a big integer', 1_790_847_000_250n],
  ['UTC', '2026-10-01T09:30:00.250Z'],
  ['lower case', '2026-10-01t09:30:00.250z'.replace('t', 'T')],
  ['an offset', '2026-10-01T11:30:00.250+02:00'],
  ['an offset without a colon', '2026-10-01T05:30:00.250-0400'],
  ['an offset of hours', '2026-10-01T11:30:00.250+02'],
  ['half an hour of offset', '2026-10-01T15:00:00.250+05:30'],
  ['no offset, which is UTC', '2026-10-01T09:30:00.250'],
  ['a blank, as Python writes it', '2026-10-01 09:30:00.250+00:00'],
  ['a comma', '2026-10-01T09:30:00,25Z'],
  ['more digits than there are nanoseconds', '2026-10-01T09:30:00.250000000999Z'],
])('a time as %s is read', (_name, value) => {
  expect(parseTime(value)).toBe(moment)
})

test('nanoseconds and fractions of milliseconds keep every digit', () => {
  expect(parseTime('2026-10-01T09:30:00.250123456Z')).toBe(moment + 123_456n)
  expect(parseTime(1_790_847_000_250.5)).toBe(moment + 500_000n)
  expect(parseTime('2026-10-01T09:30Z')).toBe(moment - 250_000_000n)
  expect(parseTime('2026-12-31T23:59:60Z')).toBe(parseTime('2027-01-01T00:00:00Z'))
})

test.each([
  '',
  'now',
  '2026-10-01',
  '2026-13-01T00:00:00Z',
  '2026-02-30T00:00:00Z',
  '2026-10-01T24:00:00Z',
  '2026-10-01T09:60:00Z',
  '2026-10-01T09:30:61Z',
  '2026-10-01T09:30:00+25:00',
  '2026-10-01T09:30:00Z; drop table spans',
  '-1',
  -1,
  -1n,
  Number.NaN,
  1e300,
  true,
  {},
  [1],
])('%s is not a time', (value) => {
  expect(parseTime(value)).toBeUndefined()
})

test('a duration is a number from 0 up, also as text', () => {
  expect(parseMilliseconds(0)).toBe(0n)
  expect(parseMilliseconds(1.5)).toBe(1_500_000n)
  expect(parseMilliseconds('1.5')).toBe(1_500_000n)
  for (const wrong of ['1.5s', '', ' ', '1e3', '0x10', -0.1, null, 'NaN']) {
    expect(parseMilliseconds(wrong)).toBeUndefined()
  }
})
