import { expect, test } from 'vitest'
import { defined, errorCode, isObject, parseJson, parseObject, toJson } from '../src/plain.ts'

test.each([
  [{}, true],
  [Object.create(null), true],
  [new Map(), true],
  [[], false],
  [null, false],
  ['{}', false],
  [undefined, false],
  [() => undefined, false],
])('whether %o is an object: %s', (value, isOne) => {
  expect(isObject(value)).toBe(isOne)
})

test('text that is no JSON, or no object’s, is undefined', () => {
  expect(parseJson('[1]')).toEqual([1])
  expect(parseJson('[1')).toBeUndefined()
  expect(parseObject('{"a":1}')).toEqual({ a: 1 })
  for (const text of ['', '[1]', 'null', '5', '{']) expect(parseObject(text)).toBeUndefined()
})

test('a value without JSON is undefined', () => {
  const circular: Record<string, unknown> = {}
  circular.self = circular
  expect([toJson({ a: 1 }), toJson(undefined), toJson(circular)]).toEqual([
    '{"a":1}',
    undefined,
    undefined,
  ])
})

test('members that are undefined are left out; null stays', () => {
  expect(Object.keys(defined({ a: 1, b: undefined, c: null }))).toEqual(['a', 'c'])
})

test('the code of an error is a text or nothing', () => {
  expect(errorCode(Object.assign(new Error('x'), { code: 'ENOENT' }))).toBe('ENOENT')
  expect([new Error('x'), { code: 5 }, 'ENOENT', null].map(errorCode)).toEqual([
    undefined,
    undefined,
    undefined,
    undefined,
  ])
})
