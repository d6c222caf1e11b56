/** OpenAI's Chat Completions API, as OpenAI and those that speak like it write it on the wire. */
import { expect, test } from 'vitest'
import type { WireExchange } from '../../src/models/model-api.ts'
import { findModelApi, findPossibleApis } from '../../src/models/model-apis.ts'
import { openAiChat } from '../../src/models/openai-chat/api.ts'

const sse = [['content-type', 'text/event-stream']] as const
const json = [['content-type', 'application/json']] as const
const tools = [
  {
    type: 'function',
    function: { name: 'write_file', description: 'Writes.', parameters: { type: 'object' } },
  },
  { type: 'web_search', filters: {} },
]
const request = {
  model: 'gpt-x',
  max_completion_tokens: 500,
  temperature: 0.2,
  stop: 'END',
  stream: true,
  tools,
  messages: [
    { role: 'system', content: 'You edit files.' },
    { role: 'user', content: 'add a greeting' },
  ],
}

type Chunk = Readonly<Record<string, unknown>>
const chunk = (delta: unknown, finish_reason: string | null = null, more: Chunk = {}): Chunk => ({
  id: 'chatcmpl-1',
  model: 'gpt-x-2026',
  choices: [{ index: 0, delta, finish_reason }],
  ...more,
})
const callPiece = (index: number | undefined, call: Chunk): Chunk =>
  chunk({ tool_calls: [{ ...(index === undefined ? {} : { index }), ...call }] })
const usage = {
  prompt_tokens: 20,
  completion_tokens: 9,
  prompt_tokens_details: { cached_tokens: 12 },
  completion_tokens_details: { reasoning_tokens: 4 },
}
const bytesOf = (chunks: readonly (Chunk | string)[]): Buffer =>
  Buffer.from(
    chunks
      .map((each) => `data: ${typeof each === 'string' ? each : JSON.stringify(each)}\n\n`)
      .join(''),
  )

const withTools = [
  chunk({ role: 'assistant', content: '' }),
  chunk({ reasoning_content: 'It needs ' }),
  chunk({ reasoning_content: 'a file.' }),
  chunk({ content: 'I write ' }),
  chunk({ content: 'it. ✓' }),
  callPiece(0, {
    id: 'call_1',
    type: 'function',
    function: { name: 'write_file', arguments: '' },
  }),
  callPiece(0, { function: { arguments: '{"path":"a' } }),
  callPiece(0, { function: { arguments: '.txt"}' } }),
  callPiece(1, {
    id: 'call_2',
    type: 'function',
    function: { name: 'write_file', arguments: '{"path":"b.txt"}' },
  }),
  chunk({}, 'tool_calls'),
  { id: 'chatcmpl-1', choices: [], usage },
  '[DONE]',
]

function exchange(parts: Partial<WireExchange> = {}): WireExchange {
  return {
    url: 'https://api.openai.com/v1/chat/completions',
    requestBody: Buffer.from(JSON.stringify(request)),
    status: 200,
    responseHeaders: sse,
    responseBody: bytesOf(withTools),
    isComplete: true,
    ...parts,
  }
}

const answered = (chunks: readonly (Chunk | string)[], parts: Partial<WireExchange> = {}) =>
  openAiChat.map(exchange({ responseBody: bytesOf(chunks), ...parts }))
const inJson = (body: unknown, parts: Partial<WireExchange> = {}) =>
  openAiChat.map(
    exchange({
      responseHeaders: json,
      responseBody: Buffer.from(JSON.stringify(body)),
      ...parts,
    }),
  )
const asked = (body: Chunk, url?: string) =>
  openAiChat.map(exchange({ requestBody: Buffer.from(JSON.stringify(body)), ...(url && { url }) }))
const parse = (text: string | undefined) => JSON.parse(text ?? 'null')
const calls = [
  { id: 'call_1', name: 'write_file', arguments: '{"path":"a.txt"}' },
  { id: 'call_2', name: 'write_file', arguments: '{"path":"b.txt"}' },
]

test('a streamed answer has everything', () => {
  const call = openAiChat.map(exchange())
  expect(call.attributes).toEqual({
    'gen_ai.operation.name': 'chat',
    'gen_ai.provider.name': 'openai',
    'gen_ai.request.model': 'gpt-x',
    'gen_ai.request.max_tokens': 500,
    'gen_ai.request.temperature': 0.2,
    'gen_ai.request.stop_sequences': ['END'],
    'gen_ai.request.stream': true,
    'server.address': 'api.openai.com',
    'server.port': 443,
    'http.response.status_code': 200,
    'gen_ai.response.id': 'chatcmpl-1',
    'gen_ai.response.model': 'gpt-x-2026',
    'gen_ai.response.finish_reasons': ['tool_calls'],
    'gen_ai.usage.input_tokens': 20,
    'gen_ai.usage.output_tokens': 9,
    'gen_ai.usage.cache_read.input_tokens': 12,
    'gen_ai.usage.reasoning.output_tokens': 4,
  })
  expect(parse(call.systemInstructions)).toEqual([{ type: 'text', content: 'You edit files.' }])
  expect(parse(call.inputMessages)).toEqual([
    { role: 'user', parts: [{ type: 'text', content: 'add a greeting' }] },
  ])
  expect(parse(call.toolDefinitions)).toEqual([
    {
      type: 'function',
      name: 'write_file',
      description: 'Writes.',
      parameters: { type: 'object' },
    },
    { type: 'web_search', filters: {} },
  ])
  expect(parse(call.outputMessages)).toEqual([
    {
      role: 'assistant',
      finish_reason: 'tool_calls',
      parts: [
        { type: 'reasoning', content: 'It needs a file.' },
        { type: 'text', content: 'I write it. ✓' },
        { type: 'tool_call', id: 'call_1', name: 'write_file', arguments: { path: 'a.txt' } },
        { type: 'tool_call', id: 'call_2', name: 'write_file', arguments: { path: 'b.txt' } },
      ],
    },
  ])
  expect(call).toMatchObject({
    toolCalls: calls,
    answerText: 'I write it. ✓',
    lastUserText: 'add a greeting',
  })
  expect(call.errorType).toBe(undefined)
})

test('a JSON answer has the same as a stream', () => {
  const whole = {
    id: 'chatcmpl-1',
    model: 'gpt-x-2026',
    choices: [
      {
        index: 0,
        finish_reason: 'tool_calls',
        message: {
          role: 'assistant',
          content: 'I write it. ✓',
          reasoning_content: 'It needs a file.',
          refusal: null,
          tool_calls: calls.map(({ id, name, arguments: given }) => ({
            id,
            type: 'function',
            function: { name, arguments: given },
          })),
        },
      },
    ],
    usage,
  }
  expect(inJson(whole)).toEqual(openAiChat.map(exchange()))
})

test('a stream that is cut anywhere keeps what came, and is an incomplete answer', () => {
  const whole = bytesOf(withTools)
  const end = whole.indexOf('"tool_calls"}]') - 1
  let text = ''
  for (let length = 0; length <= whole.length; length += 1) {
    const call = openAiChat.map(
      exchange({ responseBody: whole.subarray(0, length), isComplete: false }),
    )
    expect(call.answerText.startsWith(text)).toBe(true)
    text = call.answerText
    if (length < end) expect(call.errorType).toBe('incomplete_response')
  }
  expect(text).toBe('I write it. ✓')
})

test.for([1, 7, 64, 5_000])(
  'the tool calls of a stream in pieces of %d bytes are found once',
  (size) => {
    const watcher = openAiChat.watch({
      contentType: 'text/event-stream',
      contentEncoding: undefined,
    })
    const whole = bytesOf(withTools)
    const found = []
    for (let at = 0; at < whole.length; at += size) {
      found.push(...watcher.push(whole.subarray(at, at + size)))
    }
    expect([...found, ...watcher.end()]).toEqual(calls)
    expect(watcher.hasError).toBe(false)
  },
)

test.for<[string, readonly Chunk[]]>([
  [
    'give every call the index 0',
    [
      callPiece(0, {
        id: 'call_1',
        function: { name: 'write_file', arguments: '{"path":"a.txt"}' },
      }),
      callPiece(0, {
        id: 'call_2',
        function: { name: 'write_file', arguments: '{"path":"b.txt"}' },
      }),
    ],
  ],
  [
    'give no index',
    [
      callPiece(undefined, {
        id: 'call_1',
        function: { name: 'write_file', arguments: '{"path":"a.txt"}' },
      }),
      callPiece(undefined, {
        id: 'call_2',
        function: { name: 'write_file', arguments: '{"path":"b.txt"}' },
      }),
    ],
  ],
  [
    'repeat the id and the name with each piece',
    [
      callPiece(0, { id: 'call_1', function: { name: 'write_file', arguments: '{"path":' } }),
      callPiece(0, { id: 'call_1', function: { name: 'write_file', arguments: '"a.txt"}' } }),
      callPiece(1, { id: 'call_2', function: { name: 'write_file', arguments: '{"path":' } }),
      callPiece(1, { id: 'call_2', function: { name: 'write_file', arguments: '"b.txt"}' } }),
    ],
  ],
  [
    'send an empty id with later pieces',
    [
      callPiece(0, { id: 'call_1', function: { name: 'write_file', arguments: '{"path":' } }),
      callPiece(0, { id: '', function: { name: '', arguments: '"a.txt"}' } }),
      callPiece(1, {
        id: 'call_2',
        function: { name: 'write_file', arguments: '{"path":"b.txt"}' },
      }),
    ],
  ],
])('servers that %s have the same tool calls', ([, pieces]) => {
  const chunks = [...pieces, chunk({}, 'tool_calls'), '[DONE]']
  expect(answered(chunks).toolCalls).toEqual(calls)
  const watcher = openAiChat.watch({ contentType: 'text/event-stream', contentEncoding: undefined })
  expect(watcher.push(bytesOf(chunks))).toEqual(calls)
})

test('a custom tool’s input and the older function call are tool calls', () => {
  const custom = { id: 'c', type: 'custom', custom: { name: 'patch', input: '*** Begin' } }
  const choice = (message: Chunk) => ({ choices: [{ message, finish_reason: 'stop' }] })
  const withCustom = inJson(choice({ content: null, tool_calls: [custom] }))
  expect(withCustom.toolCalls).toEqual([{ id: 'c', name: 'patch', arguments: '*** Begin' }])
  expect(parse(withCustom.outputMessages)[0].parts).toEqual([
    { type: 'tool_call', id: 'c', name: 'patch', arguments: '*** Begin', tool_type: 'custom' },
  ])
  const older = inJson(choice({ function_call: { name: 'write_file', arguments: '{"a":1}' } }))
  expect(older.toolCalls).toEqual([{ name: 'write_file', arguments: '{"a":1}' }])
  const streamed = answered([
    chunk({ function_call: { name: 'write_file', arguments: '{"a"' } }),
    chunk({ function_call: { arguments: ':1}' } }),
    chunk({}, 'function_call'),
  ])
  expect(streamed.toolCalls).toEqual(older.toolCalls)
})

test('a refusal is a part of the answer', () => {
  const call = answered([
    chunk({ refusal: 'I can’t ' }),
    chunk({ refusal: 'do that.' }),
    chunk({}, 'stop'),
  ])
  expect(parse(call.outputMessages)[0].parts).toEqual([
    { type: 'text', content: 'I can’t do that.', is_refusal: true },
  ])
})

test('of several choices the first is the answer, and the others are there', () => {
  const both = [
    { index: 0, delta: { content: 'one' }, finish_reason: 'stop' },
    { index: 1, delta: { content: 'two' }, finish_reason: 'length' },
  ]
  const call = answered([{ choices: both }, '[DONE]'])
  expect(call.answerText).toBe('one')
  expect(call.finishReasons).toEqual(['stop', 'length'])
  expect(parse(call.outputMessages)).toMatchObject([
    { parts: [{ content: 'one' }] },
    { parts: [{ content: 'two' }] },
  ])
})

test('of usage that is sent several times the larger number counts; without usage there is none', () => {
  const sent = (prompt_tokens: number, completion_tokens: number) =>
    chunk({ content: 'x' }, null, { usage: { prompt_tokens, completion_tokens } })
  const { usage: found } = answered([sent(10, 1), sent(10, 8), sent(10, 5), chunk({}, 'stop')])
  expect(found).toEqual({ inputTokens: 10, outputTokens: 8 })
  expect(answered([chunk({ content: 'x' }, 'stop')]).usage).toEqual({})
  expect(answered([chunk({ content: 'x' }, 'stop', { usage: null })]).usage).toEqual({})
})

test('an error in the middle of a stream is one, and a null is none', () => {
  const failing = [chunk({ content: 'a' }), { error: { message: 'overloaded', code: 'busy' } }]
  expect(answered(failing)).toMatchObject({
    errorType: 'busy',
    errorMessage: 'overloaded',
    answerText: 'a',
  })
  const watcher = openAiChat.watch({ contentType: 'text/event-stream', contentEncoding: undefined })
  watcher.push(bytesOf(failing))
  expect(watcher.hasError).toBe(true)
  const fine = [chunk({ content: 'a' }, 'stop', { error: null }), '[DONE]']
  expect(answered(fine).errorType).toBe(undefined)
})

test.for<[string, unknown, object]>([
  [
    'OpenAI',
    { error: { message: 'No key', type: 'auth' } },
    { errorType: 'auth', errorMessage: 'No key' },
  ],
  [
    'Azure',
    { error: { message: 'No key', code: '401' } },
    { errorType: '401', errorMessage: 'No key' },
  ],
  [
    'vLLM',
    { object: 'error', message: 'No key', type: 'auth' },
    { errorType: 'auth', errorMessage: 'No key' },
  ],
  ['a proxy', { error: 'No key' }, { errorType: '401', errorMessage: 'No key' }],
])('a refused request of %s is an error with its message', ([, body, expected]) => {
  expect(inJson(body, { status: 401 })).toMatchObject(expected)
})

test('images, audio, files and unknown parts are parts of their message', () => {
  const content = [
    { type: 'text', text: 'look' },
    { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA', detail: 'low' } },
    { type: 'image_url', image_url: { url: 'https://example.test/a.png' } },
    { type: 'input_audio', input_audio: { data: 'BBBB', format: 'wav' } },
    { type: 'file', file: { file_data: 'data:application/pdf;base64,CCCC', filename: 'a.pdf' } },
    { type: 'file', file: { file_id: 'file-1' } },
    { type: 'hologram', depth: 3 },
    null,
  ]
  const { inputMessages } = asked({
    ...request,
    messages: [{ role: 'user', name: 'mara', content }],
  })
  expect(parse(inputMessages)).toEqual([
    {
      role: 'user',
      name: 'mara',
      parts: [
        { type: 'text', content: 'look' },
        { type: 'blob', modality: 'image', mime_type: 'image/png', content: 'AAAA', detail: 'low' },
        { type: 'uri', modality: 'image', uri: 'https://example.test/a.png' },
        { type: 'blob', modality: 'audio', mime_type: 'audio/wav', content: 'BBBB' },
        {
          type: 'blob',
          modality: 'document',
          mime_type: 'application/pdf',
          content: 'CCCC',
          filename: 'a.pdf',
        },
        { type: 'file', file_id: 'file-1' },
        { type: 'hologram', depth: 3 },
        { type: 'unknown', value: null },
      ],
    },
  ])
})

const conversation = [
  { role: 'system', content: 'You edit files.' },
  { role: 'user', content: 'go' },
  {
    role: 'assistant',
    content: null,
    tool_calls: [
      { id: 'call_1', type: 'function', function: { name: 'write_file', arguments: '{' } },
      { id: 'call_2', type: 'function', function: { name: 'write_file', arguments: '{}' } },
    ],
  },
  { role: 'tool', tool_call_id: 'call_1', content: 'written' },
  { role: 'tool', tool_call_id: 'call_2', content: [{ type: 'text', text: 'also' }] },
]

test('results of tools are found by the ids of their calls', () => {
  const body = Buffer.from(JSON.stringify({ ...request, messages: conversation }))
  const open = ['call_1', 'call_2', 'call_3'].map((id) => ({ id, name: 'write_file' }))
  expect(openAiChat.findAnswered(body, open).map(({ id }) => id)).toEqual(['call_1', 'call_2'])
  const results = [
    { callId: 'call_1', isError: false, content: 'written' },
    { callId: 'call_2', isError: false, content: 'also' },
  ]
  expect(openAiChat.lastResults(body)).toEqual(results)
  expect(asked({ ...request, messages: conversation }).toolResults).toEqual(results)
  const later = { ...request, messages: [...conversation, { role: 'user', content: 'more' }] }
  expect(openAiChat.lastResults(Buffer.from(JSON.stringify(later)))).toBe(undefined)
})

test('the result of a function call without an id is found by its name, once it is new', () => {
  const called = [
    { role: 'user', content: 'go' },
    { role: 'assistant', content: null, function_call: { name: 'write_file', arguments: '{}' } },
    { role: 'function', name: 'write_file', content: 'written' },
  ]
  const open = [{ id: undefined, name: 'write_file' }]
  const found = (messages: readonly unknown[]) =>
    openAiChat.findAnswered(Buffer.from(JSON.stringify({ ...request, messages })), open)
  expect(found(called)).toEqual(open)
  expect(found([...called, { role: 'assistant', content: 'Done.' }])).toEqual([])
})

test('instructions are the first messages of the system or the developer; later ones stay where they are', () => {
  const { systemInstructions, inputMessages } = asked({
    messages: [
      { role: 'developer', content: [{ type: 'text', text: 'one' }] },
      { role: 'system', content: 'two' },
      { role: 'user', content: 'go' },
      { role: 'system', content: 'three' },
    ],
  })
  expect(parse(systemInstructions)).toEqual([
    { type: 'text', content: 'one' },
    { type: 'text', content: 'two' },
  ])
  expect(parse(inputMessages)).toEqual([
    { role: 'user', parts: [{ type: 'text', content: 'go' }] },
    { role: 'system', parts: [{ type: 'text', content: 'three' }] },
  ])
})

test('Azure’s deployment is the model', () => {
  const url =
    'https://mine.openai.azure.com/openai/deployments/my%20gpt/chat/completions?api-version=1'
  const { attributes } = asked({ messages: [] }, url)
  expect(attributes).toMatchObject({
    'gen_ai.request.model': 'my gpt',
    'gen_ai.provider.name': 'azure.ai.openai',
  })
})

test.for<[string, string]>([
  ['https://api.groq.com/openai/v1/chat/completions', 'groq'],
  ['https://api.mistral.ai/v1/chat/completions', 'mistral_ai'],
  ['https://api.mistral.ai/v1/agents/completions', 'mistral_ai'],
  ['https://generativelanguage.googleapis.com/v1beta/openai/chat/completions', 'gcp.gemini'],
  ['http://localhost:11434/v1/chat/completions', 'openai'],
  ['https://openrouter.ai/api/v1/chat/completions', 'openai'],
  ['https://evilapi.x.ai.example/chat/completions/', 'openai'],
])('%s is answered by %s', ([address, provider]) => {
  const url = new URL(address)
  expect(findModelApi('POST', url)).toBe(openAiChat)
  expect(openAiChat.provider(url)).toBe(provider)
})

test.for([
  'https://dbc.cloud.databricks.com/serving-endpoints/my-model/invocations',
  'https://runtime.sagemaker.eu-west-1.amazonaws.com/endpoints/mine/invocations',
  'https://eu-aiplatform.googleapis.com/v1/projects/p/locations/l/publishers/mistralai/models/m:rawPredict',
  'https://api.minimax.io/v1/text/chatcompletion_v2',
])('%s is one of it if the body is', (address) => {
  const url = URL.parse(address)
  expect(findModelApi('POST', url)).toBe(undefined)
  expect(findPossibleApis('POST', url)).toEqual([openAiChat])
  const isRequest = (body: object) => openAiChat.isRequest(Buffer.from(JSON.stringify(body)))
  expect(isRequest({ messages: [{ role: 'user', content: 'hi' }] })).toBe(true)
  expect(isRequest({ inputs: 'hi' })).toBe(false)
})

test.for<[string, string]>([
  ['GET', 'https://api.openai.com/v1/chat/completions'],
  ['POST', 'https://api.openai.com/v1/chat/completions/chatcmpl-1'],
  ['POST', 'https://api.openai.com/v1/embeddings'],
  ['POST', 'https://api.openai.com/v1/moderations'],
  ['GET', 'https://api.openai.com/v1/models'],
])('%s %s is no model call', ([method, address]) => {
  expect(findModelApi(method, new URL(address))).toBe(undefined)
})

test('a request that forces one tool is told from others', () => {
  const forced = { tool_choice: { type: 'function', function: { name: 'a' } } }
  expect(openAiChat.forcesTool(JSON.stringify(forced))).toBe(true)
  expect(openAiChat.forcesTool('{"tool_choice":"auto"}')).toBe(false)
  expect(openAiChat.forcesTool(JSON.stringify({ text: JSON.stringify(forced) }))).toBe(false)
})

test.for<[string, unknown]>([
  ['null', null],
  ['a list', []],
  ['choices of a wrong type', { choices: 3 }],
  ['a message of a wrong type', { choices: [{ message: 'x' }] }],
  [
    'tool calls of wrong types',
    { choices: [{ message: { tool_calls: [null, 3, { function: 3 }] } }] },
  ],
  ['deltas of wrong types', { choices: [{ delta: [] }, null] }],
])('an answer that is %s breaks nothing', ([, body]) => {
  expect(inJson(body).toolCalls).toEqual([])
  expect(answered([body as Chunk]).toolCalls).toEqual([])
  expect(asked({ messages: body, tools: body } as Chunk).toolCalls).toEqual(calls)
})
