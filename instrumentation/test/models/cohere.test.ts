import { describe, expect, test } from 'vitest'
import { cohere } from '../../src/models/cohere/api.ts'
import type { WireExchange } from '../../src/models/model-api.ts'
import { findModelApi, findPossibleApis } from '../../src/models/model-apis.ts'
import {
  bytesOf,
  hasWatchedError,
  json,
  mapsAtEveryByte,
  oddValues,
  parse,
  sse,
  takesOddValues,
  watchedCalls,
} from './api-checks.ts'

const request = {
  model: 'command-a-03-2025',
  messages: [
    { role: 'system', content: 'You edit files.' },
    { role: 'user', content: 'add a greeting' },
  ],
  tools: [
    { type: 'function', function: { name: 'read_file', description: 'Reads.', parameters: {} } },
  ],
  max_tokens: 100,
  temperature: 0.2,
  p: 0.9,
  k: 40,
  stop_sequences: ['END'],
  stream: true,
}
type Event = { readonly type: string; readonly [name: string]: unknown }
const event = (type: string, message: object, more = {}): Event => ({
  type,
  ...more,
  delta: { message },
})
const content = (index: number, ...texts: object[]) => [
  event('content-start', { content: texts[0] }, { index }),
  ...texts.slice(1).map((each) => event('content-delta', { content: each }, { index })),
  { type: 'content-end', index },
]
const toolCall = (index: number, id: string, name: string, ...pieces: string[]) => [
  event(
    'tool-call-start',
    { tool_calls: { id, type: 'function', function: { name, arguments: '' } } },
    { index },
  ),
  ...pieces.map((each) =>
    event('tool-call-delta', { tool_calls: { function: { arguments: each } } }, { index }),
  ),
  { type: 'tool-call-end', index },
]
const usage = {
  billed_units: { input_tokens: 10, output_tokens: 5 },
  tokens: { input_tokens: 70, output_tokens: 8 },
  cached_tokens: 6,
}
const start = {
  type: 'message-start',
  id: 'c_1',
  delta: { message: { role: 'assistant', content: [], tool_plan: '', tool_calls: [] } },
}
const end = (finish_reason: string, more = {}) => ({
  type: 'message-end',
  delta: { finish_reason, usage, ...more },
})
const citation = { start: 0, end: 5, text: 'Grüße', sources: [] }
const answer: Event[] = [
  start,
  event('tool-plan-delta', { tool_plan: 'I will ' }),
  event('tool-plan-delta', { tool_plan: 'read.' }),
  ...content(0, { type: 'thinking', thinking: '' }, { thinking: 'A gree' }, { thinking: 'ting.' }),
  ...content(1, { type: 'text', text: '' }, { text: 'Grüße, ' }, { text: '緑 🎈!' }),
  event('citation-start', { citations: citation }, { index: 0 }),
  { type: 'citation-end', index: 0 },
  ...toolCall(0, 'read_file_1', 'read_file', '{"path": "', 'a.txt"}'),
  ...toolCall(1, 'list_files_2', 'list_files'),
  end('TOOL_CALL'),
]
const calls = [
  { id: 'read_file_1', name: 'read_file', arguments: '{"path": "a.txt"}' },
  { id: 'list_files_2', name: 'list_files', arguments: '{}' },
]
const bytes = (events: readonly Event[]) =>
  Buffer.from(
    events.map((each) => `event: ${each.type}\ndata: ${JSON.stringify(each)}\n\n`).join(''),
  )

function exchange(parts: Partial<WireExchange> = {}): WireExchange {
  return {
    url: 'https://api.cohere.com/v2/chat',
    requestBody: bytesOf(request),
    status: 200,
    responseHeaders: sse,
    responseBody: bytes(answer),
    isComplete: true,
    ...parts,
  }
}

const answered = (value: unknown, parts: Partial<WireExchange> = {}) =>
  cohere.map(exchange({ responseHeaders: json, responseBody: bytesOf(value), ...parts }))
const asked = (messages: unknown, more = {}) =>
  cohere.map(exchange({ requestBody: bytesOf({ ...request, messages, ...more }) }))

const outputParts = [
  { type: 'reasoning', content: 'I will read.' },
  { type: 'reasoning', content: 'A greeting.' },
  { type: 'text', content: 'Grüße, 緑 🎈!' },
  { type: 'tool_call', id: 'read_file_1', name: 'read_file', arguments: { path: 'a.txt' } },
]

test('a streamed answer has everything', () => {
  const call = cohere.map(exchange())
  expect(call.attributes).toEqual({
    'gen_ai.operation.name': 'chat',
    'gen_ai.provider.name': 'cohere',
    'gen_ai.request.model': 'command-a-03-2025',
    'gen_ai.request.max_tokens': 100,
    'gen_ai.request.temperature': 0.2,
    'gen_ai.request.top_p': 0.9,
    'gen_ai.request.top_k': 40,
    'gen_ai.request.stop_sequences': ['END'],
    'gen_ai.request.stream': true,
    'server.address': 'api.cohere.com',
    'server.port': 443,
    'http.response.status_code': 200,
    'gen_ai.response.id': 'c_1',
    'gen_ai.response.finish_reasons': ['TOOL_CALL'],
    'gen_ai.usage.input_tokens': 70,
    'gen_ai.usage.output_tokens': 8,
    'gen_ai.usage.cache_read.input_tokens': 6,
  })
  expect(parse(call.outputMessages)).toEqual([
    {
      role: 'assistant',
      citations: [citation],
      parts: [
        ...outputParts,
        { type: 'tool_call', id: 'list_files_2', name: 'list_files', arguments: '' },
      ],
      finish_reason: 'TOOL_CALL',
    },
  ])
  expect(parse(call.inputMessages)).toEqual([
    { role: 'system', parts: [{ type: 'text', content: 'You edit files.' }] },
    { role: 'user', parts: [{ type: 'text', content: 'add a greeting' }] },
  ])
  expect(parse(call.toolDefinitions)).toEqual([
    { type: 'function', name: 'read_file', description: 'Reads.', parameters: {} },
  ])
  expect(call).toMatchObject({
    answerText: 'Grüße, 緑 🎈!',
    lastUserText: 'add a greeting',
    toolCalls: calls,
  })
  expect(call).not.toHaveProperty('errorType')
})

test('a JSON answer gives the same', () => {
  const body = {
    id: 'c_1',
    finish_reason: 'TOOL_CALL',
    message: {
      role: 'assistant',
      tool_plan: 'I will read.',
      content: [
        { type: 'thinking', thinking: 'A greeting.' },
        { type: 'text', text: 'Grüße, 緑 🎈!' },
      ],
      tool_calls: calls.slice(0, 1).map(({ id, name, arguments: written }) => ({
        id,
        type: 'function',
        function: { name, arguments: written },
      })),
      citations: [citation],
    },
    usage,
  }
  const call = answered(body)
  expect(call.attributes).toEqual(cohere.map(exchange()).attributes)
  expect(parse(call.outputMessages)).toEqual([
    {
      role: 'assistant',
      citations: [citation],
      parts: outputParts,
      finish_reason: 'TOOL_CALL',
    },
  ])
  expect(call.toolCalls).toEqual(calls.slice(0, 1))
  expect(watchedCalls(cohere, 'application/json', bytesOf(body), 9)).toEqual(call.toolCalls)
})

test('billed units count only if there is no count of tokens', () => {
  const { billed_units } = usage
  const message = { role: 'assistant', content: [] }
  const { usage: found } = answered({ message, finish_reason: 'COMPLETE', usage: { billed_units } })
  expect(found).toEqual({ inputTokens: 10, outputTokens: 5 })
})

describe('every kind of content becomes a part, and none loses a member', () => {
  test.for([
    ['text', { type: 'text', text: 'x', more: 1 }, { type: 'text', content: 'x', more: 1 }],
    ['thinking', { type: 'thinking', thinking: 'x' }, { type: 'reasoning', content: 'x' }],
    [
      'image by URL',
      { type: 'image_url', image_url: { url: 'https://u', detail: 'low' } },
      { type: 'uri', modality: 'image', uri: 'https://u', detail: 'low' },
    ],
    [
      'image',
      { type: 'image_url', image_url: { url: 'data:image/png;base64,AA==' } },
      { type: 'blob', modality: 'image', mime_type: 'image/png', content: 'AA==' },
    ],
    [
      'document',
      { type: 'document', document: { data: { a: 1 }, id: 'd' } },
      { type: 'document', document: { data: { a: 1 }, id: 'd' } },
    ],
    ['unknown', { type: 'brand_new', a: { b: 1 } }, { type: 'brand_new', a: { b: 1 } }],
    ['no object', 7, { type: 'unknown', value: 7 }],
    ['a string', 'x', { type: 'text', content: 'x' }],
  ] as const)('%s', ([, sent, part]) => {
    expect(parse(asked([{ role: 'user', content: [sent] }]).inputMessages)).toEqual([
      { role: 'user', parts: [part] },
    ])
  })
})

test('documents of a request are a message before the others', () => {
  const call = asked([{ role: 'user', content: 'hi' }], { documents: ['d1', { id: 'd2' }] })
  expect(parse(call.inputMessages)).toEqual([
    {
      role: 'system',
      parts: [
        { type: 'document', document: 'd1' },
        { type: 'document', document: { id: 'd2' } },
      ],
    },
    { role: 'user', parts: [{ type: 'text', content: 'hi' }] },
  ])
  expect(call.lastUserText).toBe('hi')
})

describe('a stream that was cut', () => {
  test('maps at every byte', () => mapsAtEveryByte(cohere, exchange()))
  test('keeps the partial answer, half a tool call included', () => {
    const half = answer.findIndex(({ type }) => type === 'tool-call-delta') + 1
    const call = cohere.map(
      exchange({ responseBody: bytes(answer.slice(0, half)), isComplete: false }),
    )
    expect(parse(call.outputMessages)[0].parts.at(-1)).toEqual({
      type: 'tool_call',
      id: 'read_file_1',
      name: 'read_file',
      arguments: '{"path": "',
    })
    expect(call).toMatchObject({
      answerText: 'Grüße, 緑 🎈!',
      finishReasons: ['error'],
      errorType: 'incomplete_response',
    })
    expect(call.usage).toEqual({})
  })
})

describe('errors', () => {
  test('of a request', () => {
    const body = { id: 'e', message: 'invalid api token' }
    expect(answered(body, { status: 401 })).toMatchObject({
      errorType: '401',
      errorMessage: 'invalid api token',
      finishReasons: ['error'],
      answerText: '',
    })
  })
  test('at the end of a stream', () => {
    const text = content(0, { type: 'text', text: '' }, { text: 'half' })
    const body = bytes([start, ...text, end('ERROR', { error: 'the model failed' })])
    expect(cohere.map(exchange({ responseBody: body }))).toMatchObject({
      errorType: 'ERROR',
      errorMessage: 'the model failed',
      answerText: 'half',
    })
    expect(hasWatchedError(cohere, 'text/event-stream', body)).toBe(true)
    expect(hasWatchedError(cohere, 'text/event-stream', bytes(answer))).toBe(false)
  })
  test('a text that speaks of errors is none', () => {
    const text = '{"type":"tool-call-end","error":"x"} "ERROR" "tool-call-"'
    const body = bytes([
      start,
      ...content(0, { type: 'text', text: '' }, { text }),
      end('COMPLETE'),
    ])
    expect(hasWatchedError(cohere, 'text/event-stream', body)).toBe(false)
    expect(watchedCalls(cohere, 'text/event-stream', body)).toEqual([])
  })
  test.for(['{"mess', '{"hello":1}', '<html>Bad Gateway</html>'])(
    'what is not an answer is recorded as text: %s',
    (text) => {
      const call = answered(text, { isComplete: false })
      expect(parse(call.outputMessages)[0].parts).toEqual([{ type: 'text', content: text }])
    },
  )
})

test('the watcher sees each tool call once, when it is complete, whatever the pieces', () => {
  const body = bytes(answer)
  for (const size of [1, 2, 3, 7, 64, 1_000, body.length]) {
    expect(watchedCalls(cohere, 'text/event-stream', body, size)).toEqual(calls)
  }
  const watcher = cohere.watch({ contentType: 'text/event-stream', contentEncoding: undefined })
  const found = toolCall(0, 'a', 'n', '{}').map((each) => watcher.push(bytes([each])).length)
  expect(found).toEqual([0, 0, 1])
  watcher.push(bytes(toolCall(1, 'b', 'n', '{}').slice(0, -1)))
  expect(watcher.end()).toEqual([])
})

test('nothing that parses makes it throw', () => {
  takesOddValues(cohere, {
    request: ['messages', 'tools', 'documents', 'model', 'stop_sequences', 'stream'],
    answer: ['message', 'delta', 'type', 'usage', 'finish_reason', 'error', 'id', 'logprobs'],
  })
  const kinds = answer.map(({ type }) => type)
  for (const value of oddValues) {
    const message = { content: value, tool_plan: value, tool_calls: value, citations: value }
    for (const type of kinds) {
      for (const delta of [value, { message: value, usage: value }, { message }]) {
        const body = bytes([{ type, index: value, delta }, ...toolCall(0, 'a', 'b', '{')])
        cohere.map(exchange({ responseBody: body }))
        watchedCalls(cohere, 'text/event-stream', body)
      }
    }
    asked([value, { role: 'tool', ...message }, { role: value, ...message }])
    answered({ message: { ...message, tool_calls: [{ function: value }, value] } })
  }
})

describe('results of tools', () => {
  const result = (id: string, text: unknown) => ({ role: 'tool', tool_call_id: id, content: text })
  const document = { type: 'document', document: { data: { data: 'x' } } }
  const messages = [
    { role: 'user', content: 'do it' },
    { role: 'assistant', tool_plan: 'I plan.', tool_calls: [] },
    result('a', 'plain'),
    result('b', [{ type: 'text', text: 'one text' }]),
    result('c', [document]),
  ]
  test('are found by their ids', () => {
    const open = ['b', 'x'].map((id) => ({ id, name: 'n' }))
    expect(cohere.findAnswered(bytesOf({ messages }), open)).toEqual([open[0]])
  })
  test('have their text, or JSON', () => {
    const call = asked(messages)
    expect(call.toolResults).toEqual([
      { callId: 'a', isError: false, content: 'plain' },
      { callId: 'b', isError: false, content: 'one text' },
      { callId: 'c', isError: false, content: JSON.stringify([document]) },
    ])
    expect(parse(call.inputMessages).slice(1, 3)).toEqual([
      { role: 'assistant', parts: [{ type: 'reasoning', content: 'I plan.' }] },
      { role: 'tool', parts: [{ type: 'tool_call_response', id: 'a', response: 'plain' }] },
    ])
  })
  test('are the last ones only if the request ends with them', () => {
    expect(cohere.lastResults(bytesOf({ messages }))?.length).toBe(3)
    const more = [...messages, { role: 'user', content: 'stop' }]
    expect(cohere.lastResults(bytesOf({ messages: more }))).toBeUndefined()
  })
})

test.for([
  ['POST', 'https://api.cohere.com/v2/chat', 'yes'],
  ['POST', 'https://proxy.example/cohere/v2/chat', 'by body'],
  ['POST', 'https://api.cohere.com/v2/embed', 'no'],
  ['POST', 'https://api.cohere.com/v2/rerank', 'no'],
  ['POST', 'https://api.cohere.com/v1/chat', 'no'],
  ['GET', 'https://api.cohere.com/v2/chat', 'no'],
  ['POST', 'https://api.cohere.com/xv2/chat', 'no'],
] as const)('%s %s is a call of Cohere: %s', ([method, address, expected]) => {
  const url = URL.parse(address)
  expect(findModelApi(method, url) === cohere).toBe(expected === 'yes')
  expect(findPossibleApis(method, url).includes(cohere)).toBe(expected === 'by body')
})

test.for([
  ['a chat', request, true],
  ['only a model and messages', { model: 'm', messages: request.messages }, true],
  ['a member of the app’s own', { ...request, sessionId: 's' }, false],
  ['messages with ids', { ...request, messages: [{ id: 'i', role: 'user', content: '' }] }, false],
  ['no model', { messages: request.messages }, false],
  ['no messages', { model: 'm' }, false],
] as const)('%s is a request to Cohere: %s', ([, body, expected]) => {
  expect(cohere.isRequest(bytesOf(body))).toBe(expected)
})
