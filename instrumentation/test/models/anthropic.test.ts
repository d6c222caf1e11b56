import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  brotliCompressSync,
  deflateRawSync,
  deflateSync,
  gzipSync,
  zstdCompressSync,
} from 'node:zlib'
import Anthropic from '@anthropic-ai/sdk'
import { describe, expect, onTestFinished, test } from 'vitest'
import { anthropicMessages } from '../../src/models/anthropic/api.ts'
import type { WireExchange } from '../../src/models/model-api.ts'
import { findModelApi } from '../../src/models/model-apis.ts'
import {
  answerWithTools,
  block,
  messageEnd,
  messageStart,
  type StreamEvent,
  textBlock,
  toolBlock,
  wireBytes,
} from './anthropic-stream.ts'

const request = {
  model: 'claude-sonnet-4-5',
  max_tokens: 4096,
  temperature: 0.2,
  top_p: 0.9,
  top_k: 40,
  stop_sequences: ['\n\nHuman:'],
  stream: true,
  system: [{ type: 'text', text: 'You edit files.', cache_control: { type: 'ephemeral' } }],
  tools: [
    { name: 'read_file', description: 'Reads.', input_schema: { type: 'object', properties: {} } },
    { type: 'web_search_20250305', name: 'web_search', max_uses: 5 },
  ],
  messages: [{ role: 'user', content: 'add a greeting' }],
}
const sse = [['Content-Type', 'text/event-stream; charset=utf-8']] as const
const json = [['content-type', 'application/json']] as const

function exchange(parts: Partial<WireExchange> = {}): WireExchange {
  return {
    url: 'https://api.anthropic.com/v1/messages?beta=true',
    requestBody: Buffer.from(JSON.stringify(request)),
    status: 200,
    responseHeaders: sse,
    responseBody: wireBytes(answerWithTools),
    isComplete: true,
    ...parts,
  }
}

function answered(events: readonly StreamEvent[], parts: Partial<WireExchange> = {}) {
  return anthropicMessages.map(exchange({ responseBody: wireBytes(events), ...parts }))
}

function asked(messages: unknown, parts: object = {}) {
  const body = { ...request, messages, ...parts }
  return anthropicMessages.map(exchange({ requestBody: Buffer.from(JSON.stringify(body)) }))
}

const parse = (text: string | undefined) => JSON.parse(text ?? 'null')
const outputParts = (events: readonly StreamEvent[]) =>
  parse(answered(events).outputMessages)[0].parts

test('a streamed answer has everything', () => {
  const call = anthropicMessages.map(exchange())
  expect(call.attributes).toEqual({
    'gen_ai.operation.name': 'chat',
    'gen_ai.provider.name': 'anthropic',
    'gen_ai.request.model': 'claude-sonnet-4-5',
    'gen_ai.request.max_tokens': 4096,
    'gen_ai.request.temperature': 0.2,
    'gen_ai.request.top_p': 0.9,
    'gen_ai.request.top_k': 40,
    'gen_ai.request.stop_sequences': ['\n\nHuman:'],
    'gen_ai.request.stream': true,
    'server.address': 'api.anthropic.com',
    'server.port': 443,
    'http.response.status_code': 200,
    'gen_ai.response.id': 'msg_01',
    'gen_ai.response.model': 'claude-sonnet-4-5-20250929',
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
        { type: 'tool_call', id: 'toolu_01', name: 'read_file', arguments: { path: 'hello.txt' } },
        { type: 'tool_call', id: 'toolu_02', name: 'list_files', arguments: {} },
      ],
      finish_reason: 'tool_use',
    },
  ])
  expect(parse(call.systemInstructions)).toEqual([
    { type: 'text', content: 'You edit files.', cache_control: { type: 'ephemeral' } },
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
    { type: 'web_search_20250305', name: 'web_search', max_uses: 5 },
  ])
  expect(call).toMatchObject({
    answerText: 'Grüße, 緑 🎈!',
    lastUserText: 'add a greeting',
    finishReasons: ['tool_use'],
    toolCalls: [
      { id: 'toolu_01', name: 'read_file', arguments: '{"path": "hello.txt"}' },
      { id: 'toolu_02', name: 'list_files', arguments: '{}' },
    ],
  })
  expect(call).not.toHaveProperty('errorType')
})

test('a JSON answer gives the same, its tool arguments exactly as they were written', () => {
  const responseBody = Buffer.from(
    `{"id":"msg_01","type":"message","role":"assistant","model":"m","content":[
      {"type":"text","text":"hello"},
      {"type":"tool_use","id":"toolu_01","name":"add","input":{ "n" : 1.0, "big":12345678901234567890 }}],
      "stop_reason":"tool_use","usage":{"input_tokens":3,"output_tokens":4,"output_tokens_details":{"thinking_tokens":2}}}`,
  )
  const call = anthropicMessages.map(exchange({ responseBody, responseHeaders: json }))
  expect(call.toolCalls).toEqual([
    { id: 'toolu_01', name: 'add', arguments: '{ "n" : 1.0, "big":12345678901234567890 }' },
  ])
  expect(call.usage).toEqual({ inputTokens: 3, outputTokens: 4, reasoningOutputTokens: 2 })
  expect(call).toMatchObject({ answerText: 'hello', finishReasons: ['tool_use'] })
  expect(call).not.toHaveProperty('errorType')
})

/** The SDK assembles the same stream with code of its own: what it gives the app is what is recorded. */
test('the recorded answer is the one that the SDK gives to the app', async () => {
  const server = createServer((incoming, response) => {
    incoming.resume()
    response.setHeader('content-type', 'text/event-stream')
    response.end(wireBytes(answerWithTools))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const { port } = server.address() as AddressInfo
  const client = new Anthropic({
    apiKey: 'none',
    baseURL: `http://127.0.0.1:${port}`,
    maxRetries: 0,
  })
  const message = await client.messages
    .stream({ model: 'm', max_tokens: 9, messages: [{ role: 'user', content: 'hi' }] })
    .finalMessage()
  server.closeAllConnections()

  const streamed = anthropicMessages.map(exchange())
  const whole = anthropicMessages.map(
    exchange({ responseHeaders: json, responseBody: Buffer.from(JSON.stringify(message)) }),
  )
  expect(parse(whole.outputMessages)).toEqual(parse(streamed.outputMessages))
  expect(whole.attributes).toEqual(streamed.attributes)
})

test('cumulative usage replaces, never adds; a later null removes nothing', () => {
  const { usage } = answered([
    messageStart({ input_tokens: 10, cache_read_input_tokens: 5, output_tokens: 1 }),
    { type: 'message_delta', delta: {}, usage: { output_tokens: 7 } },
    {
      type: 'message_delta',
      delta: { stop_reason: 'end_turn' },
      usage: { output_tokens: 20, input_tokens: 12, cache_read_input_tokens: null },
    },
    { type: 'message_stop' },
  ])
  expect(usage).toEqual({ inputTokens: 17, outputTokens: 20, cacheReadInputTokens: 5 })
})

describe('every kind of block becomes a part, and none loses a member', () => {
  test.for([
    [
      'text',
      { type: 'text', text: 'x', citations: [{ a: 1 }] },
      { type: 'text', content: 'x', citations: [{ a: 1 }] },
    ],
    [
      'thinking',
      { type: 'thinking', thinking: 'x', signature: 's' },
      { type: 'reasoning', content: 'x', signature: 's' },
    ],
    [
      'redacted thinking',
      { type: 'redacted_thinking', data: 'x' },
      { type: 'redacted_thinking', data: 'x' },
    ],
    [
      'tool_use',
      { type: 'tool_use', id: 'a', name: 'n', input: { x: 1 }, caller: {} },
      { type: 'tool_call', id: 'a', name: 'n', arguments: { x: 1 }, caller: {} },
    ],
    [
      'tool_result',
      { type: 'tool_result', tool_use_id: 'a', content: 'x', is_error: true },
      { type: 'tool_call_response', id: 'a', response: 'x', is_error: true },
    ],
    [
      'tool_result without content',
      { type: 'tool_result', tool_use_id: 'a' },
      { type: 'tool_call_response', id: 'a', response: '' },
    ],
    [
      'server tool',
      { type: 'server_tool_use', id: 'a', name: 'web_search', input: { query: 'x' } },
      {
        type: 'server_tool_call',
        id: 'a',
        name: 'web_search',
        server_tool_call: { type: 'web_search', input: { query: 'x' } },
      },
    ],
    [
      'server tool result',
      { type: 'web_search_tool_result', tool_use_id: 'a', content: [{ url: 'u' }] },
      {
        type: 'server_tool_call_response',
        id: 'a',
        server_tool_call_response: { type: 'web_search_tool_result', content: [{ url: 'u' }] },
      },
    ],
    [
      'mcp tool',
      { type: 'mcp_tool_use', id: 'a', name: 'n', server_name: 's', input: {} },
      {
        type: 'server_tool_call',
        id: 'a',
        name: 'n',
        server_name: 's',
        server_tool_call: { type: 'mcp', input: {} },
      },
    ],
    [
      'base64 image',
      { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AA==' } },
      { type: 'blob', modality: 'image', mime_type: 'image/png', content: 'AA==' },
    ],
    [
      'image by URL',
      { type: 'image', source: { type: 'url', url: 'u' } },
      { type: 'uri', modality: 'image', uri: 'u' },
    ],
    [
      'file',
      { type: 'document', title: 't', source: { type: 'file', file_id: 'f' } },
      { type: 'file', modality: 'document', file_id: 'f', title: 't' },
    ],
    [
      'PDF',
      { type: 'document', source: { type: 'base64', media_type: 'application/pdf', data: 'AA==' } },
      { type: 'blob', modality: 'document', mime_type: 'application/pdf', content: 'AA==' },
    ],
    [
      'text document',
      { type: 'document', source: { type: 'text', media_type: 'text/plain', data: 'x' } },
      { type: 'document', source: { type: 'text', media_type: 'text/plain', data: 'x' } },
    ],
    ['unknown', { type: 'brand_new', a: { b: 1 } }, { type: 'brand_new', a: { b: 1 } }],
    ['no type', { a: 1 }, { type: 'unknown', a: 1 }],
    ['no object', 7, { type: 'unknown', value: 7 }],
    ['a string', 'x', { type: 'text', content: 'x' }],
  ] as const)('%s', ([, sent, part]) => {
    const call = asked([{ role: 'user', content: [sent] }])
    expect(parse(call.inputMessages)).toEqual([{ role: 'user', parts: [part] }])
  })
})

describe('every kind of delta is put together', () => {
  test('citations', () => {
    const parts = outputParts([
      messageStart(),
      ...block(
        0,
        { type: 'text', text: '' },
        { type: 'text_delta', text: 'x' },
        { type: 'citations_delta', citation: { a: 1 } },
        { type: 'citations_delta', citation: { a: 2 } },
      ),
      ...messageEnd(),
    ])
    expect(parts).toEqual([{ type: 'text', content: 'x', citations: [{ a: 1 }, { a: 2 }] }])
  })
  test('a server tool and its result', () => {
    const parts = outputParts([
      messageStart(),
      ...block(
        0,
        { type: 'server_tool_use', id: 's1', name: 'web_search', input: {} },
        { type: 'input_json_delta', partial_json: '{"query":' },
        { type: 'input_json_delta', partial_json: '"x"}' },
      ),
      ...block(1, {
        type: 'web_search_tool_result',
        tool_use_id: 's1',
        content: [{ type: 'web_search_result', url: 'u' }],
      }),
      ...messageEnd(),
    ])
    expect(parts).toEqual([
      {
        type: 'server_tool_call',
        id: 's1',
        name: 'web_search',
        server_tool_call: { type: 'web_search', input: { query: 'x' } },
      },
      {
        type: 'server_tool_call_response',
        id: 's1',
        server_tool_call_response: {
          type: 'web_search_tool_result',
          content: [{ type: 'web_search_result', url: 'u' }],
        },
      },
    ])
  })
  test('unknown kinds of events, blocks and deltas', () => {
    const parts = outputParts([
      messageStart(),
      { type: 'brand_new_event', anything: 1 },
      ...block(0, { type: 'brand_new_block', a: 1 }, { type: 'brand_new_delta', b: 2 }),
      ...messageEnd(),
    ])
    expect(parts).toEqual([
      { type: 'brand_new_block', a: 1, deltas: [{ type: 'brand_new_delta', b: 2 }] },
    ])
  })
  test('blocks that come interleaved and out of order', () => {
    const [start1, delta1, stop1] = textBlock(1, 'one')
    const [start0, delta0, stop0] = textBlock(0, 'zero')
    const events = [messageStart(), start1, start0, delta1, delta0, stop0, stop1, ...messageEnd()]
    expect(outputParts(events.filter((event) => event !== undefined))).toEqual([
      { type: 'text', content: 'zero' },
      { type: 'text', content: 'one' },
    ])
  })
  test('CRLF', () => {
    const body = wireBytes(answerWithTools, '\r\n')
    expect(anthropicMessages.map(exchange({ responseBody: body }))).toEqual(
      anthropicMessages.map(exchange()),
    )
  })
})

describe('a stream that was cut', () => {
  const whole = wireBytes(answerWithTools)

  test('maps at every byte, and has no more text than came', () => {
    const text = anthropicMessages.map(exchange()).answerText
    let last = 0
    for (let end = 0; end <= whole.length; end += 1) {
      const call = anthropicMessages.map(
        exchange({
          responseBody: whole.subarray(0, end),
          isComplete: false,
          error: 'UND_ERR_SOCKET',
        }),
      )
      expect(text.startsWith(call.answerText)).toBe(true)
      expect(call.answerText.length).toBeGreaterThanOrEqual(last)
      last = call.answerText.length
      const isOver = whole.subarray(0, end).includes('"message_stop"}')
      expect(call.errorType).toBe(isOver ? undefined : 'UND_ERR_SOCKET')
      if (call.outputMessages !== undefined) JSON.parse(call.outputMessages)
    }
  })

  test('keeps the partial answer, half a tool call included, with finish reason error', () => {
    const events = answerWithTools.slice(0, -6)
    const call = answered(events, { isComplete: false })
    const [message] = parse(call.outputMessages)
    expect(message.finish_reason).toBe('error')
    expect(message.parts.at(-1)).toEqual({
      type: 'tool_call',
      id: 'toolu_01',
      name: 'read_file',
      arguments: '{"path": "hel',
    })
    expect(call).toMatchObject({
      finishReasons: ['error'],
      errorType: 'incomplete_response',
      answerText: 'Grüße, 緑 🎈!',
    })
    expect(call.attributes['gen_ai.usage.output_tokens']).toBeUndefined()
    expect(call.attributes['gen_ai.usage.input_tokens']).toBe(1000)
  })

  test('is an error also where the connection was closed in order', () => {
    const call = answered([messageStart(), ...textBlock(0, 'half')], { isComplete: true })
    expect(call).toMatchObject({ finishReasons: ['error'], errorType: 'incomplete_response' })
  })

  test('that the app has stopped is kept, and its finish reason is not known', () => {
    const call = answered(answerWithTools.slice(0, -6), { isComplete: false, isAborted: true })
    const [message] = parse(call.outputMessages)
    expect(message.finish_reason).toBe('unknown')
    expect(message.parts).toHaveLength(3)
    expect(call).toMatchObject({ finishReasons: [], answerText: 'Grüße, 緑 🎈!' })
    expect(call.attributes).toMatchObject({ 'turnlog.aborted': true })
    expect(call.attributes).not.toHaveProperty('gen_ai.response.finish_reasons')
    expect(call).not.toHaveProperty('errorType')
  })

  test('before anything came has no answer', () => {
    const call = anthropicMessages.map(
      exchange({
        responseBody: Buffer.alloc(0),
        isComplete: false,
        error: 'ECONNREFUSED',
        status: undefined,
        responseHeaders: undefined,
      }),
    )
    expect(call).not.toHaveProperty('outputMessages')
    expect(call).toMatchObject({
      errorType: 'ECONNREFUSED',
      finishReasons: ['error'],
      answerText: '',
    })
  })
})

describe('errors', () => {
  test('an error event in a stream', () => {
    const call = answered([
      messageStart(),
      ...textBlock(0, 'half'),
      { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } },
    ])
    expect(call).toMatchObject({
      errorType: 'overloaded_error',
      errorMessage: 'Overloaded',
      finishReasons: ['error'],
      answerText: 'half',
    })
  })
  test.for([
    [
      'the API’s own',
      529,
      '{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}',
      'overloaded_error',
      'Overloaded',
    ],
    ['JSON of another shape', 500, '{"error":"broken"}', '500', 'broken'],
    ['a proxy’s page', 502, '<html>Bad Gateway</html>', '502', '<html>Bad Gateway</html>'],
    ['nothing', 503, '', '503', undefined],
  ] as const)('%s', ([, status, body, type, message]) => {
    const call = anthropicMessages.map(
      exchange({ status, responseBody: Buffer.from(body), responseHeaders: json }),
    )
    expect(call.errorType).toBe(type)
    expect(call.errorMessage).toBe(message)
    expect(call.attributes).toMatchObject({
      'error.type': type,
      'http.response.status_code': status,
    })
    expect(call.answerText).toBe('')
    expect(call.finishReasons).toEqual(['error'])
  })
  test('an error is identified by its name, not by its sentence', () => {
    const call = anthropicMessages.map(
      exchange({
        responseBody: Buffer.alloc(0),
        isComplete: false,
        error: 'the request of 12:07 was aborted',
      }),
    )
    expect(call).toMatchObject({
      errorType: '_OTHER',
      errorMessage: 'the request of 12:07 was aborted',
    })
  })
})

describe('an encoded body is decoded, whole or cut', () => {
  const plain = wireBytes([
    messageStart(),
    ...textBlock(0, ...Array.from({ length: 4_000 }, (_, n) => `word ${n * 7919} `)),
    ...messageEnd(),
  ])
  test.for([
    ['gzip', gzipSync(plain)],
    ['deflate', deflateSync(plain)],
    ['deflate', deflateRawSync(plain)],
    ['br', brotliCompressSync(plain)],
    ['zstd', zstdCompressSync(plain)],
    ['GZIP', gzipSync(plain)],
    ['identity', plain],
    ['gzip, br', brotliCompressSync(gzipSync(plain))],
  ] as const)('%s', ([encoding, body]) => {
    const responseHeaders = [...sse, ['Content-Encoding', encoding] as const]
    const whole = anthropicMessages.map(exchange({ responseBody: body, responseHeaders }))
    expect(whole).toEqual(anthropicMessages.map(exchange({ responseBody: plain })))
    for (const share of [0, 0.001, 0.3, 0.9, 0.999]) {
      const cut = body.subarray(0, Math.floor(body.length * share))
      const call = anthropicMessages.map(
        exchange({ responseBody: cut, responseHeaders, isComplete: false }),
      )
      expect(whole.answerText.startsWith(call.answerText)).toBe(true)
      if (share === 0.9) expect(call.answerText).not.toBe('')
    }
  })
  test('a wrong header does no harm', () => {
    const responseHeaders = [...sse, ['content-encoding', 'gzip'] as const]
    const call = anthropicMessages.map(exchange({ responseBody: plain, responseHeaders }))
    expect(call.finishReasons).toEqual(['end_turn'])
  })
})

describe('what is not JSON is recorded as text', () => {
  test('a request', () => {
    const call = anthropicMessages.map(exchange({ requestBody: Buffer.from('{"model": "cl') }))
    expect(call).not.toHaveProperty('inputMessages')
    expect(call.requestText).toBe('{"model": "cl')
    expect(call.toolResults).toEqual([])
  })
  test('an answer', () => {
    const call = anthropicMessages.map(
      exchange({
        responseHeaders: json,
        responseBody: Buffer.from('{"id":"msg_0'),
        isComplete: false,
      }),
    )
    expect(parse(call.outputMessages)).toEqual([
      {
        role: 'assistant',
        parts: [{ type: 'text', content: '{"id":"msg_0' }],
        finish_reason: 'error',
      },
    ])
    expect(call.errorType).toBe('incomplete_response')
  })
  test('a JSON answer maps at every cut', () => {
    const body = Buffer.from(
      JSON.stringify({
        type: 'message',
        content: [{ type: 'text', text: 'grün' }],
        stop_reason: 'end_turn',
      }),
    )
    for (let end = 0; end <= body.length; end += 1) {
      anthropicMessages.map(
        exchange({
          responseHeaders: json,
          responseBody: body.subarray(0, end),
          isComplete: end === body.length,
        }),
      )
      anthropicMessages.map(exchange({ requestBody: body.subarray(0, end) }))
    }
  })
})

test('what is nested too deeply to be written again is recorded as text', () => {
  const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`
  const requestText = `{"messages":${deep}}`
  const answerText = `{"type":"message","content":[{"type":"tool_use","id":"a","name":"n","input":${deep}}],"stop_reason":"tool_use"}`
  const call = anthropicMessages.map(
    exchange({
      requestBody: Buffer.from(requestText),
      responseHeaders: json,
      responseBody: Buffer.from(answerText),
    }),
  )
  expect(call).not.toHaveProperty('inputMessages')
  expect(call.requestText).toBe(requestText)
  expect(parse(call.outputMessages)[0].parts).toEqual([{ type: 'text', content: answerText }])
  expect(call.toolCalls).toEqual([{ id: 'a', name: 'n', arguments: deep }])
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
    { role: 7, content: 7 },
    [{ role: 'user', content: null }],
  ]
  test.for(values.map((value) => [JSON.stringify(value), value] as const))('%s', ([, value]) => {
    const bodies = [
      value,
      {
        messages: value,
        system: value,
        tools: value,
        model: value,
        stop_sequences: value,
        stream: value,
      },
    ]
    const answers = [
      value,
      { type: 'message', content: value, usage: value, stop_reason: value, error: value },
    ]
    for (const body of bodies) {
      for (const answer of answers) {
        anthropicMessages.map(
          exchange({
            url: 'not a URL',
            requestBody: Buffer.from(JSON.stringify(body)),
            responseHeaders: json,
            responseBody: Buffer.from(JSON.stringify(answer)),
          }),
        )
      }
    }
    for (const type of [
      'message_start',
      'content_block_start',
      'content_block_delta',
      'content_block_stop',
      'message_delta',
      'error',
    ]) {
      answered([
        {
          type,
          index: value,
          message: value,
          content_block: value,
          delta: value,
          usage: value,
          error: value,
        },
        ...toolBlock(0, 'a', 'b', '{'),
      ])
    }
  })
})

test('tool results are found with their text, or as JSON if they are more than one', () => {
  const call = asked([
    { role: 'user', content: 'do it' },
    { role: 'assistant', content: [{ type: 'tool_use', id: 'a', name: 'n', input: {} }] },
    {
      role: 'user',
      content: [
        { type: 'tool_result', tool_use_id: 'a', content: 'plain' },
        {
          type: 'tool_result',
          tool_use_id: 'b',
          content: [{ type: 'text', text: 'one text' }],
          is_error: true,
        },
        {
          type: 'tool_result',
          tool_use_id: 'c',
          content: [
            { type: 'text', text: '1' },
            { type: 'text', text: '2' },
          ],
        },
        { type: 'tool_result', tool_use_id: 'd' },
      ],
    },
  ])
  expect(call.toolResults).toEqual([
    { callId: 'a', isError: false, content: 'plain' },
    { callId: 'b', isError: true, content: 'one text' },
    {
      callId: 'c',
      isError: false,
      content: '[{"type":"text","text":"1"},{"type":"text","text":"2"}]',
    },
    { callId: 'd', isError: false, content: '' },
  ])
  expect(call.lastUserText).toBe('do it')
})

test.for([
  ['POST', '/v1/messages', true],
  ['post', '/v1/messages?beta=true', true],
  ['POST', '/proxy/anthropic/v1/messages', true],
  ['POST', '/v1/messages/', true],
  ['GET', '/v1/messages', false],
  ['POST', '/v1/messages/count_tokens', false],
  ['POST', '/v1/messages/batches', false],
  ['POST', '/v1/chat/completions', false],
  ['POST', '/xv1/messages', false],
  ['POST', '', false],
] as const)('%s %s is a Messages request: %s', ([method, path, expected]) => {
  const api = findModelApi(method, URL.parse(path, 'https://proxy.example'))
  expect(api === anthropicMessages).toBe(expected)
})

describe('whether a request ends with results of tools', () => {
  const result = { type: 'tool_result', tool_use_id: 'toolu_1', content: 'done' }
  const text = { type: 'text', text: 'hello' }
  test.for([
    ['results only', [{ role: 'user', content: [result, result] }], 2],
    ['a text beside them', [{ role: 'user', content: [result, text] }], undefined],
    [
      'a message after them',
      [
        { role: 'user', content: [result] },
        { role: 'user', content: 'hi' },
      ],
      undefined,
    ],
    ['a text', [{ role: 'user', content: 'hi' }], undefined],
    ['nothing', [], undefined],
  ] as const)('%s', ([, messages, count]) => {
    const body = Buffer.from(JSON.stringify({ ...request, messages }))
    expect(anthropicMessages.lastResults(body)?.length).toBe(count)
  })

  test('a body that is cut off, or is too long to be read, does not', () => {
    const messages = (content: unknown) => [{ role: 'user', content: [{ ...result, content }] }]
    const bodyOf = (content: unknown) =>
      Buffer.from(JSON.stringify({ messages: messages(content) }))
    const text = { type: 'text', text: 'x'.repeat(1024) }
    const body = bodyOf(Array.from({ length: 2 * 1024 }, () => text))
    expect(anthropicMessages.lastResults(body)).toBeUndefined()
    expect(anthropicMessages.lastResults(body.subarray(0, 100))).toBeUndefined()
    // An image can be left out.
    expect(anthropicMessages.lastResults(bodyOf('x'.repeat(2 * 1024 ** 2)))).toHaveLength(1)
  })
})

test.each([
  [{ tool_choice: { type: 'tool', name: 'json' } }, true],
  [{ tool_choice: { name: 'json', disable_parallel_tool_use: true, type: 'tool' } }, true],
  [{ tool_choice: { type: 'any' } }, false],
  [{ tool_choice: { type: 'auto' }, metadata: { type: 'tool' } }, false],
  [{ messages: [{ role: 'user', content: '"tool_choice":{"type":"tool"}' }] }, false],
  [{}, false],
])('%j forces a tool: %s', (more, isForced) => {
  const body = JSON.stringify({ ...request, ...more })
  expect(anthropicMessages.forcesTool(body)).toBe(isForced)
  expect(anthropicMessages.forcesTool(Buffer.from(body))).toBe(isForced)
})
