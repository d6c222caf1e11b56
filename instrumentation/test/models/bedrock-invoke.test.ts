import { describe, expect, test } from 'vitest'
import { bedrockInvoke } from '../../src/models/bedrock/invoke.ts'
import type { WireExchange } from '../../src/models/model-api.ts'
import { findModelApi } from '../../src/models/model-apis.ts'
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

describe('an answer is recorded as its text, with the reason why it stopped', () => {
  test.for([
    ['Llama', { generation: 'hello', stop_reason: 'length' }, 'length'],
    ['Titan', { results: [{ outputText: 'hello', completionReason: 'FINISH' }] }, 'FINISH'],
    ['Mistral', { outputs: [{ text: 'hello', stop_reason: 'stop' }] }, 'stop'],
    ['Cohere', { generations: [{ text: 'hello', finish_reason: 'COMPLETE' }] }, 'COMPLETE'],
    ['Jamba', { choices: [{ message: {}, finish_reason: 'stop' }] }, 'stop'],
    ['none', { text: 'hello' }, 'stop'],
  ] as const)('%s', ([, answer, reason]) => {
    const text = JSON.stringify(answer)
    const call = map(text)
    expect(call).toMatchObject({
      requestText,
      answerText: text,
      finishReasons: [reason],
      usage: { inputTokens: 5, outputTokens: 7 },
      toolCalls: [],
    })
    expect(call).not.toHaveProperty('errorType')
    expect(call.attributes).toMatchObject({
      'gen_ai.provider.name': 'aws.bedrock',
      'gen_ai.request.model': llama,
      'gen_ai.request.stream': false,
    })
  })
})

describe('a stream', () => {
  const first = { generation: 'Grü' }
  const events = [
    first,
    { generation: 'ße', stop_reason: 'stop' },
    { 'amazon-bedrock-invocationMetrics': { inputTokenCount: 5, outputTokenCount: 7 } },
  ]
  const lines = events.map((event) => JSON.stringify(event)).join('\n')
  const body = Buffer.concat(events.map(chunkMessage))

  test('is recorded as its events, one on each line', () => {
    const call = map(body, { responseHeaders: stream })
    expect(call).toMatchObject({
      answerText: lines,
      finishReasons: ['stop'],
      usage: { inputTokens: 5, outputTokens: 7 },
    })
    expect(call).not.toHaveProperty('errorType')
  })
  test('that was cut has the events that came, at every byte', () => {
    for (let end = 0; end <= body.length; end += 1) {
      const call = map(body.subarray(0, end), { responseHeaders: stream, isComplete: false })
      expect(lines.startsWith(call.answerText)).toBe(true)
    }
    const cut = map(chunkMessage(first), { responseHeaders: stream, isComplete: false })
    expect(cut).toMatchObject({ errorType: 'incomplete_response', finishReasons: ['error'] })
  })
  test('may end in an exception, which the watcher sees', () => {
    const bytes = Buffer.concat([
      chunkMessage(first),
      exceptionMessage('modelStreamErrorException', 'Broken'),
    ])
    const call = map(bytes, { responseHeaders: stream })
    expect(call).toMatchObject({ errorType: 'modelStreamErrorException', errorMessage: 'Broken' })
    const watcher = bedrockInvoke.watch({ contentType: stream[0][1], contentEncoding: undefined })
    watcher.push(bytes)
    expect(watcher.hasError).toBe(true)
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
