/** Anthropic's messages at the addresses of Amazon, Google and Azure, and behind any prefix. */
import { describe, expect, test } from 'vitest'
import { anthropicMessages } from '../../src/models/anthropic/api.ts'
import type { WireExchange } from '../../src/models/model-api.ts'
import { findModelApi, findPossibleApis } from '../../src/models/model-apis.ts'
import { answerWithTools, messageStart, textBlock, wireBytes } from './anthropic-stream.ts'
import { chunkMessage, exceptionMessage } from './event-stream.ts'

const bedrock = 'https://bedrock-runtime.us-east-1.amazonaws.com'
const vertex =
  'https://us-east5-aiplatform.googleapis.com/v1/projects/p/locations/us-east5/publishers/anthropic/models'
const modelId = 'us.anthropic.claude-sonnet-4-5-20250929-v1:0'
const profile = 'arn:aws:bedrock:us-east-1:1:application-inference-profile/abc'
const request = {
  anthropic_version: 'bedrock-2023-05-31',
  max_tokens: 4096,
  messages: [{ role: 'user', content: 'add a greeting' }],
}
const stream = [['content-type', 'application/vnd.amazon.eventstream']] as const
const json = [
  ['content-type', 'application/json'],
  ['x-amzn-RequestId', 'r-1'],
] as const
const body = Buffer.concat(answerWithTools.map(chunkMessage))

function map(parts: Partial<WireExchange> = {}) {
  return anthropicMessages.map({
    url: `${bedrock}/model/${encodeURIComponent(modelId)}/invoke-with-response-stream`,
    requestBody: Buffer.from(JSON.stringify(request)),
    status: 200,
    responseHeaders: stream,
    responseBody: body,
    isComplete: true,
    ...parts,
  })
}
const plain = () =>
  map({
    url: 'https://api.anthropic.com/v1/messages',
    responseHeaders: [['content-type', 'text/event-stream']],
    responseBody: wireBytes(answerWithTools),
  })

describe('which requests are model calls', () => {
  test.for([
    ['POST', `${bedrock}/model/${modelId}/invoke`, 'yes'],
    ['post', `${bedrock}/model/${modelId}/invoke-with-response-stream`, 'yes'],
    ['POST', `${bedrock}/model/${encodeURIComponent(profile)}/invoke`, 'by body'],
    ['POST', `https://proxy.example/bedrock/model/${profile}/invoke`, 'by body'],
    ['POST', `${bedrock}/model/my-model/invoke`, 'by body'],
    ['POST', 'https://app.example/model/mine/invoke', 'by body'],
    ['POST', `${bedrock}/model/meta.llama3-8b-instruct-v1:0/invoke`, 'no'],
    ['POST', `${bedrock}/model/amazon.titan-embed-text-v2:0/invoke`, 'no'],
    ['POST', `${bedrock}/model/${modelId}/count-tokens`, 'no'],
    ['GET', `${bedrock}/model/${modelId}/invoke`, 'no'],
    ['POST', `${vertex}/claude-sonnet-4-5@20250929:rawPredict`, 'yes'],
    ['POST', `${vertex}/claude-sonnet-4-5%4020250929:streamRawPredict`, 'yes'],
    ['POST', `${vertex}/count-tokens:rawPredict`, 'no'],
    ['POST', `${vertex}/claude-sonnet-4-5@20250929:countTokens`, 'no'],
    ['POST', `${vertex.replace('anthropic', 'mistralai')}/mistral-small:rawPredict`, 'no'],
    ['POST', 'https://r.services.ai.azure.com/anthropic/v1/messages', 'yes'],
    ['POST', 'https://bedrock-mantle.us-east-1.api.aws/anthropic/v1/messages', 'yes'],
    ['POST', 'https://gateway.example/claude/messages', 'by body'],
    ['POST', 'https://gateway.example/messages/', 'by body'],
    ['GET', 'https://gateway.example/messages', 'no'],
    ['POST', 'https://gateway.example/messages/count_tokens', 'no'],
    ['POST', 'https://gateway.example/v1/messages/count_tokens', 'no'],
    ['POST', 'https://gateway.example/text-messages', 'no'],
  ] as const)('%s %s: %s', ([method, url, expected]) => {
    const parsed = URL.parse(url)
    const isCertain = findModelApi(method, parsed) === anthropicMessages
    const isPossible = findPossibleApis(method, parsed).includes(anthropicMessages)
    expect(isCertain ? 'yes' : isPossible ? 'by body' : 'no').toBe(expected)
  })

  test.for([
    [request, true],
    [{ ...request, messages: [{ role: 'user', content: [{ type: 'text', text: 'x' }] }] }, true],
    [{ model: 'm', max_tokens: 1, messages: [{ role: 'user', content: 'hi' }] }, true],
    [{ model: 'm', messages: [{ role: 'user', content: 'hi' }] }, false],
    [{ max_tokens: 1, messages: [{ role: 'user', content: 'hi' }] }, false],
    [{ ...request, messages: [] }, false],
    [{ ...request, messages: ['hi'] }, false],
    [{ ...request, messages: [{ role: 'user', content: [{ text: 'hi' }] }] }, false],
    [{ ...request, messages: [{ role: 'tool', content: 'hi' }] }, false],
    [{ ...request, messages: [{ role: 'assistant', content: '', tool_calls: [] }] }, false],
    [{ message: 'hi', to: 'someone' }, false],
    [null, false],
    ['', false],
  ] as const)('the body %j: %s', ([sent, expected]) => {
    expect(anthropicMessages.isRequest(Buffer.from(JSON.stringify(sent)))).toBe(expected)
  })
})

test.for([
  ['https://api.anthropic.com/v1/messages', 'anthropic'],
  ['https://proxy.example/v1/messages', 'anthropic'],
  [`${bedrock}/model/${modelId}/invoke`, 'aws.bedrock'],
  [`https://proxy.example/model/${modelId}/invoke`, 'aws.bedrock'],
  ['https://bedrock-mantle.us-east-1.api.aws/anthropic/v1/messages', 'aws.bedrock'],
  [`${vertex}/claude:rawPredict`, 'gcp.vertex_ai'],
  ['https://r.services.ai.azure.com/anthropic/v1/messages', 'azure.ai.inference'],
  ['https://r.azure.anthropic.com/anthropic/v1/messages', 'azure.ai.inference'],
] as const)('%s is of %s', ([url, provider]) => {
  expect(anthropicMessages.provider(new URL(url))).toBe(provider)
})

describe('the address names the model and whether the answer is a stream', () => {
  test.for([
    [`${bedrock}/model/${encodeURIComponent(modelId)}/invoke`, modelId, false],
    [`${bedrock}/model/${modelId}/invoke-with-response-stream`, modelId, true],
    [`${bedrock}/model/${encodeURIComponent(profile)}/invoke`, profile, false],
    [`${bedrock}/model/%E0%A4%A/invoke`, '%E0%A4%A', false],
    [`${vertex}/claude-sonnet-4-5%4020250929:rawPredict`, 'claude-sonnet-4-5@20250929', false],
    [`${vertex}/claude-sonnet-4-5:streamRawPredict`, 'claude-sonnet-4-5', true],
  ] as const)('%s', ([url, model, isStream]) => {
    expect(map({ url }).attributes).toMatchObject({
      'gen_ai.request.model': model,
      'gen_ai.request.stream': isStream,
    })
  })
})

describe('Amazon’s stream of Anthropic’s events', () => {
  test('gives the same as server-sent events', () => {
    const call = map()
    expect(call.outputMessages).toBe(plain().outputMessages)
    expect(call).toMatchObject({ usage: plain().usage, toolCalls: plain().toolCalls })
    expect(call.attributes['gen_ai.provider.name']).toBe('aws.bedrock')
    expect(call).not.toHaveProperty('errorType')
  })

  test('maps at every byte, and has no more text than came', () => {
    const text = plain().answerText
    let last = 0
    for (let end = 0; end <= body.length; end += 1) {
      const responseBody = body.subarray(0, end)
      const call = map({ responseBody, isComplete: false, error: 'ECONNRESET' })
      expect(text.startsWith(call.answerText)).toBe(true)
      expect(call.answerText.length).toBeGreaterThanOrEqual(last)
      last = call.answerText.length
      expect(call.errorType).toBe(end === body.length ? undefined : 'ECONNRESET')
    }
    expect(last).toBe(text.length)
  })

  test.for([1, 7, 1_000, body.length])('shows its tool calls in pieces of %i bytes', (size) => {
    const watcher = anthropicMessages.watch({ contentType: stream[0][1], contentEncoding: '' })
    const seen = []
    for (let at = 0; at < body.length; at += size) {
      seen.push(...watcher.push(body.subarray(at, at + size)))
    }
    expect([...seen, ...watcher.end()]).toEqual(plain().toolCalls)
  })

  test('may end in an exception', () => {
    const events = [messageStart(), ...textBlock(0, 'half')].map(chunkMessage)
    const bytes = Buffer.concat([...events, exceptionMessage('throttlingException', 'Slow down')])
    expect(map({ responseBody: bytes })).toMatchObject({
      errorType: 'throttlingException',
      errorMessage: 'Slow down',
      answerText: 'half',
      finishReasons: ['error'],
    })
    const watcher = anthropicMessages.watch({ contentType: stream[0][1], contentEncoding: '' })
    watcher.push(bytes)
    expect(watcher.hasError).toBe(true)
  })
})

describe('refusals', () => {
  test.for([
    [
      'Amazon’s',
      429,
      [...json, ['x-amzn-errortype', 'ThrottlingException:http://x/']],
      '{"message":"Too many requests"}',
      'ThrottlingException',
      'Too many requests',
    ],
    [
      'Google’s',
      429,
      json,
      '{"error":{"code":429,"message":"Quota","status":"RESOURCE_EXHAUSTED"}}',
      'RESOURCE_EXHAUSTED',
      'Quota',
    ],
    [
      'Azure’s',
      404,
      json,
      '{"error":{"code":"DeploymentNotFound","message":"None"}}',
      'DeploymentNotFound',
      'None',
    ],
  ] as const)('%s', ([, status, responseHeaders, text, type, message]) => {
    const call = map({ status, responseHeaders, responseBody: Buffer.from(text) })
    expect(call).toMatchObject({ errorType: type, errorMessage: message, finishReasons: ['error'] })
  })
})
