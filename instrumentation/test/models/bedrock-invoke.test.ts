import { describe, expect, test } from 'vitest'
import { bedrockInvoke } from '../../src/models/bedrock/invoke.ts'
import type { WireExchange } from '../../src/models/model-api.ts'
import { findModelApi, findPossibleApis } from '../../src/models/model-apis.ts'
import { bytesOf, hasWatchedError, mapsAtEveryByte, watchedCalls } from './api-checks.ts'
import { chunkMessage, exceptionMessage } from './event-stream.ts'

const host = 'https://bedrock-runtime.us-east-1.amazonaws.com'
const llama = 'meta.llama3-8b-instruct-v1:0'
const requestText = '{"prompt":"hi","max_gen_len":9}'
const stream = [['content-type', 'application/vnd.amazon.eventstream']] as const
const json = [
  ['content-type', 'application/json'],
  ['X-Amzn-Bedrock-Input-Token-Count', '5'],
  ['X-Amzn-Bedrock-Output-Token-Count', '7'],
] as const

function map(responseBody: Buffer | string, parts: Partial<WireExchange> = {}) {
  return bedrockInvoke.map({
    url: `${host}/model/${encodeURIComponent(llama)}/invoke`,
    requestBody: Buffer.from(requestText),
    status: 200,
    responseHeaders: json,
    responseBody: Buffer.from(responseBody),
    isComplete: true,
    ...parts,
  })
}

test.for([
  ['meta.llama3-8b-instruct-v1:0/invoke', true],
  ['us.meta.llama4-scout-17b-instruct-v1%3A0/invoke-with-response-stream', true],
  ['amazon.titan-text-express-v1/invoke', true],
  ['cohere.command-r-v1:0/invoke', true],
  ['mistral.mistral-7b-instruct-v0:2/invoke', true],
  ['openai.gpt-oss-120b-1:0/invoke', true],
  [
    'arn%3Aaws%3Abedrock%3Aus-east-1%3A%3Afoundation-model%2Fai21.jamba-1-5-mini-v1%3A0/invoke',
    true,
  ],
  ['anthropic.claude-3-haiku-20240307-v1:0/invoke', false],
  ['amazon.nova-lite-v1:0/invoke', false],
  ['amazon.titan-embed-text-v2:0/invoke', false],
  ['amazon.titan-image-generator-v2:0/invoke', false],
  ['cohere.embed-english-v3/invoke', false],
  ['cohere.rerank-v3-5:0/invoke', false],
  ['stability.sd3-5-large-v1:0/invoke', false],
  ['meta.llama3-8b-instruct-v1:0/converse', false],
  ['meta.llama3-8b-instruct-v1:0/count-tokens', false],
  ['my-own-model/invoke', false],
] as const)('%s is a call of such a model: %s', ([path, expected]) => {
  const api = findModelApi('POST', URL.parse(`${host}/model/${path}`))
  expect(api === bedrockInvoke).toBe(expected)
})

interface Case {
  readonly request: object
  readonly messages: readonly object[]
  readonly instructions?: readonly object[]
  readonly answer: object
  /** The events of the same answer, streamed. */
  readonly events: readonly object[]
  readonly parts: readonly object[]
  readonly reason: string
  readonly usage?: object
  readonly tools?: readonly object[]
}

const asked = (content: string) => ({ role: 'user', parts: [{ type: 'text', content }] })
const hello = [{ type: 'text', content: 'Grüße' }]
const messages = [
  { role: 'system', content: 'Be brief.' },
  { role: 'user', content: 'hi' },
]
const call = {
  id: 'c1',
  type: 'function',
  function: { name: 'weather', arguments: '{"in":"Rome"}' },
}
const callPart = { type: 'tool_call', id: 'c1', name: 'weather', arguments: { in: 'Rome' } }
const chatRequest = {
  messages,
  max_tokens: 9,
  tools: [{ type: 'function', function: { name: 'weather' } }],
}
const ofChat = {
  request: chatRequest,
  messages: [asked('hi')],
  instructions: [{ type: 'text', content: 'Be brief.' }],
}
const ofPrompt = { request: { prompt: 'hi', max_tokens: 9 }, messages: [asked('hi')] }
const usage = {
  prompt_tokens: 3,
  completion_tokens: 4,
  prompt_tokens_details: { cached_tokens: 1 },
}

const cases: Readonly<Record<string, Case>> = {
  Llama: {
    request: { prompt: 'hi', max_gen_len: 9 },
    messages: [asked('hi')],
    answer: {
      generation: 'Grüße',
      prompt_token_count: 3,
      generation_token_count: 4,
      stop_reason: 'length',
    },
    events: [
      { generation: 'Grü', prompt_token_count: 3, generation_token_count: 1, stop_reason: null },
      {
        generation: 'ße',
        prompt_token_count: null,
        generation_token_count: 4,
        stop_reason: 'length',
      },
    ],
    parts: hello,
    reason: 'length',
    usage: { inputTokens: 3, outputTokens: 4 },
  },
  Titan: {
    request: { inputText: 'hi', textGenerationConfig: { maxTokenCount: 9 } },
    messages: [asked('hi')],
    answer: {
      inputTextTokenCount: 3,
      results: [{ tokenCount: 4, outputText: 'Grüße', completionReason: 'FINISH' }],
    },
    events: [
      { outputText: 'Grü', index: 0, completionReason: null, inputTextTokenCount: 3 },
      { outputText: 'ße', index: 0, totalOutputTextTokenCount: 4, completionReason: 'FINISH' },
    ],
    parts: hello,
    reason: 'FINISH',
    usage: { inputTokens: 3, outputTokens: 4 },
  },
  'Mistral, of texts': {
    ...ofPrompt,
    answer: { outputs: [{ text: 'Grüße', stop_reason: 'stop' }] },
    events: [
      { outputs: [{ text: 'Grü', stop_reason: null }] },
      { outputs: [{ text: 'ße', stop_reason: 'stop' }] },
    ],
    parts: hello,
    reason: 'stop',
  },
  'DeepSeek, of texts': {
    ...ofPrompt,
    answer: { choices: [{ text: 'Grüße', stop_reason: 'stop' }] },
    events: [
      { choices: [{ text: 'Grü', stop_reason: null }] },
      { choices: [{ text: 'ße', stop_reason: 'stop' }] },
    ],
    parts: hello,
    reason: 'stop',
  },
  Command: {
    ...ofPrompt,
    answer: { generations: [{ id: 'g', text: 'Grüße', finish_reason: 'COMPLETE' }], id: 'r' },
    events: [
      { text: 'Grü', is_finished: false },
      { text: 'ße', is_finished: false },
      { is_finished: true, finish_reason: 'COMPLETE' },
    ],
    parts: hello,
    reason: 'COMPLETE',
  },
  Jurassic: {
    request: { prompt: 'hi', maxTokens: 9 },
    messages: [asked('hi')],
    answer: { completions: [{ data: { text: 'Grüße' }, finishReason: { reason: 'endoftext' } }] },
    events: [],
    parts: hello,
    reason: 'endoftext',
  },
  'Mistral, of messages': {
    ...ofChat,
    answer: {
      choices: [
        {
          index: 0,
          message: { role: 'assistant', content: '', tool_calls: [call] },
          stop_reason: 'tool_calls',
        },
      ],
    },
    events: [
      { choices: [{ index: 0, message: { role: 'assistant', content: '' }, stop_reason: null }] },
      {
        choices: [
          { index: 0, message: { tool_calls: [{ index: 0, ...call }] }, stop_reason: 'tool_calls' },
        ],
      },
    ],
    parts: [callPart],
    reason: 'tool_calls',
    tools: [{ id: 'c1', name: 'weather', arguments: '{"in":"Rome"}' }],
  },
  'gpt-oss': {
    ...ofChat,
    answer: {
      id: 'r',
      object: 'chat.completion',
      choices: [
        {
          index: 0,
          message: { role: 'assistant', reasoning: 'They greet.', content: 'Grüße' },
          finish_reason: 'stop',
        },
      ],
      usage,
    },
    events: [
      { id: 'r', choices: [{ index: 0, delta: { role: 'assistant', reasoning: 'They greet.' } }] },
      { id: 'r', choices: [{ index: 0, delta: { content: 'Grü' }, finish_reason: null }] },
      { id: 'r', choices: [{ index: 0, delta: { content: 'ße' }, finish_reason: 'stop' }], usage },
    ],
    parts: [{ type: 'reasoning', content: 'They greet.' }, ...hello],
    reason: 'stop',
    usage: { inputTokens: 3, outputTokens: 4, cacheReadInputTokens: 1 },
  },
  Jamba: {
    ...ofChat,
    answer: {
      id: 'r',
      choices: [
        {
          index: 0,
          message: { role: 'assistant', content: 'Grüße', tool_calls: null },
          finish_reason: 'stop',
        },
      ],
      usage,
    },
    events: [
      {
        id: 'r',
        choices: [{ index: 0, delta: { role: 'assistant', content: '' }, finish_reason: null }],
      },
      {
        id: 'r',
        choices: [{ index: 0, delta: { content: 'Grüße' }, finish_reason: 'stop' }],
        usage,
      },
    ],
    parts: hello,
    reason: 'stop',
    usage: { inputTokens: 3, outputTokens: 4, cacheReadInputTokens: 1 },
  },
  'Command R': {
    request: {
      message: 'hi',
      preamble: 'Be brief.',
      chat_history: [
        { role: 'USER', message: 'hello' },
        { role: 'CHATBOT', message: 'Hello.' },
      ],
      tools: [{ name: 'weather', description: 'Tells it', parameter_definitions: {} }],
    },
    messages: [
      asked('hello'),
      { role: 'assistant', parts: [{ type: 'text', content: 'Hello.' }] },
      asked('hi'),
    ],
    instructions: [{ type: 'text', content: 'Be brief.' }],
    answer: {
      response_id: 'r',
      text: 'Grüße',
      generation_id: 'g',
      finish_reason: 'COMPLETE',
      tool_calls: [{ name: 'weather', parameters: { in: 'Rome' } }],
    },
    events: [
      { is_finished: false, event_type: 'stream-start', generation_id: 'g' },
      { is_finished: false, event_type: 'text-generation', text: 'Grü' },
      { is_finished: false, event_type: 'text-generation', text: 'ße' },
      {
        is_finished: false,
        event_type: 'tool-calls-generation',
        tool_calls: [{ name: 'weather', parameters: { in: 'Rome' } }],
      },
      {
        is_finished: true,
        event_type: 'stream-end',
        finish_reason: 'COMPLETE',
        response: { text: 'Grüße', tool_calls: [{ name: 'weather', parameters: { in: 'Rome' } }] },
      },
    ],
    parts: [...hello, { type: 'tool_call', name: 'weather', arguments: { in: 'Rome' } }],
    reason: 'COMPLETE',
    tools: [{ name: 'weather', arguments: '{"in":"Rome"}' }],
  },
}

const metrics = { 'amazon-bedrock-invocationMetrics': { inputTokenCount: 5, outputTokenCount: 7 } }

describe.each(Object.entries(cases))('%s', (_, each) => {
  const { request, instructions, answer, events, parts, reason, tools = [] } = each
  const requestBody = Buffer.from(JSON.stringify(request))
  const expected = {
    usage: each.usage ?? { inputTokens: 5, outputTokens: 7 },
    finishReasons: [reason],
    toolCalls: tools,
  }

  function check(call: ReturnType<typeof map>): void {
    expect(call).toMatchObject(expected)
    expect(call).not.toHaveProperty('errorType')
    expect(JSON.parse(call.inputMessages ?? 'null')).toEqual(each.messages)
    expect(JSON.parse(call.systemInstructions ?? '[]')).toEqual(instructions ?? [])
    expect(JSON.parse(call.outputMessages ?? 'null')).toEqual([
      { role: 'assistant', parts, finish_reason: reason },
    ])
    expect(call.attributes).toMatchObject({
      'gen_ai.provider.name': 'aws.bedrock',
      'gen_ai.request.model': llama,
    })
  }

  test('JSON', () => {
    check(map(JSON.stringify(answer), { requestBody }))
    expect(watchedCalls(bedrockInvoke, 'application/json', bytesOf(answer), 3)).toEqual(tools)
  })

  test.skipIf(events.length === 0)('a stream', () => {
    const body = Buffer.concat([...events, metrics].map(chunkMessage))
    check(map(body, { requestBody, responseHeaders: stream }))
    expect(watchedCalls(bedrockInvoke, stream[0][1], body, 50)).toEqual(tools)
    mapsAtEveryByte(bedrockInvoke, {
      url: `${host}/model/${llama}/invoke-with-response-stream`,
      requestBody,
      status: 200,
      responseHeaders: stream,
      responseBody: body,
      isComplete: true,
    })
  })
})

test('a stream that was cut says so, and an exception in it is the error', () => {
  const first = chunkMessage({ generation: 'Grü' })
  const cut = map(first, { responseHeaders: stream, isComplete: false })
  expect(cut).toMatchObject({ errorType: 'incomplete_response', answerText: 'Grü' })
  const bytes = Buffer.concat([first, exceptionMessage('modelStreamErrorException', 'Broken')])
  const failed = map(bytes, { responseHeaders: stream })
  expect(failed).toMatchObject({ errorType: 'modelStreamErrorException', errorMessage: 'Broken' })
  expect(hasWatchedError(bedrockInvoke, stream[0][1], bytes)).toBe(true)
})

test('a body of no known model is the text that it is', () => {
  const requestBody = Buffer.from('{"question":"hi"}')
  const call = map('{"answer":["hello"]}', { requestBody })
  expect(call).toMatchObject({
    requestText: '{"question":"hi"}',
    answerText: '{"answer":["hello"]}',
  })
  const streamed = map(chunkMessage({ answer: 'hello' }), { requestBody, responseHeaders: stream })
  expect(streamed.answerText).toBe('{"answer":"hello"}')
})

test('a body of no known model says so, and nothing that is not known of it', () => {
  const name = 'turnlog.model_call.not_understood'
  const requestBody = Buffer.from('{"question":"hi"}')
  const metrics = { 'amazon-bedrock-invocationMetrics': { inputTokenCount: 3 } }
  const body = Buffer.concat([{ answer: 'hello' }, metrics].map(chunkMessage))
  for (const call of [
    map('{"answer":["hello"]}', { requestBody }),
    map(body, { requestBody, responseHeaders: stream }),
  ]) {
    expect(call.attributes[name]).toEqual(['request', 'answer'])
    expect(call.finishReasons).toEqual([])
    expect(call).not.toHaveProperty('errorType')
    expect(JSON.parse(call.outputMessages ?? '')).toMatchObject([{ finish_reason: 'unknown' }])
  }
  expect(map('{"answer":1,"finishReason":"stop"}').finishReasons).toEqual(['stop'])
  expect(map('{"generation":"x"}').attributes).not.toHaveProperty(name)
})

test('the results of tools are found, with ids and without', () => {
  const open = [
    { id: 'c1', name: 'weather' },
    { id: undefined, name: 'time' },
  ]
  const ofChat = {
    messages: [
      ...messages,
      { role: 'assistant', tool_calls: [call] },
      { role: 'tool', tool_call_id: 'c1', content: 'sunny' },
    ],
  }
  const tool_results = [{ call: { name: 'time', parameters: {} }, outputs: [{ text: 'noon' }] }]
  const ofCommand = { message: '', tool_results }
  expect(bedrockInvoke.findAnswered(bytesOf(ofChat), open)).toEqual([open[0]])
  expect(bedrockInvoke.findAnswered(bytesOf(ofCommand), open)).toEqual([open[1]])
  expect(bedrockInvoke.lastResults(bytesOf(ofChat))).toEqual([
    { callId: 'c1', isError: false, content: 'sunny' },
  ])
  const mapped = map('{"text":"At noon."}', { requestBody: bytesOf(ofCommand) })
  expect(mapped.toolResults).toEqual([
    { name: 'time', isError: false, content: '[{"text":"noon"}]' },
  ])
})

describe('a model that its address does not name is known by the body', () => {
  const url = `${host}/model/${encodeURIComponent('arn:aws:bedrock:us-east-1:1:application-inference-profile/abc')}/invoke`
  test.for([
    [
      'anthropic',
      {
        anthropic_version: 'bedrock-2023-05-31',
        max_tokens: 9,
        messages: [{ role: 'user', content: 'hi' }],
      },
    ],
    ['bedrock-converse', { messages: [{ role: 'user', content: [{ text: 'hi' }] }] }],
    ['bedrock-invoke', { messages: [{ role: 'user', content: 'hi' }], max_tokens: 9 }],
    ['bedrock-invoke', { prompt: 'hi', max_gen_len: 9 }],
    ['bedrock-invoke', { inputText: 'hi' }],
    ['bedrock-invoke', { message: 'hi' }],
    [undefined, { texts: ['hi'] }],
  ] as const)('%s: %j', ([name, body]) => {
    const found = findPossibleApis('POST', URL.parse(url)).find((api) =>
      api.isRequest(bytesOf(body)),
    )
    expect(found?.name.replace('-messages', '')).toBe(name)
  })
})

test('a refusal has its type and its message', () => {
  const responseHeaders = [
    ...json,
    ['x-amzn-errortype', 'AccessDeniedException:http://x/'],
  ] as const
  const call = map('{"message":"No access"}', { status: 403, responseHeaders })
  expect(call).toMatchObject({ errorType: 'AccessDeniedException', errorMessage: 'No access' })
})

test.for(['null', '7', '[]', '{"results":7}', '{"results":[null]}', '{"a":', '', '\xff'])(
  'the bytes %j throw nothing',
  (text) => {
    map(text)
    map(text, { requestBody: Buffer.from(text), url: 'not a URL' })
    map(chunkMessage([text]), { responseHeaders: stream })
    map(text, { responseHeaders: stream })
  },
)
