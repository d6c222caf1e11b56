/** Stored JSON keeps the kinds of its numbers; JSON is indented piece by piece. */
import { expect, test } from 'vitest'
import { Double, parseStored, toPlainJson } from '../../src/jaeger/read/stored-json.ts'
import { openPrettyJson } from '../../src/jaeger/v1/pretty-json.ts'

const values: readonly unknown[] = [
  {},
  [],
  [[], {}, [{}]],
  {
    a: [],
    b: {},
    c: [1, 2, { d: null }],
    'e"]{': 'text with "quotes", [brackets], {braces}: \\ and \\" é 😀',
  },
  'just text',
  [true, false, null, -1.5, 1e300, ''],
]

test.each(values)('%j is indented as JSON.stringify does, wherever it is cut', (value) => {
  const text = JSON.stringify(value)
  const expected = JSON.stringify(value, null, 4)
  for (let size = 1; size <= text.length; size += 1) {
    const layOut = openPrettyJson()
    let laidOut = ''
    for (let start = 0; start < text.length; start += size)
      laidOut += layOut(text.slice(start, start + size))
    expect(laidOut).toBe(expected)
  }
})

test.each([
  ['{"a": 1}', { a: 1 }],
  ['{"a": 1.0}', { a: new Double(1) }],
  ['[1.0, 2, 2.50]', [new Double(1), 2, 2.5]],
  ['{"a": 9007199254740993}', { a: 9_007_199_254_740_993n }],
  ['{"a": 9007199254740991}', { a: 9_007_199_254_740_991 }],
  ['{"a": -9223372036854775808}', { a: -(2n ** 63n) }],
  ['{"a": 1000000000000000000000.0}', { a: new Double(1e21) }],
  ['{"a": "1.0, 9007199254740993"}', { a: '1.0, 9007199254740993' }],
  ['{"__proto__": 1.0}', JSON.parse('{"__proto__": null}')],
])('%s keeps its kinds and digits', (text, expected) => {
  const value = parseStored(text)
  if (text.includes('__proto__'))
    expect(Object.keys(Object(value))).toEqual(Object.keys(Object(expected)))
  else expect(value).toEqual(expected)
})

test('a structure is written as other programs do, sorted by key', () => {
  const text = '{"b": [1.0, 9007199254740993, "x"], "a": {"d": null, "c": true}}'
  expect(toPlainJson(parseStored(text))).toBe(
    '{"a":{"c":true,"d":null},"b":[1,9007199254740993,"x"]}',
  )
})
