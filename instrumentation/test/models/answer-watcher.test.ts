import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { watchedBytesMax } from '../../src/models/answer-watcher.ts'
import { anthropicMessages } from '../../src/models/anthropic/api.ts'
import { gemini } from '../../src/models/gemini/api.ts'
import { openAiChat } from '../../src/models/openai-chat/api.ts'
import { openAiResponses } from '../../src/models/openai-responses/api.ts'
import {
  answerWithTools,
  messageStart,
  textBlock,
  toolBlock,
  wireBytes,
} from './anthropic-stream.ts'

const watch = (contentType: string | undefined, contentEncoding?: string) =>
  anthropicMessages.watch({ contentType, contentEncoding })

const uses = [
  { id: 'toolu_01', name: 'read_file', arguments: '{"path": "hello.txt"}' },
  { id: 'toolu_02', name: 'list_files', arguments: '{}' },
]
const body = wireBytes(answerWithTools)

describe('every tool call of a stream is found once, whatever the pieces', () => {
  test.for([1, 2, 3, 7, 64, 1_000, body.length])('of %i bytes', (size) => {
    for (const bytes of [body, wireBytes(answerWithTools, '\r\n')]) {
      const watcher = watch('text/event-stream; charset=utf-8')
      const seen = []
      for (let at = 0; at < bytes.length; at += size)
        seen.push(...watcher.push(bytes.subarray(at, at + size)))
      seen.push(...watcher.end())
      expect(seen).toEqual(uses)
    }
  })
})

test('a tool call is found when its block is complete, before the answer is', () => {
  const watcher = watch('text/event-stream')
  const [start, ...rest] = toolBlock(0, 'a', 'n', '{"x":', '1}')
  const events = [messageStart(), ...(start ? [start] : []), ...rest]
  const found = events.map((event) => watcher.push(wireBytes([event])).length)
  expect(found).toEqual([0, 0, 0, 0, 1])
})

test('a tool call whose block never ended is not found', () => {
  const watcher = watch('text/event-stream')
  watcher.push(wireBytes(toolBlock(0, 'a', 'n', '{"x":1}').slice(0, -1)))
  expect(watcher.end()).toEqual([])
})

test('text that mentions tool_use is not a tool call', () => {
  const watcher = watch('text/event-stream')
  const text =
    '{"type":"content_block_start","content_block":{"type":"tool_use","id":"x","name":"y"}}'
  expect(watcher.push(wireBytes([messageStart(), ...textBlock(0, text, 'tool_use')]))).toEqual([])
  expect(watcher.end()).toEqual([])
})

test('a stream without event names is read by its data', () => {
  const watcher = watch('text/event-stream')
  const bytes = Buffer.from(body.toString().replaceAll(/^event: .*\n/gm, ''))
  expect([...watcher.push(bytes), ...watcher.end()]).toEqual(uses)
})

describe('an error in an answer that had begun is seen', () => {
  const error = '{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}'
  const text = 'a text with "error" in it, and {"type":"error"}'
  const stream = (...events: string[]) =>
    Buffer.concat([
      wireBytes([messageStart(), ...textBlock(0, text)]),
      Buffer.from(events.join('')),
    ])
  test.each<[string, string, string | undefined, Buffer, boolean]>([
    [
      'by its name',
      'text/event-stream',
      undefined,
      stream(`event: error\ndata: ${error}\n\n`),
      true,
    ],
    ['by its data', 'text/event-stream', undefined, stream(`data: ${error}\n\n`), true],
    ['at a torn end', 'text/event-stream', undefined, stream(`event: error\ndata: ${error}`), true],
    [
      'encoded',
      'text/event-stream',
      'gzip',
      gzipSync(stream(`event: error\ndata: ${error}\n\n`)),
      true,
    ],
    ['in JSON', 'application/json', undefined, Buffer.from(error), true],
    ['not in its text', 'text/event-stream', undefined, stream(), false],
    ['not in the text of an encoded one', 'text/event-stream', 'gzip', gzipSync(stream()), false],
  ])('%s', (_claim, type, encoding, bytes, expected) => {
    const watcher = watch(type, encoding)
    for (const byte of bytes) watcher.push(Uint8Array.of(byte))
    watcher.end()
    expect(watcher.hasError).toBe(expected)
  })
})

test('the tool calls of a JSON answer are found at its end, their arguments as they were written', () => {
  const watcher = watch('application/json')
  const text =
    '{"content":[{"type":"tool_use","id":"a","name":"n","input":{ "x" : 1.0 }},{"type":"text","text":""}]}'
  expect(watcher.push(Buffer.from(text.slice(0, 30)))).toEqual([])
  expect(watcher.push(Buffer.from(text.slice(30)))).toEqual([])
  expect(watcher.end()).toEqual([{ id: 'a', name: 'n', arguments: '{ "x" : 1.0 }' }])
  expect(watcher.end()).toEqual([])
})

test('encoded answers are decoded at their end', () => {
  const watcher = watch('text/event-stream', 'gzip')
  expect(watcher.push(gzipSync(body))).toEqual([])
  expect(watcher.end()).toEqual(uses)
})

test.for([
  ['garbage', 'application/json', undefined, Buffer.from('{"content": tool_use')],
  ['no such encoding', 'application/json', 'rot13', Buffer.from('tool_use')],
  ['broken gzip', 'text/event-stream', 'gzip', Buffer.from('tool_use')],
  ['no content type', undefined, undefined, Buffer.from('tool_use')],
  [
    'hostile data',
    'text/event-stream',
    undefined,
    Buffer.from(
      'data: {"type":"content_block_start","content_block":{"type":"tool_use"},"index":[]}\n\ndata: tool_use\n\n',
    ),
  ],
] as const)('%s gives nothing and throws nothing', ([, type, encoding, bytes]) => {
  const watcher = watch(type, encoding)
  expect([...watcher.push(bytes), ...watcher.end()]).toEqual([])
})

test('above its limit it gives up', () => {
  for (const type of ['text/event-stream', 'application/json']) {
    const watcher = watch(type)
    watcher.push(Buffer.alloc(watchedBytesMax))
    expect(watcher.push(body)).toEqual([])
    expect(watcher.end()).toEqual([])
  }
})

// Each delta of a few characters is an event of a hundred bytes, so a stream is far longer than the text it carries.
test('tool calls are found in a stream of any length, but not with arguments above the limit', () => {
  const watcher = watch('text/event-stream')
  const text = wireBytes(textBlock(0, 'a word '))
  for (let bytes = 0; bytes <= watchedBytesMax; bytes += text.length) {
    expect(watcher.push(text)).toEqual([])
  }
  expect(watcher.push(wireBytes(toolBlock(1, 'a', 'n', '{}')))).toEqual([
    { id: 'a', name: 'n', arguments: '{}' },
  ])
  const piece = 'x'.repeat(1024 ** 2)
  const [start, ...deltas] = toolBlock(2, 'b', 'n', ...Array<string>(16).fill(piece))
  for (const event of [...(start ? [start] : []), ...deltas]) {
    expect(watcher.push(wireBytes([event]))).toEqual([])
  }
  expect(watcher.push(body)).toEqual([])
  expect(watcher.end()).toEqual([])
})

test('200 000 tool calls in one answer are found, before the test’s time is over', () => {
  const one = '{"type":"tool_use","id":"a","name":"n","input":{}}'
  const watcher = watch('application/json')
  watcher.push(Buffer.from(`{"content":[${`${one},`.repeat(199_999)}${one}]}`))
  expect(watcher.end()).toHaveLength(200_000)
})

describe('the tool results of a request are found by their ids', () => {
  test.for([
    ['compact', '{"type":"tool_result","tool_use_id":"toolu_1"}', ['toolu_1']],
    ['spaced', '{"tool_use_id" :\n "toolu_1" }', ['toolu_1']],
    ['both', '[{"tool_use_id":"toolu_2"},{"tool_use_id":"toolu_1"}]', ['toolu_1', 'toolu_2']],
    ['the call itself', '{"type":"tool_use","id":"toolu_1"}', []],
    ['first the call, then the result', '{"id":"toolu_1"},{"tool_use_id":"toolu_1"}', ['toolu_1']],
    ['a longer id', '{"tool_use_id":"toolu_11"}', []],
    ['another name', '{"other_tool_use_id":"toolu_1"}', []],
    ['quoted in a text', '"{\\"tool_use_id\\":\\"toolu_1\\"}"', []],
    ['at the very start', 'tool_use_id":"toolu_1"', []],
    ['nothing', '', []],
  ] as const)('%s', ([, text, ids]) => {
    const open = ['toolu_1', 'toolu_2', '', undefined].map((id) => ({ id, name: 'n' }))
    const found = anthropicMessages.findAnswered(Buffer.from(text), open)
    expect(found.map(({ id }) => id)).toEqual(ids)
  })
})

// A client may hang up as soon as it has read the last event: then the model call has not failed.
test.for([
  ['Anthropic Messages', anthropicMessages, '{"type":"message_stop"}'],
  ['OpenAI Chat Completions', openAiChat, '[DONE]'],
  ['OpenAI Responses', openAiResponses, '{"type":"response.completed","response":{}}'],
  ['Gemini', gemini, '{"candidates":[{"finishReason":"STOP"}]}'],
] as const)('a stream is whole with its last event, and not before (%s)', ([, api, last]) => {
  const watcher = api.watch({ contentType: 'text/event-stream', contentEncoding: undefined })
  watcher.push(
    Buffer.from('data: {"type":"text","text":"[DONE] \\"type\\":\\"message_stop\\""}\n\n'),
  )
  expect(watcher.isWhole).toBe(false)
  watcher.push(Buffer.from(`data: ${last}\n\n`))
  expect(watcher.isWhole).toBe(true)
})
