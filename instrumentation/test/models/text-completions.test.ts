/** Whose requests are to complete a text, and what is recorded of them; the answers are in `corpus/text-completions.ts`. */
import { describe, expect, test } from 'vitest'
import type { WireExchange } from '../../src/models/model-api.ts'
import { findModelApi, findPossibleApis } from '../../src/models/model-apis.ts'
import { textCompletions } from '../../src/models/text-completions/api.ts'
import {
  bytesOf,
  hasWatchedError,
  json,
  mapsAtEveryByte,
  parse,
  sse,
  takesOddValues,
} from './api-checks.ts'
import { events } from './corpus/case.ts'

const openAi = 'https://api.openai.com/v1/completions'
const request = {
  model: 'gpt-3.5-turbo-instruct',
  prompt: 'Once upon',
  suffix: 'The end.',
  max_tokens: 9,
  temperature: 0.2,
  top_p: 0.9,
  stop: ['END'],
  stream: true,
}
const streamed = events(
  { id: 'c', model: 'm', choices: [{ index: 0, text: ' ä' }] },
  { choices: [{ index: 0, text: ' time', finish_reason: 'stop' }] },
  'data: [DONE]',
)
const ofLlama = events(
  { content: ' ä', stop: false, index: 0 },
  { content: ' time', stop: false, index: 0 },
  { content: '', stop: true, index: 0, stop_type: 'eos' },
)

function exchange(parts: Partial<WireExchange> = {}): WireExchange {
  return {
    url: openAi,
    requestBody: bytesOf(request),
    status: 200,
    responseHeaders: sse,
    responseBody: Buffer.from(streamed),
    isComplete: true,
    ...parts,
  }
}

test('a call has its settings, its text and what comes after the gap', () => {
  const call = textCompletions.map(exchange())
  expect(call.attributes).toEqual({
    'gen_ai.operation.name': 'text_completion',
    'gen_ai.provider.name': 'openai',
    'gen_ai.request.model': 'gpt-3.5-turbo-instruct',
    'gen_ai.request.max_tokens': 9,
    'gen_ai.request.temperature': 0.2,
    'gen_ai.request.top_p': 0.9,
    'gen_ai.request.stop_sequences': ['END'],
    'gen_ai.request.stream': true,
    'server.address': 'api.openai.com',
    'server.port': 443,
    'http.response.status_code': 200,
    'gen_ai.response.id': 'c',
    'gen_ai.response.model': 'm',
    'gen_ai.response.finish_reasons': ['stop'],
  })
  expect(parse(call.inputMessages)).toEqual([
    { role: 'user', parts: [{ type: 'text', content: 'Once upon' }], suffix: 'The end.' },
  ])
  expect(call).toMatchObject({ lastUserText: 'Once upon', answerText: ' ä time' })
  expect(textCompletions.asked(bytesOf(request))).toMatchObject({ text: 'Once upon', isLast: true })
  expect(textCompletions.history(bytesOf(request))?.messages).toHaveLength(1)
})

test.for([
  [
    'https://a.openai.azure.com/openai/deployments/my%20model/completions?api-version=1',
    'my model',
  ],
  ['https://api.openai.com/v1/engines/davinci/completions', 'davinci'],
] as const)('the model is named in the address: %s', ([url, model]) => {
  const requestBody = bytesOf({ prompt: 'x', max_tokens: 1 })
  const call = textCompletions.map(exchange({ url, requestBody }))
  expect(call.attributes['gen_ai.request.model']).toBe(model)
})

test.for([
  [openAi, 'openai'],
  ['https://api.deepseek.com/beta/completions', 'deepseek'],
  ['https://codestral.mistral.ai/v1/fim/completions', 'mistral_ai'],
  ['http://localhost:8080/completion', 'llama.cpp'],
  ['http://localhost:8080/infill', 'llama.cpp'],
] as const)('%s is an address of %s', ([url, provider]) => {
  expect(textCompletions.provider(new URL(url))).toBe(provider)
})

test.for([
  ['POST', openAi, true],
  ['POST', 'https://app.example/proxy/v3/completions/', true],
  ['POST', 'http://localhost:8080/completion', true],
  ['POST', 'http://localhost:8080/infill', true],
  ['GET', openAi, false],
  ['POST', 'https://api.openai.com/v1/chat/completions', false],
  ['POST', 'https://api.mistral.ai/v1/agents/completions', false],
  ['POST', 'https://app.example/v1/completions/list', false],
  ['POST', 'https://app.example/autocompletion', false],
] as const)('%s %s may be such a call: %s', ([method, address, expected]) => {
  const url = URL.parse(address)
  expect(findModelApi(method, url)).not.toBe(textCompletions)
  expect(findPossibleApis(method, url).includes(textCompletions)).toBe(expected)
})

describe('at an address that may be an app’s', () => {
  test.for([
    ['a model and a prompt', { model: 'm', prompt: 'x' }],
    ['a prompt and a limit', { prompt: 'x', n_predict: 9 }],
    ['texts', { model: 'm', prompt: ['x', 'y'] }],
    ['tokens', { model: 'm', prompt: [1, 2] }],
    ['a text with pictures', { prompt: { prompt_string: 'x', multimodal_data: [] }, stream: true }],
    ['a gap', { input_prefix: 'x', input_suffix: 'y' }],
  ])('%s is a request to complete a text', ([, body]) => {
    expect(textCompletions.isRequest(bytesOf(body))).toBe(true)
  })
  test.for([
    ['a page’s prompt', { prompt: 'x' }],
    ['a page’s prompt and chat', { id: 'c', prompt: 'x' }],
    ['messages', { model: 'm', messages: [{ role: 'user', content: 'x' }], prompt: 'x' }],
    ['another prompt', { model: 'm', prompt: { id: 'p' } }],
    ['no prompt', { model: 'm', stream: true }],
    ['an empty list', { model: 'm', prompt: [] }],
  ])('%s is none', ([, body]) => {
    expect(textCompletions.isRequest(bytesOf(body))).toBe(false)
  })
})

describe('a stream that was cut', () => {
  test.for([
    ['of choices', streamed],
    ['of llama.cpp', ofLlama],
  ] as const)('maps at every byte: %s', ([, body]) => {
    mapsAtEveryByte(textCompletions, exchange({ responseBody: Buffer.from(body) }))
  })
  test.for([
    ['of choices', streamed.slice(0, streamed.indexOf('\n\n') + 2)],
    ['of llama.cpp', ofLlama.slice(0, ofLlama.indexOf('\n\n') + 2)],
  ] as const)('keeps what came: %s', ([, body]) => {
    const responseBody = Buffer.from(body)
    const call = textCompletions.map(exchange({ responseBody, isComplete: false }))
    expect(call).toMatchObject({ answerText: ' ä', errorType: 'incomplete_response' })
  })
})

test('an app that hangs up after the last event has cut nothing', () => {
  for (const body of [streamed, ofLlama]) {
    const watcher = textCompletions.watch({ contentType: 'text/event-stream', contentEncoding: '' })
    watcher.push(Buffer.from(body))
    expect(watcher.isWhole).toBe(true)
  }
})

test('an error in the middle of a stream is the call’s', () => {
  const error = { error: { message: 'It broke.', type: 'server_error' } }
  const body = Buffer.from(events({ content: 'a', stop: false }, error))
  const call = textCompletions.map(exchange({ responseBody: body }))
  expect(call).toMatchObject({ errorType: 'server_error', errorMessage: 'It broke.' })
  expect(hasWatchedError(textCompletions, 'text/event-stream', body)).toBe(true)
})

test('what is not an answer is recorded as text', () => {
  const responseBody = bytesOf({ hello: 1 })
  const call = textCompletions.map(exchange({ responseHeaders: json, responseBody }))
  expect(parse(call.outputMessages)[0].parts).toEqual([{ type: 'text', content: '{"hello":1}' }])
})

test('nothing that parses makes it throw', () => {
  takesOddValues(textCompletions, {
    request: ['prompt', 'input_prefix', 'input_suffix', 'suffix', 'model', 'stop', 'stream'],
    answer: ['choices', 'content', 'stop', 'index', 'error', 'completion_probabilities', 'usage'],
  })
  takesOddValues(textCompletions, { request: ['prompt'], answer: ['content', 'index', 'stop'] })
})
