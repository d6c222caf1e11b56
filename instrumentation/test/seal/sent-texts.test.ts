/** What an app sent, read from its frames, and which model call gave the answer. */
import { expect, test } from 'vitest'
import { answeringCall } from '../../src/seal/answering-call.ts'
import { isSent, sentTexts } from '../../src/seal/sent-texts.ts'

const answer = 'Hello, „world“!\nIt is done.'
const pieces = ['Hel', 'lo, „wo', 'rld“!\nIt is', ' done.']
const bytes = (...texts: readonly string[]) => texts.map((text) => Buffer.from(text))

test.for<[string, readonly string[]]>([
  ['one JSON object', [JSON.stringify({ id: 1, reply: { text: answer } })]],
  ['a JSON object in two pieces', [`{"reply":${JSON.stringify(answer)}`, '}']],
  ['plain text in pieces', pieces],
  ['plain text between others', ['Assistant: ', ...pieces, '\n\nBye.']],
  [
    'server-sent events of JSON',
    pieces.map(
      (text) => `event: delta\ndata: ${JSON.stringify({ type: 'text', delta: { text } })}\n\n`,
    ),
  ],
  ['lines of JSON', pieces.map((text) => `${JSON.stringify({ type: 'd', text })}\n`)],
  ['lines with a number before the JSON', pieces.map((text) => `0:${JSON.stringify(text)}\n`)],
  ['messages of a socket', pieces.map((text) => JSON.stringify({ type: 'token', text }))],
  ['messages in a list', pieces.map((text) => JSON.stringify(['chat', { text }]))],
])('an answer sent as %s is found', ([, sent]) => {
  expect(isSent(answer, sentTexts(bytes(...sent)))).toBe(true)
  expect(isSent('Another answer.', sentTexts(bytes(...sent)))).toBe(false)
})

test('nothing that was sent breaks the reading', () => {
  const deep = '['.repeat(10_000)
  for (const sent of ['', 'null', '{', '\u0000', deep, '{"a":'.repeat(500)]) {
    expect(sentTexts(bytes(sent)).every((text) => typeof text === 'string')).toBe(true)
  }
  expect(isSent(' ', sentTexts(bytes(' ')))).toBe(false)
})

const call = (text: string, asked: string, more: object = {}) => ({ text, asked, ...more })
const main = call('The answer.', 'hi')
const title = call('A title', 'A title for: hi')
const prompt = 'hi'

test.for<[string, Parameters<typeof answeringCall>[0], readonly string[], string | undefined]>([
  ['the call whose text was sent', [main, title], ['The answer.'], 'The answer.'],
  ['that call also if it came last', [title, main], ['The answer.'], 'The answer.'],
  [
    'of two sent texts the one for the user’s words',
    [main, title],
    ['The answer. A title'],
    'The answer.',
  ],
  [
    'the last call for the user’s words, if nothing was sent',
    [call('Let me look.', 'hi'), main, title],
    [],
    'The answer.',
  ],
  [
    'the last call, if none repeats the user’s words',
    [call('a', 'User said: hi'), call('b', 'User said: hi')],
    [],
    'b',
  ],
  [
    'no call that began when the response had ended',
    [main, call('The answer.', 'hi', { isLate: true, finishReason: 'late' })],
    ['The answer.'],
    'The answer.',
  ],
  ['none without a text', [call('', 'hi')], [], undefined],
])('the answer is of %s', ([, calls, sent, expected]) => {
  const found = answeringCall(calls, { prompt, sent })
  expect(found?.text).toBe(expected)
  expect(found?.finishReason).toBe(undefined)
})

const ofAgent = { instructions: 1 }
const ofTitle = { instructions: 2 }

test.for<readonly [string, ReturnType<typeof call>[], string | undefined]>([
  [
    'the agent, if a title is asked with the user’s words after it',
    [call('The answer.', 'hi', ofAgent), call('A title', 'hi', ofTitle)],
    'The answer.',
  ],
  ['no title, if the agent has not answered', [call('A title', 'hi', ofTitle)], undefined],
  [
    'another agent, which brings the results of the first one’s tools',
    [
      call('To another.', 'hi', ofAgent),
      call('Done.', 'hi', { instructions: 3, bringsResults: true }),
    ],
    'Done.',
  ],
])('where nothing is sent, and tools are offered, the answer is of %s', ([, calls, expected]) => {
  expect(answeringCall(calls, { prompt, sent: [], agents: [1] })?.text).toBe(expected)
})
