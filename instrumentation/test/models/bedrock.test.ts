import { describe, expect, test } from 'vitest'
import { bedrockConverse } from '../../src/models/bedrock/converse.ts'
import type { WireExchange } from '../../src/models/model-api.ts'
import { findModelApi, findPossibleApis } from '../../src/models/model-apis.ts'
import { chunkMessage, errorMessage, eventMessage, exceptionMessage } from './event-stream.ts'

const host = 'https://bedrock-runtime.us-east-1.amazonaws.com'
const modelId = 'us.anthropic.claude-sonnet-4-5-20250929-v1:0'
const request = {
  system: [{ text: 'You edit files.' }, { cachePoint: { type: 'default' } }],
  messages: [{ role: 'user', content: [{ text: 'add a greeting' }] }],
  inferenceConfig: { maxTokens: 4096, temperature: 0.2, topP: 0.9, stopSequences: ['END'] },
  additionalModelRequestFields: { top_k: 40 },
  toolConfig: {
    tools: [
      {
        toolSpec: {
          name: 'read_file',
          description: 'Reads.',
          inputSchema: { json: { type: 'object', properties: {} } },
        },
      },
      { systemTool: { name: 'nova_grounding' } },
      { cachePoint: { type: 'default' } },
    ],
    toolChoice: { auto: {} },
  },
}
const stream = [['content-type', 'application/vnd.amazon.eventstream']] as const
const json = [['content-type', 'application/json']] as const

const usage = {
  inputTokens: 25,
  outputTokens: 89,
  totalTokens: 1089,
  cacheReadInputTokens: 900,
  cacheWriteInputTokens: 75,
}

type Event = readonly [type: string, fields: object]
const delta = (contentBlockIndex: number, delta: object): Event => [
  'contentBlockDelta',
  { contentBlockIndex, delta, p: 'abc' },
]
const stop = (contentBlockIndex: number): Event => ['contentBlockStop', { contentBlockIndex }]
const tool = (
  contentBlockIndex: number,
  id: string,
  name: string,
  ...pieces: string[]
): Event[] => [
  ['contentBlockStart', { contentBlockIndex, start: { toolUse: { toolUseId: id, name } } }],
  ...pieces.map((input) => delta(contentBlockIndex, { toolUse: { input } })),
  stop(contentBlockIndex),
]
/** A turn's first answer: reasoning, a text with non-ASCII characters, two tools. A text has no start. */
const answerWithTools: readonly Event[] = [
  ['messageStart', { role: 'assistant', p: 'ab' }],
  delta(0, { reasoningContent: { text: 'The user wants ' } }),
  delta(0, { reasoningContent: { text: 'a greeting.' } }),
  delta(0, { reasoningContent: { signature: 'c2lnbmVk' } }),
  stop(0),
  delta(1, { text: 'Grüße' }),
  delta(1, { text: ', 緑' }),
  delta(1, { text: ' 🎈!' }),
  stop(1),
  ...tool(2, 'tooluse_01', 'read_file', '', '{"pa', 'th": "hel', 'lo.txt"}'),
  ...tool(3, 'tooluse_02', 'list_files'),
  ['messageStop', { stopReason: 'tool_use' }],
  ['metadata', { usage, metrics: { latencyMs: 1234 } }],
]
const wireBytes = (events: readonly Event[]) =>
  Buffer.concat(events.map(([type, fields]) => eventMessage(type, fields)))
const whole = wireBytes(answerWithTools)
const calls = [
  { id: 'tooluse_01', name: 'read_file', arguments: '{"path": "hello.txt"}' },
  { id: 'tooluse_02', name: 'list_files', arguments: '{}' },
]

function exchange(parts: Partial<WireExchange> = {}): WireExchange {
  return {
    url: `${host}/model/${encodeURIComponent(modelId)}/converse-stream`,
    requestBody: Buffer.from(JSON.stringify(request)),
    status: 200,
    responseHeaders: stream,
    responseBody: whole,
    isComplete: true,
    ...parts,
  }
}

const map = (parts: Partial<WireExchange> = {}) => bedrockConverse.map(exchange(parts))
const answered = (events: readonly Event[], parts: Partial<WireExchange> = {}) =>
  map({ responseBody: wireBytes(events), ...parts })
const answeredJson = (text: string, parts: Partial<WireExchange> = {}) =>
  map({
    url: `${host}/model/${encodeURIComponent(modelId)}/converse`,
    responseHeaders: json,
    responseBody: Buffer.from(text),
    ...parts,
  })
const asked = (messages: unknown, parts: object = {}) =>
  map({ requestBody: Buffer.from(JSON.stringify({ ...request, messages, ...parts })) })
const parse = (text: string | undefined) => JSON.parse(text ?? 'null')

test('a streamed answer has everything', () => {
  const call = map()
  expect(call.attributes).toEqual({
    'gen_ai.operation.name': 'chat',
    'gen_ai.provider.name': 'aws.bedrock',
    'gen_ai.request.model': modelId,
    'gen_ai.request.max_tokens': 4096,
    'gen_ai.request.temperature': 0.2,
    'gen_ai.request.top_p': 0.9,
    'gen_ai.request.top_k': 40,
    'gen_ai.request.stop_sequences': ['END'],
    'gen_ai.request.stream': true,
    'server.address': 'bedrock-runtime.us-east-1.amazonaws.com',
    'server.port': 443,
    'http.response.status_code': 200,
    'gen_ai.response.finish_reasons': ['tool_use'],
    'gen_ai.usage.input_tokens': 1000,
    'gen_ai.usage.output_tokens': 89,
    'gen_ai.usage.cache_read.input_tokens': 900,
    'gen_ai.usage.cache_write.input_tokens': 75,
  })
  expect(parse(call.outputMessages)).toEqual([
    {
      role: 'assistant',
      parts: [
        { type: 'reasoning', content: 'The user wants a greeting.', signature: 'c2lnbmVk' },
        { type: 'text', content: 'Grüße, 緑 🎈!' },
        {
          type: 'tool_call',
          id: 'tooluse_01',
          name: 'read_file',
          arguments: { path: 'hello.txt' },
        },
        { type: 'tool_call', id: 'tooluse_02', name: 'list_files', arguments: {} },
      ],
      finish_reason: 'tool_use',
    },
  ])
  expect(parse(call.systemInstructions)).toEqual([
    { type: 'text', content: 'You edit files.' },
    { type: 'cachePoint', cachePoint: { type: 'default' } },
  ])
  expect(parse(call.inputMessages)).toEqual([
    { role: 'user', parts: [{ type: 'text', content: 'add a greeting' }] },
  ])
  expect(parse(call.toolDefinitions)).toEqual([
    {
      type: 'function',
      name: 'read_file',
      description: 'Reads.',
      parameters: { type: 'object', properties: {} },
    },
    { type: 'systemTool', systemTool: { name: 'nova_grounding' } },
    { type: 'cachePoint', cachePoint: { type: 'default' } },
  ])
  expect(call).toMatchObject({
    answerText: 'Grüße, 緑 🎈!',
    lastUserText: 'add a greeting',
    toolCalls: calls,
  })
  expect(call).not.toHaveProperty('errorType')
})

test('a JSON answer gives the same, its tool arguments exactly as they were written', () => {
  const call = answeredJson(
    `{"metrics":{"latencyMs":1},"output":{"message":{"role":"assistant","content":[{"text":"hello"},
      {"toolUse":{"input":{ "n" : 1.0, "big":12345678901234567890 },"name":"add","toolUseId":"tooluse_1"}}]}},
      "stopReason":"tool_use","trace":{"promptRouter":{"invokedModelId":"amazon.nova-lite-v1:0"}},
      "usage":{"inputTokens":3,"outputTokens":4,"totalTokens":7}}`,
  )
  expect(call.toolCalls).toEqual([
    { id: 'tooluse_1', name: 'add', arguments: '{ "n" : 1.0, "big":12345678901234567890 }' },
  ])
  expect(call.usage).toEqual({ inputTokens: 3, outputTokens: 4 })
  expect(call).toMatchObject({ answerText: 'hello', finishReasons: ['tool_use'] })
  expect(call.attributes).toMatchObject({
    'gen_ai.request.stream': false,
    'gen_ai.response.model': 'amazon.nova-lite-v1:0',
  })
  expect(call).not.toHaveProperty('errorType')
})

test('Nova’s events at `invoke` give the same as those of Converse', () => {
  const body = answerWithTools.map(([type, fields]) => chunkMessage({ [type]: fields }))
  const call = map({
    url: `${host}/model/us.amazon.nova-pro-v1%3A0/invoke-with-response-stream`,
    responseBody: Buffer.concat(body),
  })
  expect(call.outputMessages).toBe(map().outputMessages)
  expect(call.usage).toEqual(map().usage)
  const watcher = bedrockConverse.watch({ contentType: stream[0][1], contentEncoding: undefined })
  expect(body.flatMap((bytes) => watcher.push(bytes))).toEqual(calls)
})

test('an empty list of instructions is none', () => {
  expect(asked(request.messages, { system: [] })).not.toHaveProperty('systemInstructions')
})

test('of two numbers the larger counts', () => {
  const call = answered([
    ['metadata', { usage: { inputTokens: 10, outputTokens: 20 } }],
    ['metadata', { usage: { inputTokens: 12, outputTokens: 7, cacheReadInputTokens: null } }],
    ['messageStop', { stopReason: 'end_turn' }],
  ])
  expect(call.usage).toEqual({ inputTokens: 12, outputTokens: 20 })
})

describe('every kind of block becomes a part, and none loses a member', () => {
  const location = { uri: 's3://bucket/key', bucketOwner: '1' }
  test.for([
    ['text', { text: 'x', more: 1 }, { type: 'text', content: 'x', more: 1 }],
    [
      'toolUse',
      { toolUse: { toolUseId: 'a', name: 'n', input: { x: 1 }, more: 1 } },
      { type: 'tool_call', id: 'a', name: 'n', arguments: { x: 1 }, more: 1 },
    ],
    [
      'tool of the server',
      { toolUse: { toolUseId: 'a', name: 'n', input: { x: 1 }, type: 'server_tool_use' } },
      {
        type: 'server_tool_call',
        id: 'a',
        name: 'n',
        server_tool_call: { type: 'n', input: { x: 1 } },
      },
    ],
    [
      'toolResult',
      { toolResult: { toolUseId: 'a', content: [{ text: 'x' }], status: 'error' } },
      { type: 'tool_call_response', id: 'a', response: 'x', status: 'error' },
    ],
    [
      'toolResult of more than one text',
      { toolResult: { toolUseId: 'a', content: [{ json: { x: 1 } }] } },
      { type: 'tool_call_response', id: 'a', response: [{ json: { x: 1 } }] },
    ],
    [
      'toolResult without content',
      { toolResult: { toolUseId: 'a' } },
      { type: 'tool_call_response', id: 'a', response: '' },
    ],
    [
      'result of a tool of the server',
      { toolResult: { toolUseId: 'a', type: 'grounding', content: [{ json: 1 }] } },
      {
        type: 'server_tool_call_response',
        id: 'a',
        server_tool_call_response: { type: 'grounding', content: [{ json: 1 }] },
      },
    ],
    [
      'image',
      { image: { format: 'png', source: { bytes: 'AA==' } } },
      { type: 'blob', modality: 'image', format: 'png', mime_type: 'image/png', content: 'AA==' },
    ],
    [
      'document',
      { document: { format: 'pdf', name: 'd', source: { bytes: 'AA==' }, citations: {} } },
      {
        type: 'blob',
        modality: 'document',
        format: 'pdf',
        name: 'd',
        mime_type: 'application/pdf',
        content: 'AA==',
        citations: {},
      },
    ],
    [
      'video in S3',
      { video: { format: 'mp4', source: { s3Location: location } } },
      { type: 'uri', modality: 'video', format: 'mp4', mime_type: 'video/mp4', ...location },
    ],
    [
      'document that is a text',
      { document: { name: 'd', source: { text: 'x' } } },
      { type: 'document', document: { name: 'd', source: { text: 'x' } } },
    ],
    [
      'reasoning',
      { reasoningContent: { reasoningText: { text: 'x', signature: 's' } } },
      { type: 'reasoning', content: 'x', signature: 's' },
    ],
    [
      'redacted reasoning',
      { reasoningContent: { redactedContent: 'AA==' } },
      { type: 'reasoningContent', reasoningContent: { redactedContent: 'AA==' } },
    ],
    [
      'guardContent',
      { guardContent: { text: { text: 'x', qualifiers: ['query'] } } },
      { type: 'text', content: 'x', qualifiers: ['query'], guardContent: {} },
    ],
    [
      'citationsContent',
      {
        citationsContent: { content: [{ text: 'x' }, { text: 'y' }], citations: [{ title: 't' }] },
      },
      { type: 'text', content: 'xy', citations: [{ title: 't' }] },
    ],
    [
      'cachePoint',
      { cachePoint: { type: 'default' } },
      { type: 'cachePoint', cachePoint: { type: 'default' } },
    ],
    ['unknown', { brandNew: { a: 1 }, b: 2 }, { type: 'brandNew', brandNew: { a: 1 }, b: 2 }],
    ['a type', { type: 'other', text: 'x' }, { type: 'other', text: 'x' }],
    ['nothing', {}, { type: 'unknown' }],
    ['no object', 7, { type: 'unknown', value: 7 }],
  ] as const)('%s', ([, sent, part]) => {
    const call = asked([{ role: 'user', content: [sent], more: 1 }])
    expect(parse(call.inputMessages)).toEqual([{ role: 'user', parts: [part], more: 1 }])
  })
})

describe('every kind of delta is put together', () => {
  const partsOf = (...events: Event[]) =>
    parse(answered([...events, ['messageStop', { stopReason: 'end_turn' }]]).outputMessages)[0]
      .parts
  test('citations', () => {
    expect(
      partsOf(
        delta(0, { text: 'x' }),
        delta(0, { citation: { title: '1' } }),
        delta(0, { citation: { title: '2' } }),
      ),
    ).toEqual([{ type: 'text', content: 'x', citations: [{ title: '1' }, { title: '2' }] }])
  })
  test('redacted reasoning in two pieces', () => {
    const piece = (text: string) =>
      delta(0, { reasoningContent: { redactedContent: Buffer.from(text).toString('base64') } })
    expect(partsOf(piece('ab'), piece('cd'))).toEqual([
      {
        type: 'reasoningContent',
        reasoningContent: { redactedContent: Buffer.from('abcd').toString('base64') },
      },
    ])
  })
  test('a tool of the server, and its result', () => {
    const toolUse = { toolUseId: 'a', name: 'n', type: 'server_tool_use' }
    const toolResult = { toolUseId: 'a', type: 'n_result', status: 'success' }
    const events: Event[] = [
      ['contentBlockStart', { contentBlockIndex: 0, start: { toolUse } }],
      delta(0, { toolUse: { input: '{"q":1}' } }),
      stop(0),
      ['contentBlockStart', { contentBlockIndex: 1, start: { toolResult } }],
      delta(1, { toolResult: [{ json: { a: 1 } }] }),
      delta(1, { toolResult: [{ text: 'b' }] }),
      stop(1),
    ]
    expect(partsOf(...events)).toEqual([
      {
        type: 'server_tool_call',
        id: 'a',
        name: 'n',
        server_tool_call: { type: 'n', input: { q: 1 } },
      },
      {
        type: 'server_tool_call_response',
        id: 'a',
        status: 'success',
        server_tool_call_response: {
          type: 'n_result',
          content: [{ json: { a: 1 } }, { text: 'b' }],
        },
      },
    ])
    expect(answered(events).toolCalls).toEqual([])
  })
  test('an image', () => {
    const start = { image: { format: 'png' } }
    expect(
      partsOf(
        ['contentBlockStart', { contentBlockIndex: 0, start }],
        delta(0, { image: { source: { bytes: 'AA==' } } }),
      ),
    ).toEqual([
      { type: 'blob', modality: 'image', format: 'png', mime_type: 'image/png', content: 'AA==' },
    ])
  })
  test('unknown kinds of events, blocks and deltas', () => {
    expect(
      partsOf(
        ['brandNewEvent', { anything: 1 }],
        ['contentBlockStart', { contentBlockIndex: 0, start: { brandNew: { a: 1 } } }],
        delta(0, { brandNewDelta: { b: 2 } }),
      ),
    ).toEqual([{ type: 'brandNew', brandNew: { a: 1 }, deltas: [{ brandNewDelta: { b: 2 } }] }])
  })
  test('blocks that come out of order', () => {
    expect(partsOf(delta(1, { text: 'one' }), delta(0, { text: 'zero' }))).toEqual([
      { type: 'text', content: 'zero' },
      { type: 'text', content: 'one' },
    ])
  })
})

describe('a stream that was cut', () => {
  test('maps at every byte, and has no more text than came', () => {
    const text = map().answerText
    const metadata = wireBytes(answerWithTools.slice(-1)).length
    let last = 0
    for (let end = 0; end <= whole.length; end += 1) {
      const call = map({
        responseBody: whole.subarray(0, end),
        isComplete: false,
        error: 'ECONNRESET',
      })
      expect(text.startsWith(call.answerText)).toBe(true)
      expect(call.answerText.length).toBeGreaterThanOrEqual(last)
      last = call.answerText.length
      const isOver = end >= whole.length - metadata
      expect(call.errorType).toBe(isOver ? undefined : 'ECONNRESET')
      if (call.outputMessages !== undefined) JSON.parse(call.outputMessages)
    }
    expect(last).toBe(text.length)
  })

  test('keeps half a tool call, with finish reason error and no usage', () => {
    const call = answered(answerWithTools.slice(0, 12), { isComplete: false })
    const [message] = parse(call.outputMessages)
    expect(message.finish_reason).toBe('error')
    expect(message.parts.at(-1)).toEqual({
      type: 'tool_call',
      id: 'tooluse_01',
      name: 'read_file',
      arguments: '{"pa',
    })
    expect(call).toMatchObject({ errorType: 'incomplete_response', usage: {} })
  })
})

describe('errors', () => {
  const half: Event[] = [delta(0, { text: 'half' })]
  test.for([
    [
      'an exception in a stream',
      exceptionMessage('throttlingException', 'Too many tokens'),
      'throttlingException',
      'Too many tokens',
    ],
    [
      'an error the service does not define',
      errorMessage('InternalFailure', 'Broken'),
      'InternalFailure',
      'Broken',
    ],
  ] as const)('%s', ([, bytes, type, text]) => {
    const body = Buffer.concat([wireBytes(half), bytes])
    expect(map({ responseBody: body })).toMatchObject({
      errorType: type,
      errorMessage: text,
      finishReasons: ['error'],
      answerText: 'half',
    })
    const watcher = bedrockConverse.watch({ contentType: stream[0][1], contentEncoding: undefined })
    for (const byte of body) watcher.push(Uint8Array.of(byte))
    watcher.end()
    expect(watcher.hasError).toBe(true)
  })

  test.for([
    ['ValidationException:http://internal.amazon.com/coral/', '{"message":"No such model"}'],
    ['ValidationException', '{"Message":"No such model"}'],
    [undefined, '{"__type":"com.amazon#ValidationException","message":"No such model"}'],
  ] as const)('a refusal with the header %s', ([type, body]) => {
    const responseHeaders =
      type === undefined ? json : ([...json, ['x-amzn-ErrorType', type]] as const)
    const call = answeredJson(body, { status: 400, responseHeaders })
    expect(call).toMatchObject({
      errorType: 'ValidationException',
      errorMessage: 'No such model',
      finishReasons: ['error'],
      answerText: '',
    })
  })

  test('a proxy’s page', () => {
    const call = answeredJson('<html>Bad Gateway</html>', { status: 502 })
    expect(call).toMatchObject({ errorType: '502', errorMessage: '<html>Bad Gateway</html>' })
  })
})

describe('every tool call of a stream is found once, whatever the pieces', () => {
  test.for([1, 2, 3, 7, 64, 1_000, whole.length])('of %i bytes', (size) => {
    const watcher = bedrockConverse.watch({ contentType: stream[0][1], contentEncoding: undefined })
    const seen = []
    for (let at = 0; at < whole.length; at += size) {
      seen.push(...watcher.push(whole.subarray(at, at + size)))
    }
    seen.push(...watcher.end())
    expect(seen).toEqual(calls)
    expect(watcher.hasError).toBe(false)
  })
})

test('a tool call is found when its block is complete, and not if it never is', () => {
  const watcher = bedrockConverse.watch({ contentType: stream[0][1], contentEncoding: undefined })
  const events = [...tool(0, 'a', 'n', '{"x":', '1}'), ...tool(1, 'b', 'n', '{').slice(0, -1)]
  const found = events.map((event) => watcher.push(wireBytes([event])).length)
  expect(found).toEqual([0, 0, 0, 1, 0, 0])
  expect(watcher.end()).toEqual([])
})

test('the tool calls of a JSON answer are found at its end', () => {
  const watcher = bedrockConverse.watch({ contentType: 'application/json', contentEncoding: '' })
  const text =
    '{"output":{"message":{"content":[{"toolUse":{"toolUseId":"a","name":"n","input":{ "x" : 1.0 }}},{"text":"\\"toolUse\\""}]}}}'
  expect(watcher.push(Buffer.from(text))).toEqual([])
  expect(watcher.end()).toEqual([{ id: 'a', name: 'n', arguments: '{ "x" : 1.0 }' }])
})

describe('results of tools', () => {
  const result = { toolResult: { toolUseId: 'tooluse_1', content: [{ text: 'done' }] } }
  const messages = [
    { role: 'user', content: [{ text: 'do it' }] },
    { role: 'assistant', content: [{ toolUse: { toolUseId: 'tooluse_1', name: 'n', input: {} } }] },
    {
      role: 'user',
      content: [
        result,
        {
          toolResult: {
            toolUseId: 'tooluse_2',
            content: [{ text: '1' }, { json: 2 }],
            status: 'error',
          },
        },
        { toolResult: { toolUseId: 'tooluse_3', content: [] } },
        { cachePoint: { type: 'default' } },
      ],
    },
  ]
  const body = Buffer.from(JSON.stringify({ ...request, messages }))

  test('are found with their text, or as JSON if they are more than one', () => {
    const call = asked(messages)
    expect(call.toolResults).toEqual([
      { callId: 'tooluse_1', isError: false, content: 'done' },
      { callId: 'tooluse_2', isError: true, content: '[{"text":"1"},{"json":2}]' },
      { callId: 'tooluse_3', isError: false, content: '' },
    ])
    expect(call.lastUserText).toBe('do it')
    expect(bedrockConverse.lastResults(body)).toEqual(call.toolResults)
  })

  test('are matched to their calls', () => {
    const open = ['tooluse_1', 'tooluse_9', undefined].map((id) => ({ id, name: 'n' }))
    expect(bedrockConverse.findAnswered(body, open).map(({ id }) => id)).toEqual(['tooluse_1'])
  })

  test.for([
    ['a text beside them', [{ role: 'user', content: [result, { text: 'hi' }] }]],
    ['a text', [{ role: 'user', content: [{ text: 'hi' }] }]],
    ['nothing', []],
  ] as const)('a request that ends with %s does not end with results', ([, last]) => {
    const bytes = Buffer.from(JSON.stringify({ messages: last }))
    expect(bedrockConverse.lastResults(bytes)).toBeUndefined()
  })
})

test('a history is the same wherever the marks of the cache are', () => {
  const content = [{ text: 'hi' }]
  const mark = { cachePoint: { type: 'default' } }
  const history = (blocks: object[]) =>
    bedrockConverse.history(
      Buffer.from(JSON.stringify({ ...request, messages: [{ role: 'user', content: blocks }] })),
    )
  expect(history([...content, mark])).toEqual(history(content))
  expect(history(content)).toMatchObject({
    messages: ['{"role":"user","content":[{"text":"hi"}]}'],
  })
})

test.each([
  [{ tool: { name: 'json' } }, true],
  [{ any: {} }, false],
  [{ auto: {} }, false],
  [undefined, false],
])('the choice %j forces a tool: %s', (toolChoice, isForced) => {
  const body = JSON.stringify({ ...request, toolConfig: { tools: [], toolChoice } })
  expect(bedrockConverse.forcesTool(body)).toBe(isForced)
  expect(bedrockConverse.forcesTool(Buffer.from(body, 'utf8'))).toBe(isForced)
})

describe('which requests are model calls', () => {
  const arn = encodeURIComponent('arn:aws:bedrock:us-east-1:1:application-inference-profile/abc')
  test.for([
    ['POST', `${host}/model/${modelId}/converse`, 'yes'],
    ['post', `${host}/model/meta.llama3-8b-instruct-v1%3A0/converse-stream`, 'yes'],
    ['POST', `${host}/model/my-model/converse`, 'yes'],
    ['POST', `https://proxy.example/bedrock/model/${arn}/converse`, 'yes'],
    ['POST', 'https://proxy.example/model/amazon.nova-lite-v1:0/converse', 'yes'],
    ['POST', 'https://vpce-1.bedrock-runtime.us-east-1.vpce.amazonaws.com/model/x/converse', 'yes'],
    ['POST', 'https://bedrock-runtime.cn-north-1.amazonaws.com.cn/model/x/converse', 'yes'],
    ['POST', `${host}/model/amazon.nova-lite-v1:0/invoke`, 'yes'],
    ['POST', 'https://app.example/model/mine/converse', 'by body'],
    ['POST', `${host}/model/amazon.nova-canvas-v1:0/invoke`, 'no'],
    ['POST', `${host}/model/${modelId}/count-tokens`, 'no'],
    ['POST', `${host}/model/${modelId}/async-invoke`, 'no'],
    ['GET', `${host}/model/${modelId}/converse`, 'no'],
    ['POST', `${host}/model//converse`, 'no'],
    ['POST', `${host}/converse`, 'no'],
  ] as const)('%s %s: %s', ([method, url, expected]) => {
    const parsed = URL.parse(url)
    const isCertain = findModelApi(method, parsed) === bedrockConverse
    const isPossible = findPossibleApis(method, parsed).includes(bedrockConverse)
    expect(isCertain ? 'yes' : isPossible ? 'by body' : 'no').toBe(expected)
  })

  test.for([
    [request, true],
    [{ messages: [{ role: 'user', content: 'hi' }] }, false],
    [{ messages: [{ role: 'user', content: [{ type: 'text', text: 'hi' }] }] }, false],
    [{ messages: [{ role: 'tool', content: [{ text: 'hi' }] }] }, false],
    [{ messages: [] }, false],
    [{}, false],
    [[], false],
  ] as const)('the body %j: %s', ([body, expected]) => {
    expect(bedrockConverse.isRequest(Buffer.from(JSON.stringify(body)))).toBe(expected)
  })
})

test('what is not JSON is recorded as text', () => {
  const call = answeredJson('{"output":{"mess', {
    requestBody: Buffer.from('{"messages": [{'),
    isComplete: false,
  })
  expect(call.requestText).toBe('{"messages": [{')
  expect(parse(call.outputMessages)[0].parts).toEqual([
    { type: 'text', content: '{"output":{"mess' },
  ])
  expect(call.errorType).toBe('incomplete_response')
})

test('what is nested too deeply to be written again is recorded as text', () => {
  const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`
  const requestText = `{"messages":${deep}}`
  const text = `{"output":{"message":{"content":[{"toolUse":{"toolUseId":"a","name":"n","input":${deep}}}]}},"stopReason":"tool_use"}`
  const call = answeredJson(text, { requestBody: Buffer.from(requestText) })
  expect(call.requestText).toBe(requestText)
  expect(call.toolCalls).toEqual([{ id: 'a', name: 'n', arguments: deep }])
  expect(parse(call.outputMessages)[0].parts).toEqual([{ type: 'text', content: text }])
})

describe('nothing that parses makes it throw', () => {
  const values = [
    null,
    true,
    7,
    'x',
    [],
    [null],
    {},
    { type: 7 },
    [[1]],
    { text: 7 },
    { toolUse: 7 },
  ]
  test.for(values.map((value) => [JSON.stringify(value), value] as const))('%s', ([, value]) => {
    const bodies = [
      value,
      {
        messages: value,
        system: value,
        inferenceConfig: value,
        toolConfig: value,
        additionalModelRequestFields: value,
      },
      {
        messages: [{ role: value, content: value }],
        toolConfig: { tools: value },
        additionalModelRequestFields: { tools: value },
      },
    ]
    const answers = [value, { output: value, usage: value }, { output: { message: value } }]
    const contents = { output: { message: { content: value } }, stopReason: value, trace: value }
    for (const body of bodies) {
      const bytes = Buffer.from(JSON.stringify(body))
      for (const answer of [...answers, contents]) {
        answeredJson(JSON.stringify(answer), { url: 'not a URL', requestBody: bytes })
      }
      bedrockConverse.lastResults(bytes)
      bedrockConverse.history(bytes)
      bedrockConverse.isRequest(bytes)
    }
    const kinds = ['contentBlockStart', 'contentBlockDelta', 'contentBlockStop', 'messageStop']
    for (const kind of [...kinds, 'metadata', 'chunk', '']) {
      const members = { start: value, delta: value, usage: value, trace: value, stopReason: value }
      for (const index of [value, 0]) {
        const events: Event[] = [
          [kind, { contentBlockIndex: index, ...members }],
          delta(0, { toolUse: value, reasoningContent: value, toolResult: value, image: value }),
          delta(0, { text: value, citation: value }),
          ...tool(0, 'a', 'b', '{'),
        ]
        answered(events)
        const watcher = bedrockConverse.watch({
          contentType: stream[0][1],
          contentEncoding: undefined,
        })
        watcher.push(wireBytes(events))
      }
    }
  })
})
