import { describe, expect, test } from 'vitest'
import { mistralConversations } from '../../src/models/mistral/api.ts'
import type { WireExchange } from '../../src/models/model-api.ts'
import { findModelApi, findPossibleApis } from '../../src/models/model-apis.ts'
import { type StreamEvent, wireBytes } from './anthropic-stream.ts'

const host = 'https://api.mistral.ai'
const request = {
  model: 'mistral-medium-latest',
  instructions: 'You edit files.',
  inputs: 'add a greeting',
  stream: true,
  tools: [
    {
      type: 'function',
      function: { name: 'read_file', description: 'Reads.', parameters: { type: 'object' } },
    },
    { type: 'web_search' },
  ],
  completion_args: { max_tokens: 4096, temperature: 0.2, top_p: 0.9, stop: 'END' },
}
const sse = [['content-type', 'text/event-stream; charset=utf-8']] as const
const json = [['content-type', 'application/json']] as const

const message = (output_index: number, content: unknown, more: object = {}): StreamEvent => ({
  type: 'message.output.delta',
  created_at: '2026-01-01T00:00:00Z',
  output_index,
  content_index: 0,
  id: `msg_${output_index}`,
  model: 'mistral-medium-2508',
  agent_id: null,
  role: 'assistant',
  content,
  ...more,
})
const functionCall = (output_index: number, name: string, piece: string): StreamEvent => ({
  type: 'function.call.delta',
  output_index,
  id: `fc_${output_index}`,
  model: 'mistral-medium-2508',
  name,
  tool_call_id: `call_${output_index}`,
  arguments: piece,
})
const done: StreamEvent = {
  type: 'conversation.response.done',
  usage: { prompt_tokens: 133, completion_tokens: 46, total_tokens: 179, connector_tokens: 11 },
}
const started: StreamEvent = { type: 'conversation.response.started', conversation_id: 'conv_1' }
/** A turn's first answer: reasoning, a text with non-ASCII characters, a tool of the server, two tools. */
const answerWithTools: readonly StreamEvent[] = [
  started,
  message(0, { type: 'thinking', thinking: [{ type: 'text', text: 'The user wants ' }] }),
  message(0, { type: 'thinking', thinking: [{ type: 'text', text: 'a greeting.' }] }),
  message(0, 'Grüße', { content_index: 1 }),
  message(0, ', 緑', { content_index: 1 }),
  message(0, { type: 'text', text: ' 🎈!' }, { content_index: 1 }),
  { type: 'tool.execution.started', output_index: 1, id: 't_1', name: 'web_search', arguments: '' },
  {
    type: 'tool.execution.delta',
    output_index: 1,
    id: 't_1',
    name: 'web_search',
    arguments: '{"query":',
  },
  {
    type: 'tool.execution.delta',
    output_index: 1,
    id: 't_1',
    name: 'web_search',
    arguments: '"x"}',
  },
  { type: 'tool.execution.done', output_index: 1, id: 't_1', name: 'web_search', info: { a: 1 } },
  functionCall(2, 'read_file', '{"pa'),
  functionCall(2, 'read_file', 'th": "hello.txt"}'),
  functionCall(3, 'list_files', ''),
  done,
]
const whole = wireBytes(answerWithTools)
const calls = [
  { id: 'call_2', name: 'read_file', arguments: '{"path": "hello.txt"}' },
  { id: 'call_3', name: 'list_files', arguments: '{}' },
]

function exchange(parts: Partial<WireExchange> = {}): WireExchange {
  return {
    url: `${host}/v1/conversations`,
    requestBody: Buffer.from(JSON.stringify(request)),
    status: 200,
    responseHeaders: sse,
    responseBody: whole,
    isComplete: true,
    ...parts,
  }
}
const map = (parts: Partial<WireExchange> = {}) => mistralConversations.map(exchange(parts))
const answered = (events: readonly StreamEvent[], parts: Partial<WireExchange> = {}) =>
  map({ responseBody: wireBytes(events), ...parts })
const answeredJson = (text: string, parts: Partial<WireExchange> = {}) =>
  map({ responseHeaders: json, responseBody: Buffer.from(text), ...parts })
const asked = (inputs: unknown) =>
  map({ requestBody: Buffer.from(JSON.stringify({ ...request, inputs })) })
const parse = (text: string | undefined) => JSON.parse(text ?? 'null')
const watch = (contentType: string = sse[0][1]) =>
  mistralConversations.watch({ contentType, contentEncoding: undefined })

test('a streamed answer has everything', () => {
  const call = map()
  expect(call.attributes).toEqual({
    'gen_ai.operation.name': 'chat',
    'gen_ai.provider.name': 'mistral_ai',
    'gen_ai.request.model': 'mistral-medium-latest',
    'gen_ai.request.max_tokens': 4096,
    'gen_ai.request.temperature': 0.2,
    'gen_ai.request.top_p': 0.9,
    'gen_ai.request.stop_sequences': ['END'],
    'gen_ai.request.stream': true,
    'server.address': 'api.mistral.ai',
    'server.port': 443,
    'http.response.status_code': 200,
    'gen_ai.response.id': 'msg_0',
    'gen_ai.response.model': 'mistral-medium-2508',
    'gen_ai.response.finish_reasons': ['tool_call'],
    'gen_ai.usage.input_tokens': 133,
    'gen_ai.usage.output_tokens': 46,
  })
  const model = 'mistral-medium-2508'
  expect(parse(call.outputMessages)).toEqual([
    {
      role: 'assistant',
      parts: [
        { type: 'reasoning', content: 'The user wants a greeting.' },
        { type: 'text', content: 'Grüße, 緑 🎈!' },
        {
          type: 'server_tool_call',
          id: 't_1',
          name: 'web_search',
          server_tool_call: { type: 'web_search', arguments: { query: 'x' } },
          info: { a: 1 },
        },
        {
          type: 'tool_call',
          id: 'call_2',
          name: 'read_file',
          arguments: { path: 'hello.txt' },
          entry_id: 'fc_2',
          model,
        },
        {
          type: 'tool_call',
          id: 'call_3',
          name: 'list_files',
          arguments: '',
          entry_id: 'fc_3',
          model,
        },
      ],
      finish_reason: 'tool_call',
    },
  ])
  expect(parse(call.systemInstructions)).toEqual([{ type: 'text', content: 'You edit files.' }])
  expect(parse(call.inputMessages)).toEqual([
    { role: 'user', parts: [{ type: 'text', content: 'add a greeting' }] },
  ])
  expect(parse(call.toolDefinitions)).toEqual([
    { type: 'function', name: 'read_file', description: 'Reads.', parameters: { type: 'object' } },
    { type: 'web_search' },
  ])
  expect(call).toMatchObject({
    answerText: 'Grüße, 緑 🎈!',
    lastUserText: 'add a greeting',
    toolCalls: calls,
  })
  expect(call).not.toHaveProperty('errorType')
})

test('a JSON answer gives its entries, its tool arguments exactly as they were written', () => {
  const call = answeredJson(
    `{"object":"conversation.response","conversation_id":"conv_1","outputs":[
      {"object":"entry","type":"message.output","id":"msg_1","model":"m","role":"assistant","content":"hello"},
      {"type":"function.call","id":"fc_1","tool_call_id":"call_1","name":"add","arguments":"{ \\"n\\" : 1.0 }"},
      {"type":"function.call","id":"fc_2","tool_call_id":"call_2","name":"add","arguments":{ "n" : 1.0 }},
      {"type":"agent.handoff","id":"h_1","next_agent_name":"b"}],
      "usage":{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7}}`,
  )
  expect(call.toolCalls).toEqual([
    { id: 'call_1', name: 'add', arguments: '{ "n" : 1.0 }' },
    { id: 'call_2', name: 'add', arguments: '{ "n" : 1.0 }' },
  ])
  expect(call).toMatchObject({
    usage: { inputTokens: 3, outputTokens: 4 },
    answerText: 'hello',
    finishReasons: ['tool_call'],
  })
  expect(parse(call.outputMessages)[0].parts.at(-1)).toEqual({
    type: 'agent.handoff',
    id: 'h_1',
    next_agent_name: 'b',
  })
  expect(call).not.toHaveProperty('errorType')
})

test('the server’s id of the conversation is not that of the app’s chat', () => {
  const { attributes } = map({ url: `${host}/v1/conversations/conv_1` })
  expect(attributes).not.toHaveProperty('gen_ai.conversation.id')
})

describe('every kind of entry becomes a message', () => {
  test.for([
    [
      'message.input',
      { type: 'message.input', role: 'user', content: 'x', prefix: true },
      { role: 'user', parts: [{ type: 'text', content: 'x' }], prefix: true },
    ],
    [
      'a message without a type',
      { role: 'assistant', content: [{ type: 'text', text: 'x', more: 1 }] },
      { role: 'assistant', parts: [{ type: 'text', content: 'x', more: 1 }] },
    ],
    [
      'message.output',
      { type: 'message.output', id: 'm', content: 'x' },
      { role: 'assistant', parts: [{ type: 'text', content: 'x' }], id: 'm' },
    ],
    [
      'function.call',
      { type: 'function.call', id: 'e', tool_call_id: 'a', name: 'n', arguments: '{"x":1}', m: 1 },
      {
        role: 'assistant',
        parts: [
          { type: 'tool_call', id: 'a', name: 'n', arguments: { x: 1 }, entry_id: 'e', m: 1 },
        ],
      },
    ],
    [
      'function.result',
      { type: 'function.result', tool_call_id: 'a', result: 'x', object: 'entry' },
      {
        role: 'tool',
        parts: [{ type: 'tool_call_response', id: 'a', response: 'x', object: 'entry' }],
      },
    ],
    [
      'agent.handoff',
      { type: 'agent.handoff', previous_agent_id: 'a', next_agent_id: 'b' },
      {
        role: 'assistant',
        parts: [{ type: 'agent.handoff', previous_agent_id: 'a', next_agent_id: 'b' }],
      },
    ],
    [
      'unknown',
      { type: 'brand.new', a: 1 },
      { role: 'assistant', parts: [{ type: 'brand.new', a: 1 }] },
    ],
    ['no object', 7, { role: 'unknown', parts: [{ type: 'unknown', value: 7 }] }],
  ] as const)('%s', ([, entry, expected]) => {
    expect(parse(asked([entry]).inputMessages)).toEqual([expected])
  })
})

describe('every kind of chunk becomes a part', () => {
  test.for([
    [
      'image',
      { type: 'image_url', image_url: { url: 'https://x/y.png', detail: 'low' } },
      { type: 'uri', modality: 'image', uri: 'https://x/y.png', detail: 'low' },
    ],
    [
      'image in its address',
      { type: 'image_url', image_url: 'data:image/png;base64,AA==' },
      { type: 'blob', modality: 'image', mime_type: 'image/png', content: 'AA==' },
    ],
    [
      'document',
      { type: 'document_url', document_url: 'https://x/y.pdf', document_name: 'y' },
      { type: 'uri', modality: 'document', uri: 'https://x/y.pdf', document_name: 'y' },
    ],
    [
      'file of a tool',
      { type: 'tool_file', tool: 'image_generation', file_id: 'f', file_type: 'png' },
      { type: 'file', modality: 'image', tool: 'image_generation', file_id: 'f', file_type: 'png' },
    ],
    [
      'reference',
      { type: 'tool_reference', tool: 'web_search', title: 't', url: 'u' },
      { type: 'tool_reference', tool: 'web_search', title: 't', url: 'u' },
    ],
    [
      'thinking with a reference',
      { type: 'thinking', thinking: [{ type: 'reference', reference_ids: [1] }] },
      { type: 'thinking', thinking: [{ type: 'reference', reference_ids: [1] }] },
    ],
    ['unknown', { type: 'brand_new', a: 1 }, { type: 'brand_new', a: 1 }],
    ['image without an address', { type: 'image_url' }, { type: 'image_url' }],
    ['no object', null, { type: 'unknown', value: null }],
  ] as const)('%s', ([, chunk, part]) => {
    const [{ parts }] = parse(asked([{ role: 'user', content: [chunk] }]).inputMessages)
    expect(parts).toEqual([part])
  })
})

test('chunks of other kinds stay between the texts of a stream; a handoff is one part', () => {
  const reference = { type: 'tool_reference', tool: 'web_search', title: 't' }
  const call = answered([
    started,
    { type: 'agent.handoff.started', output_index: 0, id: 'h', previous_agent_name: 'a' },
    { type: 'agent.handoff.done', output_index: 0, id: 'h', next_agent_name: 'b' },
    message(1, 'one'),
    message(1, reference),
    message(1, 'two'),
    { type: 'brand.new.event', a: 1 },
    done,
  ])
  expect(parse(call.outputMessages)[0].parts).toEqual([
    { type: 'agent.handoff', id: 'h', previous_agent_name: 'a', next_agent_name: 'b' },
    { type: 'text', content: 'one' },
    reference,
    { type: 'text', content: 'two' },
  ])
  expect(call.finishReasons).toEqual(['stop'])
})

describe('a stream that was cut', () => {
  test('maps at every byte, and has no more text than came', () => {
    const text = map().answerText
    let last = 0
    for (let end = 0; end <= whole.length; end += 1) {
      const call = map({ responseBody: whole.subarray(0, end), isComplete: false, error: 'ABORT' })
      expect(text.startsWith(call.answerText)).toBe(true)
      expect(call.answerText.length).toBeGreaterThanOrEqual(last)
      last = call.answerText.length
      const isOver = whole.subarray(0, end).includes('"connector_tokens":11}}')
      expect(call.errorType).toBe(isOver ? undefined : 'ABORT')
    }
    expect(last).toBe(text.length)
  })
  test('keeps half a tool call, with finish reason error', () => {
    const call = answered(answerWithTools.slice(0, 11), { isComplete: false })
    const [{ parts, finish_reason }] = parse(call.outputMessages)
    expect(finish_reason).toBe('error')
    expect(parts.at(-1)).toMatchObject({ type: 'tool_call', id: 'call_2', arguments: '{"pa' })
    expect(call.usage).toEqual({})
  })
})

describe('errors', () => {
  test('an error event in a stream', () => {
    const events = [
      started,
      message(0, 'half'),
      functionCall(1, 'n', '{}'),
      { type: 'conversation.response.error', message: 'Overloaded', code: 3505 },
    ]
    expect(answered(events)).toMatchObject({
      errorType: '3505',
      errorMessage: 'Overloaded',
      finishReasons: ['error'],
      answerText: 'half',
    })
    const watcher = watch()
    expect(watcher.push(wireBytes(events))).toEqual([])
    expect(watcher.hasError).toBe(true)
  })
  test.for([
    [
      422,
      '{"object":"error","message":"No such model","type":"invalid_model","code":"1500"}',
      'invalid_model',
      'No such model',
    ],
    [401, '{"message":"Unauthorized","request_id":"r"}', '401', 'Unauthorized'],
    [422, '{"detail":[{"msg":"missing"}]}', '422', '[{"msg":"missing"}]'],
    [502, '<html>Bad Gateway</html>', '502', '<html>Bad Gateway</html>'],
  ] as const)('%i %s', ([status, body, type, text]) => {
    const call = answeredJson(body, { status })
    expect(call).toMatchObject({ errorType: type, errorMessage: text, answerText: '' })
  })
})

describe('every tool call of a stream is found once, whatever the pieces', () => {
  test.for([1, 2, 3, 7, 64, 1_000, whole.length])('of %i bytes', (size) => {
    const watcher = watch()
    const seen = []
    for (let at = 0; at < whole.length; at += size) {
      seen.push(...watcher.push(whole.subarray(at, at + size)))
    }
    expect([...seen, ...watcher.end()]).toEqual(calls)
    expect(watcher.hasError).toBe(false)
  })
})

test('a tool call is found when the answer goes on, also if the pieces of two are mixed', () => {
  const watcher = watch()
  const events = [
    functionCall(0, 'a', '{"x":'),
    functionCall(1, 'b', '{}'),
    functionCall(0, 'a', '1}'),
    functionCall(2, 'c', '{}'),
    message(3, 'text'),
  ]
  const found = events.map((event) => watcher.push(wireBytes([event])).map(({ name }) => name))
  expect(found).toEqual([[], [], [], ['a', 'b'], ['c']])
  watcher.push(wireBytes([functionCall(4, 'd', '{}')]))
  expect(watcher.end()).toEqual([])
})

test('the tool calls of a JSON answer are found at its end', () => {
  const watcher = watch('application/json')
  const text =
    '{"outputs":[{"type":"function.call","tool_call_id":"a","name":"n","arguments":"{\\"x\\":1}"}]}'
  expect([...watcher.push(Buffer.from(text)), ...watcher.end()]).toEqual([
    { id: 'a', name: 'n', arguments: '{"x":1}' },
  ])
})

describe('results of tools', () => {
  const results = [
    { type: 'function.result', tool_call_id: 'call_1', result: 'done' },
    { type: 'function.result', tool_call_id: 'call_2', result: { x: 1 } },
  ]
  const body = (inputs: unknown) => Buffer.from(JSON.stringify({ inputs }))

  test('are found, and matched to their calls', () => {
    const expected = [
      { callId: 'call_1', isError: false, content: 'done' },
      { callId: 'call_2', isError: false, content: '{"x":1}' },
    ]
    expect(asked(results).toolResults).toEqual(expected)
    expect(mistralConversations.lastResults(body(results))).toEqual(expected)
    const open = ['call_1', 'call_9'].map((id) => ({ id, name: 'n' }))
    const found = mistralConversations.findAnswered(body(results), open)
    expect(found.map(({ id }) => id)).toEqual(['call_1'])
  })
  test('are not the end of a request that says something else', () => {
    const said = { role: 'user', content: 'hi' }
    expect(mistralConversations.lastResults(body([...results, said]))).toBeUndefined()
    expect(mistralConversations.lastResults(body('hi'))).toBeUndefined()
  })
})

test('only a request that names a model or an agent repeats the conversation', () => {
  const inputs = [{ role: 'user', content: 'hi' }]
  const history = (body: object) =>
    mistralConversations.history(Buffer.from(JSON.stringify({ inputs, ...body })))
  expect(history({ model: 'm', instructions: 'x' })?.messages).toHaveLength(1)
  expect(history({ agent_id: 'a' })?.messages).toHaveLength(1)
  expect(history({ store: true })).toBeUndefined()
})

describe('which requests are model calls', () => {
  test.for([
    ['POST', '/v1/conversations', true],
    ['post', '/mistral/v1/conversations/conv_1', true],
    ['POST', '/v1/conversations/conv_1/restart', true],
    ['GET', '/v1/conversations/conv_1', false],
    ['DELETE', '/v1/conversations/conv_1', false],
    ['POST', '/v1/conversations/conv_1/items', false],
    ['POST', '/api/conversations', false],
  ] as const)('%s %s may be one: %s', ([method, path, expected]) => {
    const url = URL.parse(path, host)
    expect(findPossibleApis(method, url).includes(mistralConversations)).toBe(expected)
    expect(findModelApi(method, url)).toBeUndefined()
  })

  test.for([
    [request, true],
    [{ agent_id: 'ag_1', inputs: [{ role: 'user', content: 'hi' }] }, true],
    [{ inputs: 'hi', stream: false, store: true, handoff_execution: 'server' }, true],
    [{ inputs: [{ type: 'function.result', tool_call_id: 'a', result: 'x' }] }, true],
    [{ from_entry_id: 'e', inputs: 'hi' }, true],
    [{ tool_confirmations: [{ tool_call_id: 'a', confirmation: 'allow' }] }, true],
    [{ inputs: 'hi' }, false],
    [{ inputs: [{ role: 'user', content: 'hi' }] }, false],
    [{ inputs: [{ type: 'image' }], model: 'm' }, false],
    [{ metadata: {}, items: [{ type: 'message', role: 'user', content: 'hi' }] }, false],
    [{ model: 'm', name: 'x' }, false],
    [{}, false],
    [null, false],
  ] as const)('the body %j: %s', ([body, expected]) => {
    expect(mistralConversations.isRequest(Buffer.from(JSON.stringify(body)))).toBe(expected)
  })
})

test('what is not JSON is recorded as text', () => {
  const call = answeredJson('{"outputs":[', {
    requestBody: Buffer.from('{"inputs": "'),
    isComplete: false,
  })
  expect(call.requestText).toBe('{"inputs": "')
  expect(parse(call.outputMessages)[0].parts).toEqual([{ type: 'text', content: '{"outputs":[' }])
})

describe('nothing that parses makes it throw', () => {
  const values = [null, true, 7, 'x', [], [null], {}, { type: 7 }, [[1]], [{ type: 'thinking' }]]
  test.for(values.map((value) => [JSON.stringify(value), value] as const))('%s', ([, value]) => {
    const bodies = [
      value,
      { inputs: value, instructions: value, tools: value, completion_args: value },
      {
        inputs: [{ type: 'message.input', content: value }],
        completion_args: { stop: value },
        tools: [{ function: value }],
      },
      { inputs: [{ type: 'function.call', arguments: value, name: value, tool_call_id: value }] },
    ]
    const entry = { type: 'message.output', content: value, model: value, id: value }
    const answers = [value, { outputs: value, usage: value }, { outputs: [entry] }]
    for (const body of bodies) {
      const bytes = Buffer.from(JSON.stringify(body))
      for (const answer of [...answers, { message: value, detail: value, code: value }]) {
        answeredJson(JSON.stringify(answer), { url: 'not a URL', requestBody: bytes })
      }
      mistralConversations.lastResults(bytes)
      mistralConversations.history(bytes)
      mistralConversations.isRequest(bytes)
    }
    const kinds = ['message.output.delta', 'function.call.delta', 'tool.execution.done']
    for (const type of [...kinds, 'conversation.response.done', 'conversation.response.error']) {
      const members = { output_index: value, id: value, content: value, arguments: value }
      const events = [
        { type, ...members, name: value, usage: value, message: value },
        { ...members, type, output_index: 0, content: { type: 'thinking', thinking: value } },
      ]
      answered(events)
      watch().push(wireBytes(events))
    }
  })
})
