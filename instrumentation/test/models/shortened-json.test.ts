/** A long request is read without its long strings; what is left is the same, and is JSON. */
import { expect, test } from 'vitest'
import { shortenedJson } from '../../src/models/shortened-json.ts'

const kibibyte = 1024
const shorten = (value: unknown, bytesMax: number) =>
  shortenedJson(Buffer.from(JSON.stringify(value)), bytesMax)

test('long strings are cut, and all else is as it was', () => {
  const request = (data: string) => ({
    model: 'm',
    messages: [
      { role: 'user', content: [{ data }, { text: 'What "is" it? \\ \u00fc \n', n: [1, null] }] },
    ],
  })
  const text = shorten(request('x'.repeat(kibibyte ** 2)), kibibyte ** 2) ?? ''
  expect(text.length).toBeLessThan(300 * kibibyte)
  expect(JSON.parse(text)).toEqual(request(expect.stringMatching(/^x+…$/) as unknown as string))
})

test.for(['\\\\', '"', '\n', '\u0001', 'ü', '😀', '\ud83d', 'a\\b"c\n'])(
  'a string of %j is cut at no place inside a character or an escape',
  (unit) => {
    for (let shift = 0; shift < 8; shift += 1) {
      const long = 'x'.repeat(shift) + unit.repeat(300 * kibibyte)
      const text = shorten({ before: 1, long, after: 'a' }, 2 * kibibyte ** 2) ?? ''
      const read = JSON.parse(text)
      expect(read).toMatchObject({ before: 1, after: 'a' })
      expect(long.startsWith(read.long.slice(0, -1))).toBe(true)
    }
  },
)

test('many strings of middle length are cut further', () => {
  const images = Array.from({ length: 30 }, () => 'y'.repeat(100 * kibibyte))
  const text = shorten({ images, last: 'z' }, kibibyte ** 2) ?? ''
  expect(text.length).toBeLessThan(200 * kibibyte)
  expect(JSON.parse(text).last).toBe('z')
})

test('what is too long without its strings, or ends in a string, cannot be shortened', () => {
  expect(
    shorten(
      Array.from({ length: 300_000 }, () => 123),
      kibibyte ** 2,
    ),
  ).toBe(undefined)
  expect(shortenedJson(Buffer.from(`{"a":"${'x'.repeat(9)}`), 4)).toBe(undefined)
})
