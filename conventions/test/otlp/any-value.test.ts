import { expect, test } from 'vitest'
import { toAnyValue, toJsonText, toKeyValues } from '../../src/otlp/any-value.ts'

const max = 2n ** 63n - 1n

test.each<[unknown, object | undefined, string]>([
  ['a"b', { stringValue: 'a"b' }, '"a\\"b"'],
  [true, { boolValue: true }, 'true'],
  [5, { intValue: 5 }, '5'],
  [0.5, { doubleValue: 0.5 }, '0.5'],
  [2 ** 60, { doubleValue: 2 ** 60 }, '1152921504606847000'],
  [Number.NaN, { doubleValue: 'NaN' }, '"NaN"'],
  [Number.NEGATIVE_INFINITY, { doubleValue: '-Infinity' }, '"-Infinity"'],
  [max, { intValue: '9223372036854775807' }, '9223372036854775807'],
  [-max - 1n, { intValue: '-9223372036854775808' }, '-9223372036854775808'],
  [max + 1n, { stringValue: '9223372036854775808' }, '9223372036854775808'],
  [null, {}, 'null'],
  [Uint8Array.of(0, 255), { bytesValue: 'AP8=' }, '"AP8="'],
  [
    [1, undefined, 'x'],
    { arrayValue: { values: [{ intValue: 1 }, {}, { stringValue: 'x' }] } },
    '[1,null,"x"]',
  ],
  [
    { a: 1, b: undefined },
    { kvlistValue: { values: [{ key: 'a', value: { intValue: 1 } }] } },
    '{"a":1}',
  ],
  [
    new Map([['a', [5n]]]),
    {
      kvlistValue: {
        values: [{ key: 'a', value: { arrayValue: { values: [{ intValue: '5' }] } } }],
      },
    },
    '{"a":[5]}',
  ],
  [() => undefined, undefined, 'null'],
])('%o as OTLP/JSON and as JSON', (value, anyValue, json) => {
  expect(toAnyValue(value)).toEqual(anyValue)
  expect(toJsonText(value)).toBe(json)
})

test('the caller says how a number is written, at any depth', () => {
  expect(toJsonText({ a: [1, 2n, Number.NaN] }, (number) => number.toFixed(1))).toBe(
    '{"a":[1.0,2,"NaN"]}',
  )
})

test('an attribute without an OTLP form is left out', () => {
  expect(toKeyValues({ a: undefined, b: Symbol('x'), c: false })).toEqual([
    { key: 'c', value: { boolValue: false } },
  ])
})
