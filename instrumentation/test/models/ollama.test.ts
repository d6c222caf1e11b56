import { describe, expect, test } from 'vitest'
import type { WireExchange } from '../../src/models/model-api.ts'
import { findModelApi, findPossibleApis } from '../../src/models/model-apis.ts'
import { ollama } from '../../src/models/ollama/api.ts'
import {
  bytesOf,
  hasWatchedError,
  json,
  lines,
  mapsAtEveryByte,
  oddValues,
  parse,
  sse,
  takesOddValues,
  watchedCalls,
} from './api-checks.ts'

const request = {
  model: 'qwen3:8b',
  messages: [
    { role: 'system', content: 'You edit files.' },
    { role: 'user', content: 'add a greeting', images: ['iVBORw0KGgo='] },
  ],
  tools: [
    { type: 'function', function: { name: 'read_file', description: 'Reads.', parameters: {} } },
  ],
  options: { temperature: 0.2, top_p: 0.9, top_k: 40, num_predict: 100, stop: ['END'] },
}
const at = { model: 'qwen3:8b', created_at: '2025-07-01T10:00:00Z' }
const piece = (message: object) => ({
  ...at,
  message: { role: 'assistant', ...message },
  done: false,
})
const call = (name: string, args: object, more = {}) => ({
  ...more,
  function: { name, arguments: args },
})
const end = {
  ...at,
  message: { role: 'assistant', content: '' },
  done: true,
  done_reason: 'stop',
  total_duration: 5,
  prompt_eval_count: 26,
  eval_count: 12,
}
const answer = [
  piece({ content: '', thinking: 'A gree' }),
  piece({ content: '', thinking: 'ting.' }),
  piece({ content: 'Grüße, ' }),
  piece({ content: '緑 🎈!' }),
  piece({ content: '', tool_calls: [call('read_file', { path: 'a.txt' })] }),
  piece({ content: '', tool_calls: [call('list_files', {}, { id: 'call_1' })] }),
  end,
]
const calls = [
  { name: 'read_file', arguments: '{"path":"a.txt"}' },
  { id: 'call_1', name: 'list_files', arguments: '{}' },
]
const linesOf = (pieces: readonly unknown[]) =>
  Buffer.from(pieces.map((each) => `${JSON.stringify(each)}\n`).join(''))

function exchange(parts: Partial<WireExchange> = {}): WireExchange {
  return {
    url: 'http://localhost:11434/api/chat',
    requestBody: bytesOf(request),
    status: 200,
    responseHeaders: lines,
    responseBody: linesOf(answer),
    isComplete: true,
    ...parts,
  }
}

const answered = (value: unknown, parts: Partial<WireExchange> = {}) =>
  ollama.map(exchange({ responseHeaders: json, responseBody: bytesOf(value), ...parts }))
const asked = (body: object) => ollama.map(exchange({ requestBody: bytesOf(body) }))

test('a streamed answer has everything', () => {
  const record = ollama.map(exchange())
  expect(record.attributes).toEqual({
    'gen_ai.operation.name': 'chat',
    'gen_ai.provider.name': 'ollama',
    'gen_ai.request.model': 'qwen3:8b',
    'gen_ai.request.max_tokens': 100,
    'gen_ai.request.temperature': 0.2,
    'gen_ai.request.top_p': 0.9,
    'gen_ai.request.top_k': 40,
    'gen_ai.request.stop_sequences': ['END'],
    'gen_ai.request.stream': true,
    'server.address': 'localhost',
    'server.port': 11434,
    'http.response.status_code': 200,
    'gen_ai.response.model': 'qwen3:8b',
    'gen_ai.response.finish_reasons': ['stop'],
    'gen_ai.usage.input_tokens': 26,
    'gen_ai.usage.output_tokens': 12,
  })
  expect(parse(record.outputMessages)).toEqual([
    {
      role: 'assistant',
      created_at: '2025-07-01T10:00:00Z',
      total_duration: 5,
      parts: [
        { type: 'reasoning', content: 'A greeting.' },
        { type: 'text', content: 'Grüße, 緑 🎈!' },
        { type: 'tool_call', name: 'read_file', arguments: { path: 'a.txt' } },
        { type: 'tool_call', id: 'call_1', name: 'list_files', arguments: {} },
      ],
      finish_reason: 'stop',
    },
  ])
  expect(parse(record.inputMessages)).toEqual([
    { role: 'system', parts: [{ type: 'text', content: 'You edit files.' }] },
    {
      role: 'user',
      parts: [
        { type: 'text', content: 'add a greeting' },
        { type: 'blob', modality: 'image', content: 'iVBORw0KGgo=' },
      ],
    },
  ])
  expect(parse(record.toolDefinitions)).toEqual([
    { type: 'function', name: 'read_file', description: 'Reads.', parameters: {} },
  ])
  expect(record).toMatchObject({
    answerText: 'Grüße, 緑 🎈!',
    lastUserText: 'add a greeting',
    toolCalls: calls,
  })
  expect(record).not.toHaveProperty('errorType')
})

test('a JSON answer keeps the arguments as the model wrote them', () => {
  const text = `{"model":"m","message":{"role":"assistant","content":"hello","tool_calls":[
    {"function":{"name":"add","arguments":{ "n" : 1.0, "big":12345678901234567890 }}}]},
    "done":true,"done_reason":"stop","prompt_eval_count":3,"eval_count":4}`
  const requestBody = bytesOf({ ...request, stream: false })
  const record = answered(text, { requestBody })
  expect(record.toolCalls).toEqual([
    { name: 'add', arguments: '{ "n" : 1.0, "big":12345678901234567890 }' },
  ])
  expect(watchedCalls(ollama, 'application/json', Buffer.from(text))).toEqual(record.toolCalls)
  expect(record.usage).toEqual({ inputTokens: 3, outputTokens: 4 })
  expect(record).toMatchObject({ answerText: 'hello', finishReasons: ['stop'] })
  expect(record.attributes['gen_ai.request.stream']).toBe(false)
})

test('a stream is read also if its content type is lost', () => {
  const record = ollama.map(exchange({ responseHeaders: json }))
  expect(record.outputMessages).toBe(ollama.map(exchange()).outputMessages)
  expect(watchedCalls(ollama, 'application/json', linesOf(answer), 5)).toEqual(calls)
})

test('generate has a single text as its input and its output', () => {
  const url = 'http://localhost:11434/api/generate'
  const requestBody = bytesOf({
    model: 'm',
    prompt: 'Why?',
    suffix: 's',
    system: 'Be brief.',
    images: ['AA=='],
  })
  const pieces = [
    { ...at, response: '', thinking: 'hm', done: false },
    { ...at, response: 'Be', done: false },
    { ...at, response: 'cause.', done: false },
    { ...at, response: '', done: true, done_reason: 'length', context: [1, 2], eval_count: 3 },
  ]
  const record = ollama.map(exchange({ url, requestBody, responseBody: linesOf(pieces) }))
  expect(parse(record.systemInstructions)).toEqual([{ type: 'text', content: 'Be brief.' }])
  expect(parse(record.inputMessages)).toEqual([
    {
      role: 'user',
      parts: [
        { type: 'text', content: 'Why?' },
        { type: 'blob', modality: 'image', content: 'AA==' },
      ],
      suffix: 's',
    },
  ])
  expect(parse(record.outputMessages)).toEqual([
    {
      role: 'assistant',
      created_at: at.created_at,
      context: [1, 2],
      parts: [
        { type: 'reasoning', content: 'hm' },
        { type: 'text', content: 'Because.' },
      ],
      finish_reason: 'length',
    },
  ])
  expect(record.usage).toEqual({ outputTokens: 3 })
  expect(ollama.history(requestBody)?.messages).toEqual(['"Why?"'])
})

test('an older version, which gives no reason for the end, has stopped', () => {
  const { done_reason: _, ...last } = end
  const record = answered({ ...last, message: { role: 'assistant', content: 'hi' } })
  expect(record).toMatchObject({ finishReasons: ['stop'], answerText: 'hi' })
})

test('unknown members stay', () => {
  const message = { role: 'assistant', content: 'x', brand_new: 1 }
  const tool = { ...call('n', {}, { index: 0 }), more: 2 }
  const record = asked({ ...request, messages: [{ ...message, tool_calls: [tool, 7] }] })
  expect(parse(record.inputMessages)).toEqual([
    {
      role: 'assistant',
      brand_new: 1,
      parts: [
        { type: 'text', content: 'x' },
        { type: 'tool_call', name: 'n', arguments: {}, index: 0, more: 2 },
        { type: 'unknown', value: 7 },
      ],
    },
  ])
  const output = answered({ ...end, message, logprobs: [1] })
  expect(parse(output.outputMessages)[0]).toMatchObject({ brand_new: 1, logprobs: [1] })
})

test('the probabilities of all tokens stay', () => {
  const pieces = [
    { ...piece({ content: 'x' }), logprobs: [1] },
    { ...end, logprobs: [2, 3] },
  ]
  const record = ollama.map(exchange({ responseBody: linesOf(pieces) }))
  expect(parse(record.outputMessages)[0].logprobs).toEqual([1, 2, 3])
})

describe('a stream that was cut', () => {
  test('maps at every byte', () => mapsAtEveryByte(ollama, exchange()))
  test('keeps what came, with finish reason error', () => {
    const record = ollama.map(
      exchange({ responseBody: linesOf(answer.slice(0, 3)), isComplete: false }),
    )
    expect(record).toMatchObject({
      answerText: 'Grüße, ',
      finishReasons: ['error'],
      errorType: 'incomplete_response',
    })
    expect(record.usage).toEqual({})
  })
})

describe('errors', () => {
  const error = { error: 'model "qwen3:8b" not found, try pulling it first' }
  test('of a request', () => {
    expect(answered(error, { status: 404 })).toMatchObject({
      errorType: '404',
      errorMessage: error.error,
      finishReasons: ['error'],
      answerText: '',
    })
  })
  test('in the middle of a stream', () => {
    const responseBody = linesOf([...answer.slice(0, 3), error])
    const record = ollama.map(exchange({ responseBody }))
    expect(record).toMatchObject({ errorMessage: error.error, answerText: 'Grüße, ' })
    expect(record.finishReasons).toEqual(['error'])
    expect(hasWatchedError(ollama, 'application/x-ndjson', responseBody)).toBe(true)
    expect(hasWatchedError(ollama, 'application/x-ndjson', linesOf(answer))).toBe(false)
  })
  test('a text that speaks of errors is none', () => {
    const body = linesOf([piece({ content: '{"error":"x"} "tool_calls"' }), end])
    expect(hasWatchedError(ollama, 'application/x-ndjson', body)).toBe(false)
    expect(watchedCalls(ollama, 'application/x-ndjson', body)).toEqual([])
  })
  test.for(['{"mod', '{"hello":1}', '<html>Bad Gateway</html>'])(
    'what is not an answer is recorded as text: %s',
    (text) => {
      const record = answered(text, { isComplete: false })
      expect(parse(record.outputMessages)[0].parts).toEqual([{ type: 'text', content: text }])
    },
  )
})

test('the watcher sees each tool call once, whatever the pieces', () => {
  const body = linesOf(answer)
  for (const size of [1, 2, 3, 7, 64, body.length]) {
    expect(watchedCalls(ollama, 'application/x-ndjson', body, size)).toEqual(calls)
  }
})

test('nothing that parses makes it throw', () => {
  takesOddValues(ollama, {
    request: ['messages', 'prompt', 'tools', 'options', 'system', 'model', 'images', 'stream'],
    answer: [
      'message',
      'response',
      'thinking',
      'done',
      'done_reason',
      'error',
      'model',
      'image',
      'logprobs',
    ],
  })
  for (const value of oddValues) {
    const message = { role: 'tool', content: value, tool_calls: value, tool_name: value }
    const odd = { ...at, message: { ...message, images: value, thinking: value }, done: true }
    const called = { ...at, message: { tool_calls: [{ function: value, id: value }, value] } }
    ollama.map(exchange({ responseBody: linesOf([odd, called, odd]) }))
    watchedCalls(ollama, 'application/x-ndjson', linesOf([odd, called]))
    asked({ messages: [called.message, message, value, message] })
    ollama.lastResults(bytesOf({ messages: [called.message, message, message] }))
  }
  const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`
  answered(`{"done":true,"message":{"tool_calls":[{"function":{"name":"n","arguments":${deep}}}]}}`)
})

describe('results of tools', () => {
  const asks = { role: 'assistant', content: '', tool_calls: ['a', 'b'].map((n) => call(n, {})) }
  const bodyOf = (messages: unknown) => bytesOf({ ...request, messages })
  const open = [
    { id: undefined, name: 'a' },
    { id: undefined, name: 'b' },
    { id: 'call_1', name: 'c' },
  ]
  const found = (messages: unknown) =>
    ollama.findAnswered(bodyOf(messages), open).map(({ name }) => name)

  test('name their tools', () => {
    const messages = [asks, { role: 'tool', tool_name: 'b', content: 'x' }]
    expect(found(messages)).toEqual(['b'])
    expect(ollama.lastResults(bodyOf(messages))).toEqual([
      { name: 'b', isError: false, content: 'x' },
    ])
    expect(parse(asked({ messages }).inputMessages)[1]).toEqual({
      role: 'tool',
      parts: [{ type: 'tool_call_response', name: 'b', response: 'x' }],
    })
  })
  test('without a name are those of the calls in their order', () => {
    const messages = [asks, ...['1', '2'].map((content) => ({ role: 'tool', content }))]
    expect(found(messages)).toEqual(['a', 'b'])
    expect(ollama.map(exchange({ requestBody: bodyOf(messages) })).toolResults).toEqual([
      { name: 'a', isError: false, content: '1' },
      { name: 'b', isError: false, content: '2' },
    ])
  })
  test('with an id answer the call with that id', () => {
    expect(found([asks, { role: 'tool', tool_call_id: 'call_1', content: 'x' }])).toEqual(['c'])
  })
  test('of earlier rounds answer nothing', () => {
    const earlier = [asks, { role: 'tool', tool_name: 'a', content: '' }]
    expect(found([...earlier, { role: 'assistant', content: 'done' }])).toEqual([])
    expect(found([...earlier, asks, { role: 'tool', tool_name: 'b', content: '' }])).toEqual(['b'])
  })
  test('are the last ones only if the request ends with them', () => {
    const messages = [asks, { role: 'tool', content: '1' }, { role: 'user', content: 'stop' }]
    expect(ollama.lastResults(bodyOf(messages))).toBeUndefined()
    expect(found(messages)).toEqual(['a'])
  })
})

const own = 'http://localhost:11434'
test.for([
  ['POST', `${own}/api/chat`, 'yes'],
  ['POST', `${own}/api/generate`, 'yes'],
  ['POST', 'https://ollama.com/api/chat', 'yes'],
  ['POST', 'http://ollama:8080/proxy/api/chat', 'yes'],
  ['POST', 'https://app.example/api/chat', 'by body'],
  ['POST', 'https://app.example/api/generate/', 'by body'],
  ['POST', `${own}/api/embed`, 'no'],
  ['POST', `${own}/api/pull`, 'no'],
  ['GET', `${own}/api/chat`, 'no'],
  ['POST', `${own}/api/chat/history`, 'no'],
  ['POST', `${own}/v1/chat/completions`, 'no'],
] as const)('%s %s is a call of Ollama: %s', ([method, address, expected]) => {
  const url = URL.parse(address)
  expect(findModelApi(method, url) === ollama).toBe(expected === 'yes')
  expect(findPossibleApis(method, url).includes(ollama)).toBe(expected === 'by body')
})

const user = { role: 'user', content: 'hi' }
describe('at an address that may be an app’s', () => {
  test.for([
    ['a chat', { model: 'm', messages: [user], stream: false }],
    ['a chat with tools', { ...request }],
    ['a chat with a format', { model: 'm', messages: [user], format: 'json' }],
    [
      'a conversation',
      { model: 'm', messages: [user, piece({ content: 'ho' }).message, user], stream: true },
    ],
    ['a prompt', { model: 'm', prompt: 'hi', stream: false }],
  ])('%s is a request to Ollama', ([, body]) => {
    expect(ollama.isRequest(bytesOf(body))).toBe(true)
  })
  test.for([
    ['a page’s messages', { id: 'c', messages: [{ id: 'm', role: 'user', parts: [] }] }],
    [
      'a page’s messages, with a model',
      { model: 'm', messages: [{ id: 'i', ...user }], stream: true },
    ],
    ['messages with parts', { model: 'm', messages: [{ role: 'user', parts: [] }], stream: true }],
    ['a member of the app’s own', { model: 'm', messages: [user], stream: true, sessionId: 's' }],
    ['a model and messages', { model: 'm', messages: [user] }],
    ['a model and a prompt', { model: 'm', prompt: 'a cat' }],
    ['one message', { message: 'hi' }],
    ['no model', { messages: [user], stream: true }],
    ['an empty list', { model: 'm', messages: [], stream: true }],
    ['a list', [user]],
  ])('%s is not', ([, body]) => {
    expect(ollama.isRequest(bytesOf(body))).toBe(false)
  })
  test('what is not JSON is not', () => {
    expect(ollama.isRequest(Buffer.from('{"model":"m","messages":[{"ro'))).toBe(false)
  })
})

test('a chat in another framing is no answer', () => {
  const body = Buffer.from('data: {"type":"text-delta","delta":"hi"}\n\n')
  const record = ollama.map(exchange({ responseHeaders: sse, responseBody: body }))
  expect(record.toolCalls).toEqual([])
})
