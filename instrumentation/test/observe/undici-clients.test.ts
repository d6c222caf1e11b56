/** Model calls through copies of undici, of versions that tell of bodies and of versions that do not. */
import { channel } from 'node:diagnostics_channel'
import { expect, test } from 'vitest'
import type { Exchange } from '../../src/observe/exchange.ts'
import { observeUndici } from '../../src/observe/undici-clients.ts'
import { startChat, textOf, turnTrees } from '../support/chat.ts'
import { lastText } from '../support/messages-api.ts'

test.for([
  'fetch',
  'undici 5',
  'undici 6',
  'undici 8',
  'undici 6 request',
  'undici 6 retrying',
  'undici 6 behind interceptors',
  'undici 6 agent',
])('a turn through %s has its prompt, answer and tool call, once each', async (client) => {
  await using chat = await startChat({
    client,
    answer: (request) =>
      lastText(request) === ''
        ? { text: 'Written.' }
        : { tools: [{ id: 'tu_1', name: 'write_file', input: { path: 'a.txt', content: 'a' } }] },
  })
  await chat.post('hello')
  const recorded = await chat.recorded()
  expect(turnTrees(recorded)).toEqual([
    'turn\n  chat\n  execute_tool write_file\n    file.create a.txt\n  chat',
  ])
  const calls = recorded.spans.filter(({ name }) => name.startsWith('chat'))
  expect(textOf(calls[0], 'gen_ai.input.messages')).toBe('hello')
  expect(textOf(calls[1], 'gen_ai.output.messages')).toBe('Written.')
  expect(calls.map(({ attributes }) => attributes['gen_ai.usage.output_tokens'])).not.toContain(
    undefined,
  )
})

/** A copy of undici that shows no bodies, and sends HTTP/2 headers in several shapes. */
function watched(headers: unknown) {
  const seen: unknown[] = []
  const exchange: Exchange = {
    sent: (chunk) => seen.push(['sent', String(chunk)]),
    allSent: () => seen.push('all sent'),
    answered: (status, pairs) => seen.push([status, ...pairs]),
    received: (chunk) => seen.push(['received', Buffer.from(chunk).toString()]),
    finished: () => seen.push('finished'),
    failed: () => seen.push('failed'),
  }
  const stop = observeUndici(() => exchange)
  const request = { method: 'POST', origin: 'http://model.test', path: '/v1/messages' }
  const publish = (name: string, message: object) =>
    channel(`undici:request:${name}`).publish({ request, ...message })
  publish('create', {})
  publish('headers', { response: { statusCode: 200, headers } })
  publish('trailers', {})
  stop()
  return seen
}

test.for<[string, unknown, readonly (readonly [string, string])[]]>([
  ['a list of bytes', [Buffer.from('A'), Buffer.from('1')], [['a', '1']]],
  [
    'a list of texts',
    ['A', '1', 'B', ['2', '3']],
    [
      ['a', '1'],
      ['b', '2'],
      ['b', '3'],
    ],
  ],
  [
    'an object',
    { ':status': '200', A: '1', b: ['2', Buffer.from('3')] },
    [
      ['a', '1'],
      ['b', '2'],
      ['b', '3'],
    ],
  ],
  ['nothing', undefined, []],
  ['something else', 7, []],
])('headers that are %s are read, and break nothing', ([, headers, expected]) => {
  expect(watched(headers)).toEqual([[200, ...expected], 'finished'])
})
