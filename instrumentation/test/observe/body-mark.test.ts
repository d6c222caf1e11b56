/** A body is known again by its length and a checksum. */
import { expect, test } from 'vitest'
import { BodyMark } from '../../src/observe/body-mark.ts'

function markOf(pieces: readonly (string | Uint8Array)[], isWhole = true): BodyMark {
  const mark = new BodyMark()
  for (const piece of pieces) mark.add(piece)
  mark.isWhole = isWhole
  return mark
}

const body = Buffer.from('{"text":"Grüße"}')

test('a body is the same in whatever pieces it came', () => {
  const pieces = [[body], ['{"text":', Buffer.from('"Grü'), 'ße"}'], ['{"text":"Grüße"}']]
  for (const each of pieces) {
    expect(markOf(each).bytes).toBe(body.length)
    expect(markOf(each).isOf(body)).toBe(true)
  }
})

test('a body that differs in a sign, or goes on, is another', () => {
  expect(markOf([body]).isOf(Buffer.from('{"text":"Grüse"}'))).toBe(false)
  expect(markOf([body]).isOf(Buffer.from('{"text":"Grüße"} '))).toBe(false)
})

test('a body of which the beginning was sent is known by that; of one that was not, nothing is', () => {
  expect(markOf([body.subarray(0, 9)], false).isOf(body)).toBe(true)
  expect(markOf(['{"other'], false).isOf(body)).toBe(false)
  expect(markOf([]).isOf(body)).toBe(true)
})
