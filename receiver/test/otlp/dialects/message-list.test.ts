import { expect, test } from 'vitest'
import { openRandom } from '../../../../test/support/random.ts'
import { lastSaid, splitMessages } from '../../../src/otlp/dialects/message-list.ts'

test.each([
  ['[1]', ['1']],
  ['[{"a":[1,2]},"x,y"]', ['{"a":[1,2]}', '"x,y"']],
  ['[ {"a": "]"} ,\n 2 ]', [' {"a": "]"} ', '\n 2 ']],
  ['["\\\\",","]', ['"\\\\"', '","']],
  ['["\\"",1]', ['"\\""', '1']],
])('%s is cut at the commas of its top level', (text, pieces) => {
  expect(splitMessages(text)).toEqual(pieces)
})

test.each(['', '[]', '{}', 'x', '[', '["a]', '[{]', '[}]', '[1', '1]'])(
  '%j is not split',
  (text) => {
    expect(splitMessages(text)).toBeUndefined()
  },
)

test('a list too long for a conversation is not split', () => {
  expect(splitMessages(`[${'1,'.repeat(20_000)}1]`)).toBeUndefined()
})

// Seeded, so that a failure can be repeated.
test('whatever is split joins to the very text it was', () => {
  const { below: random, pick } = openRandom(42)
  const signs = ['[', ']', '{', '}', '"', ',', '\\', 'a', ' ', ':', '1', '\n', 'é', '\ud83d']
  for (let round = 0; round < 20_000; round += 1) {
    const inner = Array.from({ length: random(14) }, () => pick(signs)).join('')
    const text = `[${inner}]`
    const pieces = splitMessages(text)
    if (pieces) expect(`[${pieces.join(',')}]`, `seed 42, round ${round}`).toBe(text)
  }
})

test.each([
  ['one message', [{ role: 'user', parts: [{ type: 'text', content: 'hi' }] }], 'hi'],
  [
    'the last of the role',
    [
      { role: 'user', content: 'a' },
      { role: 'user', content: 'b' },
      { role: 'assistant', content: 'c' },
    ],
    'b',
  ],
  [
    'several parts',
    [
      {
        role: 'user',
        parts: [{ type: 'text', content: 'a' }, { type: 'image' }, { type: 'text', content: 'b' }],
      },
    ],
    'a\nb',
  ],
  ['Anthropic’s blocks', [{ role: 'user', content: [{ type: 'text', text: 'a' }] }], 'a'],
  ['another role only', [{ role: 'system', content: 's' }], 's'],
  ['no text', [{ role: 'user', parts: [{ type: 'blob' }] }], undefined],
  ['no messages', [null, 5, 'x', [], {}], undefined],
])('the prompt is the text of %s', (_name, messages, text) => {
  const said = text === undefined ? undefined : { kind: 'text', text }
  expect(lastSaid(JSON.stringify(messages), 'user')).toEqual(said)
})

const sha256 = `sha256:${'a'.repeat(64)}`

test.each([
  [
    'one part that went out of line',
    [{ type: 'text', 'content.ref': sha256, 'content.size': 9 }],
    { kind: 'content', reference: { sha256, size: 9 } },
  ],
  [
    'one of several parts',
    [
      { type: 'text', 'text.ref': sha256 },
      { type: 'text', text: 'b' },
    ],
    { kind: 'in parts' },
  ],
  [
    'a part whose JSON went',
    [{ type: 'text', 'content.ref': sha256, 'content.media_type': 'application/json' }],
    { kind: 'in parts' },
  ],
  ['what is no hash', [{ type: 'text', 'content.ref': 'sha256:abc' }], undefined],
  [
    'a reference beside its content',
    [{ type: 'text', content: 'here', 'content.ref': sha256 }],
    { kind: 'text', text: 'here' },
  ],
])('what was said in %s is told', (_name, parts, said) => {
  expect(lastSaid(JSON.stringify([{ role: 'user', parts }]), 'user')).toEqual(said)
})

test.each(['', '{', '{}', 'null', '5'])('%j has no text of a message', (text) => {
  expect(lastSaid(text, 'user')).toBeUndefined()
})
