import { expect, test } from 'vitest'
import { sliceElements, sliceMember } from '../../src/models/json-slice.ts'

test.for([
  ['{"a": 1.0, "b":2}', 'a', '1.0'],
  ['{ "a" :\n {"x": [1, "}"]} , "b":2}', 'a', '{"x": [1, "}"]}'],
  ['{"b":"\\"a\\":1","a":"x\\\\"}', 'a', '"x\\\\"'],
  ['{"nested":{"a":1},"a":2}', 'a', '2'],
  ['{"a":1,"a":2}', 'a', '2'],
  ['{"\\u0061":3}', 'a', '3'],
  ['{"a":12345678901234567890}', 'a', '12345678901234567890'],
  ['{"a":null}', 'a', 'null'],
  ['{"b":1}', 'a', undefined],
  ['[1]', 'a', undefined],
  ['', 'a', undefined],
  ['{"a":', 'a', undefined],
] as const)('%s . %s = %s', ([text, name, slice]) => {
  expect(sliceMember(text, name)).toBe(slice)
})

test.for([
  ['[]', []],
  ['[1, "a,]" ,{"x":[2]}]', ['1', '"a,]"', '{"x":[2]}']],
  ['{"a":1}', []],
  ['', []],
  ['[1,', ['1']],
  ['[,]', ['']],
] as const)('the elements of %s', ([text, elements]) => {
  expect(sliceElements(text)).toEqual(elements)
})

test('any cut of JSON ends', () => {
  const text = '{"a":[{"b":"c\\"d"},[1,2,{"e":null}]],"f":"g"}'
  for (let end = 0; end <= text.length; end += 1) {
    sliceElements(sliceMember(text.slice(0, end), 'a') ?? '')
    sliceMember(text.slice(0, end), 'f')
  }
  expect(sliceMember(text, 'f')).toBe('"g"')
})

test('200 000 elements are soon taken apart', () => {
  const began = performance.now()
  expect(sliceElements(`[${'{"a":1},'.repeat(200_000)}1]`)).toHaveLength(200_001)
  expect(performance.now() - began).toBeLessThan(2_000)
})
