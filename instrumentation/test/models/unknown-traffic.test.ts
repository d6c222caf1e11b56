/** Which requests count as traffic with a model that is not understood, by their first bytes. */
import { expect, test } from 'vitest'
import { outerMembers } from '../../src/models/json-head.ts'
import {
  answerKind,
  isModelAnswer,
  isModelSocket,
  isModelStream,
  isNoTurnPath,
  isStreamOfModel,
  pathPattern,
  requestSigns,
} from '../../src/models/unknown-traffic.ts'

test.for<[string, string, readonly string[]]>([
  ['an object', '{"a":1,"b":{"c":2},"d":["e",{"f":1}]}', ['a', 'b', 'd']],
  ['a list of objects', '[{"candidates":[]},{"x":1}]', ['candidates']],
  ['texts that look like members', '{"a":"\\"b\\": {","c" : "d"}', ['a', 'c']],
  ['a text that is cut', '{"a":1,"b":"never ends', ['a', 'b']],
  ['a name that is cut', '{"a":1,"na', ['a']],
  ['a text', '"a"', []],
  ['no JSON', 'a=1&b=2', []],
  ['nothing', '', []],
])('%s has its outermost members', ([, text, expected]) => {
  expect([...outerMembers(text)]).toEqual(expected)
})

test.for<[string, object]>([
  ['messages with roles', { messages: [{ role: 'user', content: 'hi' }] }],
  ['messages and a model', { model: 'm', messages: ['hi'] }],
  ['contents with parts', { contents: [{ parts: [{ text: 'hi' }] }] }],
  ['an input and a model', { model: 'm', input: 'hi' }],
  ['a prompt and a model', { prompt: 'hi', max_tokens: 1, model: 'm' }],
  ['an input and the id of a model', { model_id: 'm', input: 'hi', parameters: {} }],
  ['a prompt and the length of an answer', { prompt: 'hi', n_predict: 9 }],
  ['inputs and the length of an answer', { inputs: 'hi', parameters: { max_new_tokens: 9 } }],
])('a request with %s is a model’s', ([, body]) => {
  expect(requestSigns(JSON.stringify(body))).toMatchObject({ isOfModel: true, isOther: false })
})

test.for<[string, object | string]>([
  ['JSON-RPC', { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { messages: [] } }],
  ['MCP’s sampling', { jsonrpc: '2.0', model: 'm', messages: [{ role: 'user' }] }],
  ['GraphQL', { query: 'subscription { messages { role } }', model: 'm', input: 1 }],
  ['a message queue', { messages: [{ data: 'aGk=', attributes: {} }] }],
  ['an SMS', { messages: [{ destinations: [], text: 'hi' }] }],
  ['an e-mail', { personalizations: [], contents: 'hi', input: 'x' }],
  ['a form', 'messages=1&model=2'],
  ['a picture', { prompt: 'a cat', aspect_ratio: '1:1', seed: 1, output_format: 'png' }],
  ['texts to translate', { inputs: ['hi'], target: 'de' }],
  ['traces', { resourceSpans: [{ scopeSpans: [] }] }],
  ['a run of LangSmith', { id: '1', inputs: { messages: [{ role: 'user' }] }, run_type: 'llm' }],
  ['events of PostHog', { api_key: 'k', batch: [{ event: '$ai_generation' }] }],
])('%s is no model’s request', ([, body]) => {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  expect(requestSigns(text).isOfModel).toBe(false)
})

test.for<[string, string]>([
  ['choices', '{"id":"1","choices":[{"message":{"role":"assistant"}}]}'],
  ['candidates', '[{"candidates":[{"content":{"parts":[]}}]}]'],
  ['tokens that were used', '{"output":"hi","usage":{"input_tokens":1}}'],
  ['a text that was generated', '[{"generated_text":"hi"}]'],
  ['a text that llama.cpp has completed', '{"content":"hi","stop":true,"tokens_predicted":2}'],
])('an answer with %s is a model’s', ([, head]) => {
  expect(isModelAnswer(head)).toBe(true)
})

test.for<[string, string]>([
  ['choices of a poll', '{"choices":[{"id":1,"label":"yes"}]}'],
  ['candidates for a place', '{"candidates":[{"address":"Here 1","score":99}]}'],
  ['usage of a plan', '{"usage":{"requests":4,"limit":10}}'],
  ['a JSON-RPC result', '{"jsonrpc":"2.0","usage":{"tokens":1}}'],
])('an answer with %s is not', ([, head]) => {
  expect(isModelAnswer(head)).toBe(false)
})

test('a stream from far away counts, one from nearby if it begins like a model’s', () => {
  const counts = (url: string): boolean => isStreamOfModel('events', new URL(url))
  expect(['https://api.new-model.ai/run', 'http://203.0.113.7/run'].map(counts)).toEqual([
    true,
    true,
  ])
  const near = ['localhost', '127.0.0.1', '10.1.2.3', '192.168.0.9', '172.20.0.2', '[::1]', 'jobs']
  expect(near.map((host) => counts(`http://${host}/run`))).toEqual(near.map(() => false))
  expect(isModelStream('data: {"choices":[{"delta":{"content":"h"}}]}\n\n')).toBe(true)
  expect(isModelStream('data: {"usage":{"output_tokens":1}}\n\n')).toBe(true)
  expect(
    isModelStream('event: progress\ndata: {"message":"job 3 is done","content":"x"}\n\n'),
  ).toBe(false)
})

test('AWS’s streams count from Bedrock only', () => {
  const counts = (host: string) => isStreamOfModel('aws_events', new URL(`https://${host}/`))
  expect(counts('bedrock-agent-runtime.eu-west-1.amazonaws.com')).toBe(true)
  expect(counts('kinesis.eu-west-1.amazonaws.com')).toBe(false)
})

test.for([
  '/v1/embeddings',
  '/openai/deployments/d/embeddings',
  '/v1beta/models/e:embedContent',
  '/v1beta/models/e:batchEmbedContents',
  '/v1beta/models/g:countTokens',
  '/v1/messages/count_tokens',
  '/v1/messages/batches',
  '/v1/responses/input_tokens',
  '/v1/moderations',
  '/v1/chat/moderations',
  '/model/m/count-tokens',
  '/v2/embed',
  '/v2/rerank',
  '/api/embed',
  '/api/pull',
  '/v1beta/cachedContents',
  '/v1/images/generations',
  '/openai/deployments/d/images/edits',
  '/v1/audio/speech',
  '/v1/audio/transcriptions',
  '/v1/text-to-speech/voice/stream',
  '/v1/videos',
  '/v1/ocr',
  '/v1/responses/compact',
  '/v1/assistants',
  '/v1/fine_tuning/jobs',
  '/utils/token_counter',
  '/apply-template',
  '/v1/score',
  '/services/embeddings/text-embedding/text-embedding',
])('%s is no turn', (path) => {
  expect(isNoTurnPath(path)).toBe(true)
})

test.for(['/v1/completions', '/generate', '/v1/audio', '/images', '/v1/threads/runs', '/models/x'])(
  '%s may be one',
  (path) => {
    expect(isNoTurnPath(path)).toBe(false)
  },
)

test('the sockets of model APIs are known', () => {
  const paths = [
    '/v1/realtime',
    '/openai/realtime',
    '/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent',
  ]
  const isCounted = (path: string): boolean => isModelSocket(path, { hidesSocket: false })
  expect(paths.map(isCounted)).toEqual(paths.map(() => true))
  expect(['/realtime/v1/websocket', '/v1/responses'].map(isCounted)).toEqual([false, false])
  expect(isModelSocket('/v1/responses', { hidesSocket: true })).toBe(true)
  expect(isModelSocket('/v1/responses/resp_1', { hidesSocket: true })).toBe(false)
})

test.for<[string, string]>([
  ['/v1/threads/thread_abc123DEF456ghi7/runs', '/v1/threads/{id}/runs'],
  ['/users/42/chat', '/users/{id}/chat'],
  ['/chat/0198c2c4-6c1e-4d0a-9a39-6f9d7c1f3b70', '/chat/{id}'],
  ['/models/claude-3-5-sonnet-20241022/run', '/models/claude-3-5-sonnet-20241022/run'],
  ['/bot123456789:AAEabcdefghijklmnop0/say', '/{id}:{id}/say'],
  ['/v1/key/sk-proj-abcdefghijkl/chat', '/v1/key/{id}/chat'],
  ['/v1/keys/correct-horse/chat', '/v1/keys/{id}/chat'],
  ['/v1/sk-ant-api03-abcdefghij/chat', '/v1/{id}/chat'],
  ['/hooks/T0AB12CD3/B9xYz81Q/x7Kp2Lm9', '/hooks/{id}/{id}/{id}'],
  ['/run/9f86d081884c/step', '/run/{id}/step'],
  ['/run/qUaFxoZbTnLmWcRdEyHgJkPs', '/run/{id}'],
  ['/v1beta/gemini-2.5-flash-preview-05-20', '/v1beta/gemini-2.5-flash-preview-05-20'],
  ['/openai/gpt-4o-mini-2024-07-18/reply', '/openai/gpt-4o-mini-2024-07-18/reply'],
  [`/${'x'.repeat(300)}`, `/${'x'.repeat(199)}…`],
])('the pattern of %s has no ids', ([path, pattern]) => {
  expect(pathPattern(path)).toBe(pattern)
})

test('the kind of an answer is that of its content type', () => {
  const types = [
    'text/event-stream; charset=utf-8',
    'application/x-ndjson',
    'application/vnd.amazon.eventstream',
    'application/json',
    'application/problem+json',
    'text/html',
    undefined,
  ]
  expect(types.map(answerKind)).toEqual([
    'events',
    'events',
    'aws_events',
    'json',
    'json',
    'other',
    'other',
  ])
})
