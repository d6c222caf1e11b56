/** A short text is inside many others: it counts only if the other text quotes it. */
import { expect, test } from 'vitest'
import { isQuotedIn } from '../../src/observe/quoted-text.ts'

test.for([
  ['hi', 'Write a title for: hi'],
  ['hi', 'Write a title for:\thi  \nBe brief.'],
  ['1', 'Is "1" a new topic?'],
  ['1', 'Is ‘1’ a new topic?'],
  ['yes', '<message> yes </message>'],
  ['yes', '```\nyes\n```'],
  ['yes', 'yes'],
  ['say "yes"', '{"message":"say \\"yes\\""}'],
  ['one\ntwo', 'Message:\none\ntwo\nAnswer true or false.'],
  ['hi', 'say hi: "hi"'],
])('%j is quoted in %j', ([text, outer]) => {
  expect(isQuotedIn(String(outer), String(text))).toBe(true)
})

test.for([
  ['hi', 'Translate this thing'],
  ['hi', 'Write a title for: hi there'],
  ['hi', 'Write a poem that says hi'],
  ['hi', 'hidden'],
  ['1', 'There is 1 file: 11'],
  ['yes', 'Answer yes or no'],
  ['', 'Write a title for: '],
  [' ', 'Write a title for: " "'],
])('%j is not quoted in %j', ([text, outer]) => {
  expect(isQuotedIn(String(outer), String(text))).toBe(false)
})
