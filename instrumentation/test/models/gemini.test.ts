import { describe, expect, test } from 'vitest'
import { gemini } from '../../src/models/gemini/api.ts'
import type { WireExchange } from '../../src/models/model-api.ts'
import { findModelApi } from '../../src/models/model-apis.ts'
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

const host = 'https://generativelanguage.googleapis.com'
const request = {
  systemInstruction: { parts: [{ text: 'You edit files.' }], role: 'user' },
  contents: [{ role: 'user', parts: [{ text: 'add a greeting' }] }],
  tools: [
    { functionDeclarations: [{ name: 'read_file', description: 'Reads.', parameters: {} }] },
    { googleSearch: {} },
  ],
  generationConfig: {
    maxOutputTokens: 4096,
    temperature: 0.2,
    topP: 0.9,
    topK: 40,
    stopSequences: ['END'],
  },
}
const identity = { modelVersion: 'gemini-2.5-pro-001', responseId: 'resp_1' }
const piece = (parts: unknown[], candidate = {}, usageMetadata = {}) => ({
  candidates: [{ content: { parts, role: 'model' }, index: 0, ...candidate }],
  usageMetadata,
  ...identity,
})
const answer = [
  piece([{ text: 'The user wants ', thought: true }], {}, { promptTokenCount: 1000 }),
  piece([{ text: 'a greeting.', thought: true }]),
  piece([{ text: 'Grüße, ' }], {}, { promptTokenCount: 1000, candidatesTokenCount: 3 }),
  piece([{ text: '緑 🎈!' }]),
  piece(
    [
      { functionCall: { name: 'read_file', args: { path: 'a.txt' } }, thoughtSignature: 'c2ln' },
      { functionCall: { id: 'f2', name: 'list_files' } },
    ],
    { finishReason: 'STOP', safetyRatings: [{ category: 'A' }] },
    {
      promptTokenCount: 1000,
      cachedContentTokenCount: 900,
      toolUsePromptTokenCount: 5,
      candidatesTokenCount: 60,
      thoughtsTokenCount: 29,
    },
  ),
]
const calls = [
  { name: 'read_file', arguments: '{"path":"a.txt"}' },
  { id: 'f2', name: 'list_files', arguments: '{}' },
]

const events = (pieces: readonly unknown[]) =>
  Buffer.from(pieces.map((each) => `data: ${JSON.stringify(each)}\r\n\r\n`).join(''))
/** As without `alt=sse`: one array, whose elements come as they are made. */
const array = (pieces: readonly unknown[]) =>
  Buffer.from(`[${pieces.map((each) => JSON.stringify(each, null, 2)).join('\n,\r\n')}\n]\n`)

function exchange(parts: Partial<WireExchange> = {}): WireExchange {
  return {
    url: `${host}/v1beta/models/gemini-2.5-pro:streamGenerateContent?alt=sse`,
    requestBody: bytesOf(request),
    status: 200,
    responseHeaders: sse,
    responseBody: events(answer),
    isComplete: true,
    ...parts,
  }
}

function answered(value: unknown, parts: Partial<WireExchange> = {}) {
  const url = `${host}/v1beta/models/gemini-2.5-pro:generateContent`
  const responseBody = bytesOf(value)
  return gemini.map(exchange({ url, responseHeaders: json, responseBody, ...parts }))
}

function asked(contents: unknown, more: object = {}) {
  return gemini.map(exchange({ requestBody: bytesOf({ ...request, contents, ...more }) }))
}

test('a streamed answer has everything', () => {
  const call = gemini.map(exchange())
  expect(call.attributes).toEqual({
    'gen_ai.operation.name': 'generate_content',
    'gen_ai.provider.name': 'gcp.gemini',
    'gen_ai.request.model': 'gemini-2.5-pro',
    'gen_ai.request.max_tokens': 4096,
    'gen_ai.request.temperature': 0.2,
    'gen_ai.request.top_p': 0.9,
    'gen_ai.request.top_k': 40,
    'gen_ai.request.stop_sequences': ['END'],
    'gen_ai.request.stream': true,
    'server.address': 'generativelanguage.googleapis.com',
    'server.port': 443,
    'http.response.status_code': 200,
    'gen_ai.response.id': 'resp_1',
    'gen_ai.response.model': 'gemini-2.5-pro-001',
    'gen_ai.response.finish_reasons': ['STOP'],
    'gen_ai.usage.input_tokens': 1005,
    'gen_ai.usage.output_tokens': 89,
    'gen_ai.usage.cache_read.input_tokens': 900,
    'gen_ai.usage.reasoning.output_tokens': 29,
  })
  expect(parse(call.outputMessages)).toEqual([
    {
      role: 'assistant',
      safetyRatings: [{ category: 'A' }],
      parts: [
        { type: 'reasoning', content: 'The user wants a greeting.' },
        { type: 'text', content: 'Grüße, 緑 🎈!' },
        {
          type: 'tool_call',
          name: 'read_file',
          arguments: { path: 'a.txt' },
          thoughtSignature: 'c2ln',
        },
        { type: 'tool_call', id: 'f2', name: 'list_files' },
      ],
      finish_reason: 'STOP',
    },
  ])
  expect(parse(call.systemInstructions)).toEqual([{ type: 'text', content: 'You edit files.' }])
  expect(parse(call.inputMessages)).toEqual([
    { role: 'user', parts: [{ type: 'text', content: 'add a greeting' }] },
  ])
  expect(parse(call.toolDefinitions)).toEqual([
    { type: 'function', name: 'read_file', description: 'Reads.', parameters: {} },
    { type: 'googleSearch', googleSearch: {} },
  ])
  expect(call).toMatchObject({
    answerText: 'Grüße, 緑 🎈!',
    lastUserText: 'add a greeting',
    toolCalls: calls,
  })
  expect(call).not.toHaveProperty('errorType')
})

test('an answer that is one JSON array gives the same', () => {
  const call = gemini.map(exchange({ responseHeaders: json, responseBody: array(answer) }))
  const streamed = gemini.map(exchange())
  expect(call.attributes).toEqual(streamed.attributes)
  expect(parse(call.outputMessages)).toEqual(parse(streamed.outputMessages))
  expect(call.toolCalls).toEqual([
    { name: 'read_file', arguments: expect.stringContaining('"path": "a.txt"') },
    calls[1],
  ])
})

test('a JSON answer keeps the arguments as the model wrote them', () => {
  const text = `{"candidates": [{"content": {"parts": [{"text": "hello"},
    {"functionCall": {"name": "add", "args": { "n" : 1.0, "big":12345678901234567890 }}}]},
    "finishReason": "STOP"}], "usageMetadata": {"promptTokenCount": 3, "thoughtsTokenCount": 2}}`
  const call = answered(text)
  expect(call.toolCalls).toEqual([
    { name: 'add', arguments: '{ "n" : 1.0, "big":12345678901234567890 }' },
  ])
  expect(watchedCalls(gemini, 'application/json', Buffer.from(text))).toEqual(call.toolCalls)
  expect(call.usage).toEqual({ inputTokens: 3, outputTokens: 2, reasoningOutputTokens: 2 })
  expect(call).toMatchObject({ answerText: 'hello', finishReasons: ['STOP'] })
})

test('of the values of a counter the largest counts', () => {
  const pieces = [
    piece([{ text: 'x' }], {}, { promptTokenCount: 10, candidatesTokenCount: 7 }),
    piece([{ text: 'y' }], { finishReason: 'STOP' }, { candidatesTokenCount: 5 }),
  ]
  const { usage } = gemini.map(exchange({ responseBody: events(pieces) }))
  expect(usage).toEqual({ inputTokens: 10, outputTokens: 7 })
})

test('other candidates are further outputs', () => {
  const candidates = [
    { index: 1, content: { parts: [{ text: 'second' }] }, finishReason: 'MAX_TOKENS' },
    { index: 0, content: { parts: [{ text: 'first' }] }, finishReason: 'STOP' },
  ]
  const call = answered({ candidates })
  expect(parse(call.outputMessages)).toEqual([
    { role: 'assistant', parts: [{ type: 'text', content: 'first' }], finish_reason: 'STOP' },
    {
      role: 'assistant',
      parts: [{ type: 'text', content: 'second' }],
      finish_reason: 'MAX_TOKENS',
    },
  ])
  expect(call).toMatchObject({ answerText: 'first', finishReasons: ['STOP', 'MAX_TOKENS'] })
})

test('the citations of all pieces stay, and the last safety ratings', () => {
  const cited = (uri: string) => ({
    citationMetadata: { citationSources: [{ uri }] },
    safetyRatings: [{ uri }],
  })
  const pieces = [
    piece([{ text: 'x' }], cited('a')),
    piece([{ text: 'y' }], { ...cited('b'), finishReason: 'STOP' }),
  ]
  const call = gemini.map(exchange({ responseBody: events(pieces) }))
  expect(parse(call.outputMessages)[0]).toMatchObject({
    citationMetadata: { citationSources: [{ uri: 'a' }, { uri: 'b' }] },
    safetyRatings: [{ uri: 'b' }],
  })
})

test('Code Assist wraps the request and the answer', () => {
  const call = gemini.map(
    exchange({
      url: 'https://cloudcode-pa.googleapis.com/v1internal:streamGenerateContent?alt=sse',
      requestBody: bytesOf({ model: 'gemini-2.5-pro', project: 'p', request }),
      responseBody: events(answer.map((response) => ({ response, traceId: 't' }))),
    }),
  )
  const plain = gemini.map(exchange())
  expect(call.outputMessages).toBe(plain.outputMessages)
  expect(call.inputMessages).toBe(plain.inputMessages)
  expect(call.toolCalls).toEqual(calls)
  expect(call.attributes['gen_ai.request.model']).toBe('gemini-2.5-pro')
  const wrapped = events(answer.map((response) => ({ response })))
  expect(watchedCalls(gemini, 'text/event-stream', wrapped)).toEqual(calls)
})

describe('every kind of part becomes one of the conventions, and none loses a member', () => {
  test.for([
    ['text', { text: 'x', partMetadata: {} }, { type: 'text', content: 'x', partMetadata: {} }],
    [
      'thought',
      { text: 'x', thought: true, thoughtSignature: 's' },
      { type: 'reasoning', content: 'x', thoughtSignature: 's' },
    ],
    [
      'image',
      { inlineData: { mimeType: 'image/png', data: 'AA==', displayName: 'd' } },
      {
        type: 'blob',
        modality: 'image',
        mime_type: 'image/png',
        content: 'AA==',
        displayName: 'd',
      },
    ],
    [
      'image in snake case',
      { inline_data: { mime_type: 'image/png', data: 'AA==' } },
      { type: 'blob', modality: 'image', mime_type: 'image/png', content: 'AA==' },
    ],
    [
      'video by URL',
      { fileData: { mimeType: 'video/mp4', fileUri: 'u' }, videoMetadata: { fps: 1 } },
      {
        type: 'uri',
        modality: 'video',
        mime_type: 'video/mp4',
        uri: 'u',
        videoMetadata: { fps: 1 },
      },
    ],
    [
      'document by URL, in snake case',
      { file_data: { mime_type: 'application/pdf', file_uri: 'u' } },
      { type: 'uri', modality: 'document', mime_type: 'application/pdf', uri: 'u' },
    ],
    [
      'function call',
      { functionCall: { id: 'i', name: 'n', args: { x: 1 }, more: 2 } },
      { type: 'tool_call', id: 'i', name: 'n', arguments: { x: 1 }, more: 2 },
    ],
    [
      'function response',
      { functionResponse: { name: 'n', response: { output: 'x' }, willContinue: false } },
      {
        type: 'tool_call_response',
        name: 'n',
        response: { output: 'x' },
        willContinue: false,
      },
    ],
    [
      'code',
      { executableCode: { language: 'PYTHON', code: '1' } },
      {
        type: 'server_tool_call',
        name: 'code_execution',
        server_tool_call: { type: 'code_execution', language: 'PYTHON', code: '1' },
      },
    ],
    [
      'result of code',
      { codeExecutionResult: { id: 'i', outcome: 'OUTCOME_OK', output: '1' } },
      {
        type: 'server_tool_call_response',
        id: 'i',
        server_tool_call_response: { type: 'code_execution', outcome: 'OUTCOME_OK', output: '1' },
      },
    ],
    [
      'call of a tool of the provider',
      { toolCall: { id: 'i', toolType: 'GOOGLE_SEARCH_WEB', args: { q: 'x' } } },
      {
        type: 'server_tool_call',
        id: 'i',
        name: 'GOOGLE_SEARCH_WEB',
        server_tool_call: { type: 'GOOGLE_SEARCH_WEB', args: { q: 'x' } },
      },
    ],
    ['unknown', { brandNew: { a: 1 } }, { type: 'unknown', brandNew: { a: 1 } }],
    ['no object', 7, { type: 'unknown', value: 7 }],
  ] as const)('%s', ([, sent, part]) => {
    const call = asked([{ role: 'model', parts: [sent] }])
    expect(parse(call.inputMessages)).toEqual([{ role: 'assistant', parts: [part] }])
    const output = answered({ candidates: [{ content: { parts: [sent] }, finishReason: 'STOP' }] })
    expect(parse(output.outputMessages)[0].parts).toEqual([part])
  })
})

test('snake case is read as camel case is', () => {
  const call = gemini.map(
    exchange({
      requestBody: bytesOf({
        system_instruction: { parts: { text: 'You edit.' } },
        contents: { parts: { text: 'hi' } },
        tools: [{ function_declarations: [{ name: 'n' }] }],
        generation_config: { max_output_tokens: 5, stop_sequences: ['x'] },
      }),
    }),
  )
  expect(parse(call.systemInstructions)).toEqual([{ type: 'text', content: 'You edit.' }])
  expect(parse(call.inputMessages)).toEqual([
    { role: 'user', parts: [{ type: 'text', content: 'hi' }] },
  ])
  expect(parse(call.toolDefinitions)).toEqual([{ type: 'function', name: 'n' }])
  expect(call.attributes).toMatchObject({
    'gen_ai.request.max_tokens': 5,
    'gen_ai.request.stop_sequences': ['x'],
  })
})

test('tools in one object are read as those in a list are', () => {
  const call = asked([], { tools: { functionDeclarations: [{ name: 'n' }] } })
  expect(parse(call.toolDefinitions)).toEqual([{ type: 'function', name: 'n' }])
})

describe('a stream that was cut', () => {
  test('maps at every byte', () => {
    mapsAtEveryByte(gemini, exchange())
    mapsAtEveryByte(gemini, exchange({ responseHeaders: json, responseBody: array(answer) }))
  })
  test('keeps what came, with finish reason error', () => {
    const body = { responseBody: events(answer.slice(0, 3)), isComplete: false }
    const call = gemini.map(exchange(body))
    expect(call).toMatchObject({
      answerText: 'Grüße, ',
      finishReasons: ['error'],
      errorType: 'incomplete_response',
    })
    expect(call.usage).toEqual({ inputTokens: 1000, outputTokens: 3 })
  })
})

describe('the arguments of a call that come in pieces are put together', () => {
  const call = (functionCall: object) => piece([{ functionCall }])
  const pieces = [
    call({ id: 'i', name: 'write', willContinue: true }),
    call({
      partialArgs: [{ jsonPath: '$.path', stringValue: 'a.', willContinue: true }],
      willContinue: true,
    }),
    call({ partialArgs: [{ jsonPath: '$.path', stringValue: 'txt' }], willContinue: true }),
    call({
      partialArgs: [
        { jsonPath: '$.lines[0].text', stringValue: 'one' },
        { jsonPath: '$.lines[1].n', numberValue: 2 },
        { jsonPath: "$['odd.name']", boolValue: false },
        { jsonPath: '$.empty[]' },
        { jsonPath: '$.none', nullValue: 'NULL_VALUE' },
        { jsonPath: '$.__proto__.x', stringValue: 'harmless' },
        { jsonPath: `$${'.deep'.repeat(10_000)}`, numberValue: 1 },
        { jsonPath: '$.far[4000000000]', numberValue: 1 },
        { jsonPath: '$.last', stringValue: 'b', willContinue: true },
      ],
    }),
    call({ partialArgs: [{ jsonPath: '$.last', stringValue: 'c' }], willContinue: true }),
    call({}),
    piece([], { finishReason: 'STOP' }),
  ]
  const args = {
    path: 'a.txt',
    lines: [{ text: 'one' }, { n: 2 }],
    'odd.name': false,
    empty: [],
    none: null,
    ['__proto__']: { x: 'harmless' },
    far: [1],
    last: 'bc',
  }
  test('in a whole answer', () => {
    const body = events(pieces)
    const [found, ...others] = gemini.map(exchange({ responseBody: body })).toolCalls
    expect(others).toEqual([])
    expect(found).toMatchObject({ id: 'i', name: 'write' })
    expect(JSON.parse(found?.arguments ?? '')).toEqual(args)
    for (const size of [1, 7, body.length]) {
      expect(watchedCalls(gemini, 'text/event-stream', body, size)).toEqual([found])
    }
  })
  test('in an answer that was cut, as far as they came', () => {
    const body = { responseBody: events(pieces.slice(0, 2)), isComplete: false }
    const cut = gemini.map(exchange(body))
    expect(parse(cut.outputMessages)[0].parts).toEqual([
      { type: 'tool_call', id: 'i', name: 'write', arguments: { path: 'a.' } },
    ])
    expect(watchedCalls(gemini, 'text/event-stream', body.responseBody)).toEqual([])
  })
})

describe('errors', () => {
  const error = { code: 429, message: 'Quota exceeded.', status: 'RESOURCE_EXHAUSTED' }
  test.for([
    ['an object', { error }],
    ['an array with one error', [{ error }]],
  ])('%s', ([, body]) => {
    expect(answered(body, { status: 429 })).toMatchObject({
      errorType: 'RESOURCE_EXHAUSTED',
      errorMessage: 'Quota exceeded.',
      finishReasons: ['error'],
    })
  })
  test('in the middle of a stream', () => {
    for (const [responseHeaders, body] of [
      [sse, events([...answer.slice(0, 3), { error }])],
      [json, array([...answer.slice(0, 3), { error }])],
    ] as const) {
      const call = gemini.map(exchange({ responseHeaders, responseBody: body }))
      expect(call).toMatchObject({ errorType: 'RESOURCE_EXHAUSTED', answerText: 'Grüße, ' })
      expect(hasWatchedError(gemini, responseHeaders[0][1], body)).toBe(true)
    }
  })
  test('a prompt that is blocked has no answer', () => {
    const body = { promptFeedback: { blockReason: 'PROHIBITED_CONTENT' }, usageMetadata: {} }
    const call = answered(body)
    expect(call).toMatchObject({ errorType: 'PROHIBITED_CONTENT', finishReasons: ['error'] })
    expect(call).not.toHaveProperty('outputMessages')
    expect(hasWatchedError(gemini, 'application/json', bytesOf(body))).toBe(true)
  })
  test('an answer that is blocked has its own finish reason', () => {
    const call = answered({ candidates: [{ finishReason: 'SAFETY', index: 0 }] })
    expect(call.finishReasons).toEqual(['SAFETY'])
    expect(call).not.toHaveProperty('errorType')
  })
  test('a text that speaks of errors is none', () => {
    const body = events([piece([{ text: '{"error":{"code":1}} "functionCall"' }])])
    expect(hasWatchedError(gemini, 'text/event-stream', body)).toBe(false)
    expect(watchedCalls(gemini, 'text/event-stream', body)).toEqual([])
  })
  test.for(['{"candi', '{"hello":1}', '<html>Bad Gateway</html>'])(
    'what is not an answer is recorded as text: %s',
    (text) => {
      const call = answered(text, { isComplete: false })
      expect(parse(call.outputMessages)[0].parts).toEqual([{ type: 'text', content: text }])
    },
  )
})

test('the watcher sees each tool call once, whatever the pieces', () => {
  const body = events(answer)
  for (const size of [1, 2, 3, 7, 64, 1_000, body.length]) {
    expect(watchedCalls(gemini, 'text/event-stream', body, size)).toEqual(calls)
  }
  const [first, second] = watchedCalls(gemini, 'application/json', array(answer), 7)
  expect([first?.name, second]).toEqual(['read_file', calls[1]])
})

test('nothing that parses makes it throw', () => {
  takesOddValues(gemini, {
    request: ['contents', 'request', 'tools', 'generationConfig', 'systemInstruction', 'model'],
    answer: [
      'candidates',
      'citationMetadata',
      'usageMetadata',
      'promptFeedback',
      'error',
      'response',
      'responseId',
    ],
  })
  for (const value of oddValues) {
    const part = { text: value, functionCall: value, functionResponse: value, inlineData: value }
    const odd = piece([value, part], { finishReason: value, content: value, index: value })
    const nested = piece([part, { functionCall: { name: value, args: value, partialArgs: value } }])
    for (const each of [odd, nested]) {
      gemini.map(exchange({ responseBody: events([each, each]) }))
      watchedCalls(gemini, 'text/event-stream', events([each, each]))
    }
    asked([{ role: value, parts: value }, value, { parts: [part, value] }])
  }
  const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`
  answered(`{"candidates":[{"content":{"parts":[{"functionCall":{"name":"n","args":${deep}}}]}}]}`)
  answered(deep)
})

describe('results of tools', () => {
  const call = (name: string, id?: string) => ({ functionCall: { name, args: {}, id } })
  const result = (name: string, output: unknown, id?: string) => ({
    functionResponse: { id, name, response: { output } },
  })
  const bodyOf = (contents: unknown) => bytesOf({ ...request, contents })
  const open = (name: string, key: string, id?: string, owner?: object) => ({
    id,
    name,
    key,
    owner,
  })
  const found = (contents: unknown, calls: ReturnType<typeof open>[]) =>
    gemini.findAnswered(bodyOf(contents), calls).map(({ key }) => key)
  const history = [
    { role: 'user', parts: [{ text: 'do it' }] },
    { role: 'model', parts: [call('read'), call('read'), call('write', 'w1')] },
  ]

  test('have their text, or JSON', () => {
    const responses = [
      { output: 'text' },
      { result: 'text' },
      { name: 'read', content: 'text' },
      { error: 'text' },
      { output: { a: 1 } },
      'text',
    ]
    const parts = responses.map((response) => ({ functionResponse: { name: 'read', response } }))
    const { toolResults } = asked([...history, { role: 'user', parts }])
    expect(toolResults.map(({ content }) => content)).toEqual([
      'text',
      'text',
      'text',
      'text',
      '{"output":{"a":1}}',
      '"text"',
    ])
    expect(toolResults.map(({ isError }) => isError)).toEqual([
      false,
      false,
      false,
      true,
      false,
      false,
    ])
  })
  test('without ids answer the calls of their name, the oldest first', () => {
    const results = { role: 'user', parts: [result('write', 1), result('read', 2)] }
    const calls = [open('read', 'a'), open('read', 'b'), open('write', 'c'), open('x', 'd')]
    expect(found([...history, results], calls)).toEqual(['c', 'a'])
  })
  test('with ids answer the calls with their ids', () => {
    const results = { role: 'user', parts: [result('read', 1, 'r2')] }
    expect(
      found([...history, results], [open('read', 'a', 'r1'), open('read', 'b', 'r2')]),
    ).toEqual(['b'])
  })
  test('with and without ids answer each its call', () => {
    const parts = [result('read', 1, 'r2'), result('read', 2), result('write', 3)]
    const calls = [open('read', 'a'), open('read', 'b', 'r2'), open('write', 'c', 'w1')]
    expect(found([{ role: 'user', parts }], calls)).toEqual(['b', 'a', 'c'])
  })
  test('answer a call without an id also if the client has invented one', () => {
    const results = { role: 'function', parts: [result('read', 1, 'made-up')] }
    expect(found([...history, results], [open('read', 'a'), open('read', 'b', 'r2')])).toEqual([
      'a',
    ])
  })
  test('of earlier rounds, which the request repeats, answer nothing', () => {
    const contents = [
      ...history,
      { role: 'user', parts: [result('read', 1)] },
      { role: 'model', parts: [call('write')] },
      { role: 'user', parts: [result('write', 2), { text: 'and go on' }] },
    ]
    expect(found(contents, [open('read', 'a'), open('write', 'b')])).toEqual(['b'])
  })
  test('may be those of calls of several turns', () => {
    const [one, other] = [{}, {}]
    const calls = [open('read', 'a', undefined, one), open('read', 'b', undefined, other)]
    const results = { role: 'user', parts: [result('read', 1)] }
    expect(found([...history, results], calls)).toEqual(['a', 'b'])
  })
  test('are found beside images of some megabytes', () => {
    const image = { inlineData: { mimeType: 'image/png', data: 'A'.repeat(5 * 1024 ** 2) } }
    const results = { role: 'user', parts: [result('read', 1), image] }
    expect(found([...history, results], [open('read', 'a')])).toEqual(['a'])
  })
  test('are the last ones only if the request ends with nothing else', () => {
    const parts = [result('read', 'x', 'r1'), result('read', 'y')]
    const last = (contents: unknown) => gemini.lastResults(bodyOf(contents))
    expect(last([...history, { role: 'user', parts }])).toEqual([
      { callId: 'r1', name: 'read', isError: false, content: 'x' },
      { name: 'read', isError: false, content: 'y' },
    ])
    expect(last([...history, { role: 'user', parts: [...parts, { text: 'x' }] }])).toBeUndefined()
    expect(last(history)).toBeUndefined()
    expect(last([])).toBeUndefined()
    const wrapped = bytesOf({ request: { contents: [{ role: 'user', parts }] } })
    expect(gemini.lastResults(wrapped)?.length).toBe(2)
  })
})

test('the conversation that a request repeats has equal texts', () => {
  const contents = [{ role: 'user', parts: [{ text: 'hi' }] }]
  const before = gemini.history(bytesOf({ ...request, contents }))
  const after = gemini.history(
    bytesOf({ ...request, contents: [...contents, { role: 'model', parts: [{ text: 'ho' }] }] }),
  )
  expect(before?.messages).toEqual(after?.messages.slice(0, 1))
  expect(before?.instructions).toBe(after?.instructions)
  expect(gemini.history(bytesOf({}))).toBeUndefined()
})

test.each([
  [{ mode: 'ANY', allowedFunctionNames: ['json'] }, true],
  [{ allowedFunctionNames: ['json'], mode: 'ANY' }, true],
  [{ mode: 'ANY', allowedFunctionNames: ['one', 'two'] }, false],
  [{ mode: 'ANY' }, false],
  [{ mode: 'AUTO', allowedFunctionNames: ['json'] }, false],
])('%j forces a tool: %s', (config, isForced) => {
  const camel = JSON.stringify({ toolConfig: { functionCallingConfig: config }, ...request })
  const snake = camel
    .replace('functionCallingConfig', 'function_calling_config')
    .replace('allowedFunctionNames', 'allowed_function_names')
  const text = JSON.stringify({ contents: [{ parts: [{ text: camel }] }] })
  expect(gemini.forcesTool(camel)).toBe(isForced)
  expect(gemini.forcesTool(Buffer.from(snake))).toBe(isForced)
  expect(gemini.forcesTool(text)).toBe(false)
})

const vertex = '/v1/projects/p/locations/us-central1'
test.for([
  ['POST', '/v1beta/models/gemini-2.5-pro:generateContent', true],
  ['post', '/v1beta/models/gemini-2.5-pro:streamGenerateContent?alt=sse&key=k', true],
  ['POST', '/v1beta/models/gemini-2.5-pro%3AgenerateContent', true],
  ['POST', `${vertex}/publishers/google/models/gemini-2.5-pro:streamGenerateContent`, true],
  ['POST', `/proxy${vertex}/endpoints/123:generateContent`, true],
  ['POST', '/v1internal:generateContent', true],
  ['GET', '/v1beta/models/gemini-2.5-pro:generateContent', false],
  ['POST', '/v1beta/models/gemini-2.5-pro:countTokens', false],
  ['POST', '/v1beta/models/gemini-2.5-pro:batchGenerateContent', false],
  ['POST', '/v1beta/models/text-embedding-004:embedContent', false],
  ['POST', '/v1beta/models/text-embedding-004:batchEmbedContents', false],
  ['POST', '/v1beta/cachedContents', false],
  ['POST', '/upload/v1beta/files', false],
  ['POST', `${vertex}/publishers/anthropic/models/claude:rawPredict`, false],
  ['POST', '/generateContent', false],
] as const)('%s %s is a call of Gemini: %s', ([method, path, expected]) => {
  const api = findModelApi(method, URL.parse(path, host))
  expect(api === gemini).toBe(expected)
})

test.for([
  [`${host}/v1beta/models/gemini-2.5-pro:generateContent`, 'gcp.gemini', 'gemini-2.5-pro'],
  [`${host}/v1beta/tunedModels/t1:generateContent`, 'gcp.gemini', 'tunedModels/t1'],
  [
    `https://us-central1-aiplatform.googleapis.com${vertex}/publishers/google/models/g:generateContent`,
    'gcp.vertex_ai',
    'g',
  ],
  [`https://proxy.example${vertex}/endpoints/12:generateContent`, 'gcp.vertex_ai', 'endpoints/12'],
  ['https://proxy.example/models/a%20b:generateContent', 'gcp.gemini', 'a b'],
  ['https://proxy.example/models/%zz:generateContent', 'gcp.gemini', '%zz'],
] as const)('%s is answered by %s', ([url, provider, model]) => {
  expect(gemini.map(exchange({ url })).attributes).toMatchObject({
    'gen_ai.provider.name': provider,
    'gen_ai.request.model': model,
  })
})
