import { expect, test } from 'vitest'
import { stringMembers } from '../../src/otlp/json-members.ts'

test('members with long strings are found where they stand, at any depth; elements of lists are not', () => {
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
  'of %j, which is no JSON, nothing is told',
  (text) => expect(stringMembers(text, 1)).toBeUndefined(),
)

test('whatever it is given, it ends, and what it tells of JSON is true', () => {
  let seed = 7
  const random = (below: number): number => {
    seed = (seed * 1_664_525 + 1_013_904_223) >>> 0
    return seed % below
  }
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
    const told = found.map(({ valueStart, end }) => JSON.parse(text.slice(valueStart, end)))
    expect(told, `seed 7, round ${round}`).toEqual(strings(one))
    stringMembers(text.slice(random(5), -random(5) || undefined), 0)
  }
})
