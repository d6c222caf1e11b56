/** Texts in the addresses of Jaeger's clients, read as Go reads them. */
import { expect, test } from 'vitest'
import {
  parseDuration,
  parseJaegerTraceId,
  parseRfc3339,
  parseUnixMilliseconds,
  parseUnixTime,
} from '../../src/jaeger/request/parameter-values.ts'

test.each([
  ['1.2s', 1_200_000_000n],
  ['100ms', 100_000_000n],
  ['1h15m30.918273645s', 4_530_918_273_645n],
  ['1us', 1_000n],
  ['1µs', 1_000n],
  ['1μs', 1_000n],
  ['.5s', 500_000_000n],
  ['1.s', 1_000_000_000n],
  ['-1.5h', -5_400_000_000_000n],
  ['+5ns', 5n],
  ['0', 0n],
  ['0.1ns', 0n],
  ['2562047h47m16.854775807s', 2n ** 63n - 1n],
])('the duration %s', (text, nanoseconds) => {
  expect(parseDuration(text)).toBe(nanoseconds)
})

test.each([
  '',
  '1',
  's',
  '.s',
  '1.2',
  '1 s',
  '1d',
  '1s1',
  '--1s',
  '1e3s',
  '9999999h',
  'NaN',
  '1'.repeat(200),
])('%j is not a duration', (text) => {
  expect(parseDuration(text)).toBeUndefined()
})

test.each([
  ['1700000000123456', 1_700_000_000_123_456_000n],
  ['1700000000123', 1_700_000_000_123_000_000n],
  ['0', 0n],
  ['-5', 0n],
  ['9223372036854775807', 9_000_000_000_000_000_000n],
])('the time %s, in microseconds or milliseconds', (text, nanoseconds) => {
  expect(parseUnixTime(text)).toBe(nanoseconds)
})

test('a time that is always in milliseconds is read so', () => {
  expect(parseUnixMilliseconds('1700000000123')).toBe(1_700_000_000_123_000_000n)
})

test.each(['', 'now', '1.5', '1e9', '0x10', '9223372036854775808', ' 1', '1'.repeat(40)])(
  '%j is not a time',
  (text) => {
    expect(parseUnixTime(text)).toBeUndefined()
    expect(parseUnixMilliseconds(text)).toBeUndefined()
  },
)

test.each([
  ['2026-01-02T03:04:05Z', '2026-01-02T03:04:05.000Z', 0n],
  ['2026-01-02T03:04:05.999999998Z', '2026-01-02T03:04:05.000Z', 999_999_998n],
  ['2026-01-02T11:04:05.5+08:00', '2026-01-02T03:04:05.000Z', 500_000_000n],
  ['2026-01-02t03:04:05z', '2026-01-02T03:04:05.000Z', 0n],
])('the time %s', (text, second, nanoseconds) => {
  expect(parseRfc3339(text)).toBe(BigInt(Date.parse(second)) * 1_000_000n + nanoseconds)
})

test.each([
  '',
  '2026-01-02',
  '2026-13-02T03:04:05Z',
  '2026-01-02T25:04:05Z',
  '2026-01-02T03:04:05',
  'x',
])('%j is not a time of RFC 3339', (text) => {
  expect(parseRfc3339(text)).toBeUndefined()
})

test.each([
  ['1', '00000000000000000000000000000001'],
  ['ABCDEF', '00000000000000000000000000abcdef'],
  ['0af7651916cd43dd8448eb211c80319c', '0af7651916cd43dd8448eb211c80319c'],
  ['AAAAAAAAAAAAAAAAAAAAAQ==', '00000000000000000000000000000001'],
  ['AAAAAAAAAP///////////w==', '00000000000000ffffffffffffffffff'],
  ['AAAAAAAAAP___________w', '00000000000000ffffffffffffffffff'],
  ['EjRWeJq83vD+3LqYdlQyEA==', '123456789abcdef0fedcba9876543210'],
])('the trace id %s', (text, hex) => {
  expect(parseJaegerTraceId(text)).toBe(hex)
})

test.each(['', 'xyz', '1'.repeat(33), 'AAA=', '0x1', 'a b', '\0', 'é'])(
  '%j is not a trace id',
  (text) => {
    expect(parseJaegerTraceId(text)).toBeUndefined()
  },
)
