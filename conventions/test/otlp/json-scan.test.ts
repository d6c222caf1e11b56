import { expect, test } from 'vitest'
import { openRandom } from '../../../test/support/random.ts'
import { elementsOf, endOfString, memberOf, stringMembers } from '../../src/otlp/json-scan.ts'

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
  expect(memberOf(text, name)).toBe(slice)
})

test.for([
  ['[]', []],
  ['[ ]', []],
  ['[1]', ['1']],
  ['[{"a":[1,2]},"x,y"]', ['{"a":[1,2]}', '"x,y"']],
  ['[ {"a": "]"} ,\n 2 ]', [' {"a": "]"} ', '\n 2 ']],
  ['["\\\\",","]', ['"\\\\"', '","']],
  ['["\\"",1]', ['"\\""', '1']],
] as const)('the elements of %s, as they are written', ([text, elements]) => {
  expect(elementsOf(text)).toEqual(elements)
})

test.each(['', '{}', '{"a":1}', 'x', '[', '["a]', '[{]', '[}]', '[1', '[1,', '1]'])(
  '%j is no array',
  (text) => expect(elementsOf(text)).toBeUndefined(),
)

test('an array with more elements than allowed is not cut', () => {
  expect(elementsOf('[1,2,3]', 3)).toHaveLength(3)
  expect(elementsOf('[1,2,3,4]', 3)).toBeUndefined()
})

test('elements joined by commas are the text they were cut from (seed 42)', () => {
  const { below: random, pick } = openRandom(42)
  const signs = ['[', ']', '{', '}', '"', ',', '\\', 'a', ' ', ':', '1', '\n', 'é', '\ud83d']
  for (let round = 0; round < 20_000; round += 1) {
    const text = `[${Array.from({ length: random(14) }, () => pick(signs)).join('')}]`
    const elements = elementsOf(text)
    if (elements?.length) expect(`[${elements.join(',')}]`, `round ${round}`).toBe(text)
  }
})

test.each([
  ['"a"', 3],
  ['"a\\"b",', 6],
  ['"\\\\"x', 4],
  ['"open', undefined],
  ['"open\\"', undefined],
])('the string at the start of %s ends at %s, in text and in bytes', (text, end) => {
  expect(endOfString(text, 0)).toBe(end)
  expect(endOfString(Buffer.from(text), 0)).toBe(end)
})

test('any cut of JSON ends', () => {
  const text = '{"a":[{"b":"c\\"d"},[1,2,{"e":null}]],"f":"g"}'
  for (let end = 0; end <= text.length; end += 1) {
    elementsOf(memberOf(text.slice(0, end), 'a') ?? '')
    memberOf(text.slice(0, end), 'f')
  }
  expect(memberOf(text, 'f')).toBe('"g"')
})

test('200 000 elements are cut in less than two seconds', () => {
  const began = performance.now()
  expect(elementsOf(`[${'{"a":1},'.repeat(200_000)}1]`)).toHaveLength(200_001)
  expect(performance.now() - began).toBeLessThan(2_000)
})

test('members with long strings are found at any depth; elements of lists are not', () => {
  const text = JSON.stringify({
    short: 'x',
    'a long one': 'y'.repeat(50),
    list: ['z'.repeat(50), { inside: 'w'.repeat(50), number: 5 }],
    '"quoted"\\': `say "${'v'.repeat(50)}" \\`,
    last: { deep: { deeper: ['u'.repeat(50)], text: 't'.repeat(50) } },
  })
  const found = stringMembers(text, 50) ?? []
  expect(
    found.map(({ name, start, valueStart, end }) => [
      JSON.parse(`"${name}"`),
      JSON.parse(`{${text.slice(start, end)}}`),
      JSON.parse(text.slice(valueStart, end)).length,
    ]),
  ).toEqual([
    ['a long one', { 'a long one': 'y'.repeat(50) }, 50],
    ['inside', { inside: 'w'.repeat(50) }, 50],
    ['"quoted"\\', { '"quoted"\\': `say "${'v'.repeat(50)}" \\` }, 58],
    ['text', { text: 't'.repeat(50) }, 50],
  ])
})

test('blanks anywhere are skipped, escapes are not unfolded', () => {
  const text = ' [ {\n "a" \t:\r "\\u0041\\"}]{,\\\\" , "b" : [ "c" , { "d" : "e" } ] } ] '
  const found = stringMembers(text, 3) ?? []
  expect(found.map(({ valueStart, end }) => JSON.parse(text.slice(valueStart, end)))).toEqual([
    'A"}]{,\\',
    'e',
  ])
})

test.each(['"open', '{"a":"open', '[1,2', '{"a":1]', ']', '{"a":"b"}}'])(
  '%j is no JSON and has no members',
  (text) => expect(stringMembers(text, 1)).toBeUndefined(),
)

test('it ends on any text, and finds exactly the string members of JSON (seed 7)', () => {
  const { below: random } = openRandom(7)
  const value = (depth: number): unknown => {
    const kind = random(depth > 4 ? 3 : 5)
    if (kind === 0) return random(1_000)
    if (kind < 3) return '"\\,{}[]:x\u2603'.repeat(random(4))
    const members = Array.from({ length: random(4) }, () => value(depth + 1))
    return kind === 3
      ? members
      : Object.fromEntries(members.map((each, index) => [`k${index}"`, each]))
  }
  const strings = (each: unknown): string[] =>
    typeof each !== 'object' || each === null
      ? []
      : Object.values(each).flatMap((member) =>
          typeof member === 'string' && !Array.isArray(each) ? [member] : strings(member),
        )
  for (let round = 0; round < 2_000; round += 1) {
    const one = value(0)
    const text = JSON.stringify(one)
    const found = stringMembers(text, 0) ?? []
    const values = found.map(({ valueStart, end }) => JSON.parse(text.slice(valueStart, end)))
    expect(values, `round ${round}`).toEqual(strings(one))
    stringMembers(text.slice(random(5), -random(5) || undefined), 0)
  }
})
