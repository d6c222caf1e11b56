import { describe, expect, test } from 'vitest'
import type { WireExchange } from '../../src/models/model-api.ts'
import { findModelApi, findPossibleApis } from '../../src/models/model-apis.ts'
import { openAiResponses } from '../../src/models/openai-responses/api.ts'
import {
  answerWithTools,
  begin,
  callItem,
  end,
  functionCall,
  item,
  message,
  response,
  type StreamEvent,
  text,
  textItem,
  usage,
  wireBytes,
} from './openai-responses-events.ts'

const request = {
  model: 'gpt-5',
  instructions: 'You edit files.',
  max_output_tokens: 4096,
  temperature: 0.2,
  top_p: 0.9,
  stream: true,
  tools: [
    {
      type: 'function',
      name: 'read_file',
      description: 'Reads.',
      parameters: { type: 'object' },
      strict: true,
    },
    { type: 'custom', name: 'apply', format: { type: 'text' } },
    { type: 'web_search' },
  ],
  input: 'add a greeting',
}
const sse = [['Content-Type', 'text/event-stream; charset=utf-8']] as const
const json = [['content-type', 'application/json']] as const

function exchange(parts: Partial<WireExchange> = {}): WireExchange {
  return {
    url: 'https://api.openai.com/v1/responses',
    requestBody: Buffer.from(JSON.stringify(request)),
    status: 200,
    responseHeaders: sse,
    responseBody: wireBytes(answerWithTools),
    isComplete: true,
    ...parts,
  }
}

function answered(events: readonly StreamEvent[], parts: Partial<WireExchange> = {}) {
  return openAiResponses.map(exchange({ responseBody: wireBytes(events), ...parts }))
}

function answeredJson(body: unknown, parts: Partial<WireExchange> = {}) {
  const responseBody = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
  return openAiResponses.map(exchange({ responseBody, responseHeaders: json, ...parts }))
}

function asked(input: unknown, parts: object = {}) {
  const body = { ...request, input, ...parts }
  return openAiResponses.map(exchange({ requestBody: Buffer.from(JSON.stringify(body)) }))
}

const parse = (value: string | undefined) => JSON.parse(value ?? 'null')
const outputParts = (events: readonly StreamEvent[]) =>
  parse(answered(events).outputMessages)[0].parts
const bytesOf = (body: unknown) => Buffer.from(JSON.stringify(body))
const output = (call_id: string, value: unknown = 'done') => ({
  type: 'function_call_output',
  call_id,
  output: value,
})

test('a streamed answer has everything', () => {
  const call = openAiResponses.map(exchange())
  expect(call.attributes).toEqual({
    'gen_ai.operation.name': 'chat',
    'gen_ai.provider.name': 'openai',
    'gen_ai.request.model': 'gpt-5',
    'gen_ai.request.max_tokens': 4096,
    'gen_ai.request.temperature': 0.2,
    'gen_ai.request.top_p': 0.9,
    'gen_ai.request.stream': true,
    'server.address': 'api.openai.com',
    'server.port': 443,
    'http.response.status_code': 200,
    'gen_ai.response.id': 'resp_01',
    'gen_ai.response.model': 'gpt-5-2025-08-07',
    'gen_ai.response.finish_reasons': ['completed'],
    'gen_ai.usage.input_tokens': 1000,
    'gen_ai.usage.output_tokens': 89,
    'gen_ai.usage.cache_read.input_tokens': 900,
    'gen_ai.usage.cache_write.input_tokens': 75,
    'gen_ai.usage.reasoning.output_tokens': 64,
  })
  expect(parse(call.outputMessages)).toEqual([
    {
      role: 'assistant',
      parts: [
        {
          type: 'reasoning',
          content: 'The user wants a greeting.',
          text_type: 'summary_text',
          item_id: 'rs_0',
          encrypted_content: 'c2VjcmV0',
        },
        {
          type: 'text',
          content: 'Grüße, 緑 🎈!',
          annotations: [],
          item_id: 'msg_1',
          status: 'completed',
        },
        {
          type: 'tool_call',
          id: 'call_01',
          name: 'read_file',
          arguments: { path: 'hello.txt' },
          item_id: 'fc_call_01',
          status: 'completed',
        },
        {
          type: 'tool_call',
          id: 'call_02',
          name: 'list_files',
          arguments: {},
          item_id: 'fc_call_02',
          status: 'completed',
        },
      ],
      finish_reason: 'completed',
    },
  ])
  expect(parse(call.systemInstructions)).toEqual([{ type: 'text', content: 'You edit files.' }])
  expect(parse(call.inputMessages)).toEqual([
    { role: 'user', parts: [{ type: 'text', content: 'add a greeting' }] },
  ])
  expect(parse(call.toolDefinitions)).toEqual(request.tools)
  expect(call).toMatchObject({
    answerText: 'Grüße, 緑 🎈!',
    lastUserText: 'add a greeting',
    finishReasons: ['completed'],
    toolCalls: [
      { id: 'call_01', name: 'read_file', arguments: '{"path": "hello.txt"}' },
      { id: 'call_02', name: 'list_files', arguments: '{}' },
    ],
    toolResults: [],
  })
  expect(call).not.toHaveProperty('errorType')
})

test('the JSON answer of the last event gives the same', () => {
  const last = answerWithTools.at(-1) as unknown as { response: object }
  const { attributes, ...whole } = answeredJson(last.response)
  const { attributes: streamed, ...others } = openAiResponses.map(exchange())
  expect(whole).toEqual(others)
  expect(attributes).toEqual(streamed)
})

test('arguments are exactly as the model wrote them', () => {
  const call = answeredJson(`{"id":"resp_1","object":"response","status":"completed","output":[
    {"type":"function_call","call_id":"a","name":"add","arguments":"{ \\"n\\" : 1.0, \\"big\\":12345678901234567890 }"},
    {"type":"custom_tool_call","call_id":"b","name":"patch","input":"*** Begin\\n\\"x\\""},
    {"type":"local_shell_call","id":"i","call_id":"c","action":{ "type":"exec","command":["ls"], "timeout_ms": 1.0 }},
    {"type":"shell_call","call_id":"d","action":{"commands":[ "pwd" ]}},
    {"type":"apply_patch_call","call_id":"e","operation":{"type":"delete_file", "path":"a.txt"}},
    {"type":"computer_call","call_id":"f","action":{"type":"click","x":1, "y":2}},
    {"type":"tool_search_call","call_id":"g","execution":"client","arguments":{"q":1}}
  ]}`)
  expect(call.toolCalls).toEqual([
    { id: 'a', name: 'add', arguments: '{ "n" : 1.0, "big":12345678901234567890 }' },
    { id: 'b', name: 'patch', arguments: '"*** Begin\\n\\"x\\""' },
    {
      id: 'c',
      name: 'local_shell',
      arguments: '{ "type":"exec","command":["ls"], "timeout_ms": 1.0 }',
    },
    { id: 'd', name: 'shell', arguments: '{"commands":[ "pwd" ]}' },
    { id: 'e', name: 'apply_patch', arguments: '{"type":"delete_file", "path":"a.txt"}' },
    { id: 'f', name: 'computer', arguments: '{"type":"click","x":1, "y":2}' },
    { id: 'g', name: 'tool_search', arguments: '{"q":1}' },
  ])
})

test('what the provider runs itself is no call of the app', () => {
  const call = answeredJson(
    response({
      status: 'completed',
      output: [
        { type: 'shell_call', call_id: 'a', environment: { type: 'container_reference' } },
        { type: 'tool_search_call', call_id: null, id: 'b', execution: 'server', arguments: {} },
        { type: 'mcp_call', id: 'c', name: 'n', arguments: '{}', server_label: 's' },
        { type: 'web_search_call', id: 'd' },
      ],
    }),
  )
  expect(call.toolCalls).toEqual([])
})

test('of several values of a counter the largest counts', () => {
  const call = answered([
    { type: 'response.created', response: response({ usage: { input_tokens: 20 } }) },
    {
      type: 'response.in_progress',
      response: response({ usage: { input_tokens: 10, output_tokens: 7 } }),
    },
    ...end([], { usage: { input_tokens: 12, output_tokens: 5, input_tokens_details: null } }),
  ])
  expect(call.usage).toEqual({ inputTokens: 20, outputTokens: 7 })
  expect(answered([...begin(), ...end([], { usage: null })]).usage).toEqual({})
})

describe('every kind of item and content becomes a part, and none loses a member', () => {
  const png = 'data:image/png;base64,AA=='
  test.for<[string, object | string, string, object[]]>([
    ['text', 'x', 'user', [{ type: 'text', content: 'x' }]],
    [
      'input_text',
      { type: 'input_text', text: 'x', a: 1 },
      'user',
      [{ type: 'text', content: 'x', a: 1 }],
    ],
    [
      'refusal',
      { type: 'refusal', refusal: 'no' },
      'user',
      [{ type: 'text', content: 'no', is_refusal: true }],
    ],
    [
      'image inside',
      { type: 'input_image', image_url: png, detail: 'low', file_id: null },
      'user',
      [
        {
          type: 'blob',
          modality: 'image',
          mime_type: 'image/png',
          content: 'AA==',
          detail: 'low',
          file_id: null,
        },
      ],
    ],
    [
      'image by URL',
      { type: 'input_image', image_url: 'https://x/y.png' },
      'user',
      [{ type: 'uri', modality: 'image', uri: 'https://x/y.png' }],
    ],
    [
      'image by file',
      { type: 'input_image', file_id: 'file_1' },
      'user',
      [{ type: 'file', modality: 'image', file_id: 'file_1' }],
    ],
    [
      'image of another shape',
      { type: 'input_image', image_url: { url: png } },
      'user',
      [{ type: 'image', image_url: { url: png } }],
    ],
    [
      'PDF',
      {
        type: 'input_file',
        filename: 'a.pdf',
        file_data: 'data:application/pdf;name=a.pdf;base64,AA==',
      },
      'user',
      [
        {
          type: 'blob',
          modality: 'document',
          mime_type: 'application/pdf',
          content: 'AA==',
          filename: 'a.pdf',
        },
      ],
    ],
    [
      'file without a data URL',
      { type: 'input_file', file_data: 'AA==' },
      'user',
      [{ type: 'blob', modality: 'document', content: 'AA==' }],
    ],
    [
      'file by URL',
      { type: 'input_file', file_url: 'u' },
      'user',
      [{ type: 'uri', modality: 'document', uri: 'u' }],
    ],
    [
      'audio',
      { type: 'input_audio', input_audio: { data: 'AA==', format: 'wav' } },
      'user',
      [{ type: 'blob', modality: 'audio', mime_type: 'audio/wav', content: 'AA==' }],
    ],
    ['unknown content', { type: 'brand_new', a: 1 }, 'user', [{ type: 'brand_new', a: 1 }]],
  ])('%s', ([, content, role, parts]) => {
    const call = asked([{ role: 'user', content: [content] }])
    expect(parse(call.inputMessages)).toEqual([{ role, parts }])
  })

  test.for<[string, unknown, string, object[]]>([
    [
      'function_call',
      { ...functionCall('c', 'n', '{"x":1}'), namespace: 's' },
      'assistant',
      [
        {
          type: 'tool_call',
          id: 'c',
          name: 'n',
          arguments: { x: 1 },
          item_id: 'fc_c',
          status: 'completed',
          namespace: 's',
        },
      ],
    ],
    [
      'function_call with arguments that are not JSON',
      functionCall('c', 'n', '{"x":'),
      'assistant',
      [
        {
          type: 'tool_call',
          id: 'c',
          name: 'n',
          arguments: '{"x":',
          item_id: 'fc_c',
          status: 'completed',
        },
      ],
    ],
    [
      'function_call_output',
      { ...output('c'), id: 'fco_1' },
      'tool',
      [{ type: 'tool_call_response', id: 'c', response: 'done', item_id: 'fco_1' }],
    ],
    [
      'custom_tool_call',
      { type: 'custom_tool_call', call_id: 'c', name: 'n', input: '{"x":1}' },
      'assistant',
      [
        {
          type: 'tool_call',
          id: 'c',
          name: 'n',
          arguments: '{"x":1}',
          item_type: 'custom_tool_call',
        },
      ],
    ],
    [
      'computer_call_output',
      {
        type: 'computer_call_output',
        call_id: 'c',
        output: { type: 'computer_screenshot', image_url: png },
      },
      'tool',
      [
        {
          type: 'tool_call_response',
          id: 'c',
          item_type: 'computer_call_output',
          response: { type: 'computer_screenshot', image_url: png },
        },
      ],
    ],
    [
      'reasoning and its summary',
      {
        type: 'reasoning',
        id: 'r',
        summary: [{ type: 'summary_text', text: 's' }],
        content: [{ type: 'reasoning_text', text: 't' }],
        status: null,
      },
      'assistant',
      [
        {
          type: 'reasoning',
          content: 't',
          text_type: 'reasoning_text',
          item_id: 'r',
          status: null,
        },
        { type: 'reasoning', content: 's', text_type: 'summary_text', item_id: 'r' },
      ],
    ],
    [
      'encrypted reasoning',
      { type: 'reasoning', id: 'r', summary: [], encrypted_content: 'e' },
      'assistant',
      [{ type: 'reasoning', item_id: 'r', encrypted_content: 'e' }],
    ],
    [
      'item_reference',
      { type: 'item_reference', id: 'msg_1' },
      'unknown',
      [{ type: 'item_reference', id: 'msg_1' }],
    ],
    ['item_reference without type', { id: 'm' }, 'unknown', [{ type: 'item_reference', id: 'm' }]],
    [
      'web_search_call',
      { type: 'web_search_call', id: 'w', status: 'completed', action: { query: 'q' } },
      'assistant',
      [
        {
          type: 'server_tool_call',
          id: 'w',
          name: 'web_search',
          server_tool_call: { type: 'web_search', status: 'completed', action: { query: 'q' } },
        },
      ],
    ],
    [
      'file_search_call',
      { type: 'file_search_call', id: 'w', queries: ['q'], results: [{ text: 't' }] },
      'assistant',
      [
        {
          type: 'server_tool_call',
          id: 'w',
          name: 'file_search',
          server_tool_call: { type: 'file_search', queries: ['q'] },
        },
        {
          type: 'server_tool_call_response',
          id: 'w',
          server_tool_call_response: { type: 'file_search', results: [{ text: 't' }] },
        },
      ],
    ],
    [
      'code_interpreter_call',
      { type: 'code_interpreter_call', id: 'w', code: '1', outputs: null },
      'assistant',
      [
        {
          type: 'server_tool_call',
          id: 'w',
          name: 'code_interpreter',
          server_tool_call: { type: 'code_interpreter', code: '1', outputs: null },
        },
      ],
    ],
    [
      'mcp_call',
      {
        type: 'mcp_call',
        id: 'w',
        name: 'n',
        server_label: 's',
        arguments: '{}',
        output: 'o',
        error: null,
      },
      'assistant',
      [
        {
          type: 'server_tool_call',
          id: 'w',
          name: 'n',
          server_tool_call: { type: 'mcp', server_label: 's', arguments: '{}', error: null },
        },
        {
          type: 'server_tool_call_response',
          id: 'w',
          server_tool_call_response: { type: 'mcp', output: 'o' },
        },
      ],
    ],
    [
      'image_generation_call',
      { type: 'image_generation_call', id: 'w', result: 'AA==', output_format: 'webp' },
      'assistant',
      [
        {
          type: 'server_tool_call',
          id: 'w',
          name: 'image_generation',
          server_tool_call: { type: 'image_generation', output_format: 'webp' },
        },
        {
          type: 'blob',
          modality: 'image',
          mime_type: 'image/webp',
          content: 'AA==',
          item_id: 'w',
        },
      ],
    ],
    [
      'mcp_approval_response',
      { type: 'mcp_approval_response', approval_request_id: 'a', approve: true },
      'user',
      [{ type: 'mcp_approval_response', approval_request_id: 'a', approve: true }],
    ],
    [
      'compaction',
      { type: 'compaction', id: 'c', encrypted_content: 'e' },
      'assistant',
      [{ type: 'compaction', id: 'c', encrypted_content: 'e' }],
    ],
    ['unknown item', { type: 'brand_new', a: 1 }, 'unknown', [{ type: 'brand_new', a: 1 }]],
    ['no object', 7, 'unknown', [{ type: 'unknown', value: 7 }]],
  ])('%s', ([, sent, role, parts]) => {
    expect(parse(asked([sent]).inputMessages)).toEqual([{ role, parts }])
  })

  test('a message keeps its members', () => {
    const sent = { type: 'message', id: 'm', role: 'developer', content: 'x', phase: 'commentary' }
    expect(parse(asked([sent]).inputMessages)).toEqual([
      {
        role: 'developer',
        id: 'm',
        phase: 'commentary',
        parts: [{ type: 'text', content: 'x' }],
      },
    ])
  })
})

describe('every kind of delta is put together, also if the stream is cut after it', () => {
  const cut = (...events: readonly StreamEvent[]) => outputParts([...begin(), ...events])
  const added = (of: object, output_index = 0): StreamEvent => ({
    type: 'response.output_item.added',
    output_index,
    item: of,
  })
  const at = { output_index: 0, content_index: 0 }
  const refusal = { type: 'response.refusal.delta', ...at }

  test.for<[string, readonly StreamEvent[], object]>([
    [
      'a refusal',
      [
        added({ type: 'message', role: 'assistant', content: [] }),
        { ...refusal, delta: 'I ca' },
        { ...refusal, delta: 'n’t.' },
      ],
      { type: 'text', content: 'I can’t.', is_refusal: true },
    ],
    [
      'annotations',
      [
        added({ type: 'message', content: [text('x')] }),
        {
          type: 'response.output_text.annotation.added',
          ...at,
          annotation_index: 0,
          annotation: { type: 'url_citation', url: 'u' },
        },
      ],
      { type: 'text', content: 'x', annotations: [{ type: 'url_citation', url: 'u' }] },
    ],
    [
      'reasoning',
      [
        added({ type: 'reasoning', id: 'r', summary: [] }),
        { type: 'response.reasoning_text.delta', ...at, delta: 'hm' },
      ],
      { type: 'reasoning', content: 'hm', text_type: 'reasoning_text', item_id: 'r' },
    ],
    [
      'the input of a custom tool',
      [
        added({ type: 'custom_tool_call', call_id: 'c', name: 'n', input: '' }),
        { type: 'response.custom_tool_call_input.delta', output_index: 0, delta: '*** Be' },
      ],
      {
        type: 'tool_call',
        id: 'c',
        name: 'n',
        arguments: '*** Be',
        item_type: 'custom_tool_call',
      },
    ],
    [
      'the code of an interpreter',
      [
        added({ type: 'code_interpreter_call', id: 'i', code: '' }),
        { type: 'response.code_interpreter_call_code.delta', output_index: 0, delta: 'pri' },
        { type: 'response.code_interpreter_call.code.delta', output_index: 0, delta: 'nt' },
      ],
      {
        type: 'server_tool_call',
        id: 'i',
        name: 'code_interpreter',
        server_tool_call: { type: 'code_interpreter', code: 'print' },
      },
    ],
    [
      'the arguments of an MCP tool',
      [
        added({ type: 'mcp_call', id: 'i', name: 'n', arguments: '' }),
        { type: 'response.mcp_call_arguments.delta', output_index: 0, delta: '{"a' },
      ],
      {
        type: 'server_tool_call',
        id: 'i',
        name: 'n',
        server_tool_call: { type: 'mcp', arguments: '{"a' },
      },
    ],
    [
      'the commands of a shell',
      [
        added({ type: 'shell_call', call_id: 'c', action: { commands: [], timeout_ms: 5 } }),
        {
          type: 'response.shell_call_command.added',
          output_index: 0,
          command_index: 0,
          command: '',
        },
        {
          type: 'response.shell_call_command.delta',
          output_index: 0,
          command_index: 0,
          delta: 'ls ',
        },
        {
          type: 'response.shell_call_command.delta',
          output_index: 0,
          command_index: 0,
          delta: '-l',
        },
      ],
      {
        type: 'tool_call',
        id: 'c',
        name: 'shell',
        arguments: { commands: ['ls -l'], timeout_ms: 5 },
        item_type: 'shell_call',
      },
    ],
    [
      'a patch',
      [
        added({ type: 'apply_patch_call', call_id: 'c', operation: { path: 'p', diff: '' } }),
        {
          type: 'response.apply_patch_call_operation_diff.delta',
          output_index: 0,
          delta: '+hello',
        },
      ],
      {
        type: 'tool_call',
        id: 'c',
        name: 'apply_patch',
        arguments: { path: 'p', diff: '+hello' },
        item_type: 'apply_patch_call',
      },
    ],
    [
      'an image that is not finished',
      [
        added({ type: 'image_generation_call', id: 'i' }),
        {
          type: 'response.image_generation_call.partial_image',
          output_index: 0,
          partial_image_b64: 'AA',
        },
      ],
      {
        type: 'server_tool_call',
        id: 'i',
        name: 'image_generation',
        server_tool_call: { type: 'image_generation', partial_image_b64: 'AA' },
      },
    ],
    [
      'an unknown kind',
      [
        added({ type: 'brand_new', a: 1 }),
        { type: 'response.brand_new.delta', output_index: 0, delta: 'x' },
      ],
      {
        type: 'brand_new',
        a: 1,
        deltas: [{ type: 'response.brand_new.delta', output_index: 0, delta: 'x' }],
      },
    ],
    [
      'a text whose item did not come',
      [{ type: 'response.output_text.delta', item_id: 'm', delta: 'x' }],
      { type: 'text', content: 'x', item_id: 'm' },
    ],
  ])('%s', ([, events, part]) => {
    expect(cut(...events)).toEqual([part])
  })

  test('items that come interleaved and out of order', () => {
    const [add1, ...rest1] = textItem(1, 'one')
    const [add0, ...rest0] = textItem(0, 'zero')
    const events = [add1, add0, ...rest1, ...rest0].filter((event) => event !== undefined)
    expect(cut(...events)).toMatchObject([{ content: 'zero' }, { content: 'one' }])
  })
  test('items that all have one index', () => {
    expect(cut(...textItem(0, 'one'), ...callItem(0, 'c', 'n', '{}'))).toMatchObject([
      { content: 'one' },
      { id: 'c' },
    ])
  })
  test('a last event without its output, and a done item without its content, take nothing back', () => {
    const [add, ...rest] = textItem(0, 'Hello')
    const events = [...begin(), ...(add ? [add] : []), ...rest.slice(0, -1)]
    const done = { type: 'response.output_item.done', output_index: 0, item: message([], 'msg_0') }
    expect(outputParts([...events, done, ...end([])])).toMatchObject([{ content: 'Hello' }])
  })
  test('an index that cannot be one does no harm', () => {
    const delta = { type: 'response.output_text.delta', output_index: 0, delta: 'x' }
    const indexes = [4_000_000_000, -1, 'x', null, 1.5]
    expect(cut(...indexes.map((content_index) => ({ ...delta, content_index })))).toEqual([
      { type: 'text', content: 'xxxxx' },
    ])
    expect(cut({ ...delta, content_index: 9_000 })).toEqual([{ type: 'text', content: 'x' }])
  })
  test('CRLF', () => {
    const responseBody = wireBytes(answerWithTools, '\r\n')
    expect(openAiResponses.map(exchange({ responseBody }))).toEqual(openAiResponses.map(exchange()))
  })
})

describe('a stream that was cut', () => {
  const whole = wireBytes(answerWithTools)

  test('maps at every byte, and has no more text than came', () => {
    const answer = openAiResponses.map(exchange()).answerText
    let last = 0
    for (let cut = 0; cut <= whole.length; cut += 1) {
      const responseBody = whole.subarray(0, cut)
      const call = openAiResponses.map(
        exchange({ responseBody, isComplete: false, error: 'UND_ERR_SOCKET' }),
      )
      expect(answer.startsWith(call.answerText)).toBe(true)
      expect(call.answerText.length).toBeGreaterThanOrEqual(last)
      last = call.answerText.length
      const isOver = cut >= whole.length - 2
      expect(call.errorType).toBe(isOver ? undefined : 'UND_ERR_SOCKET')
      if (call.outputMessages !== undefined) JSON.parse(call.outputMessages)
    }
    expect(last).toBe(answer.length)
  })

  test('keeps the partial answer, half a tool call included, with finish reason error', () => {
    const end = answerWithTools.findIndex((event) => event.delta === 'lo.txt"}')
    const call = answered(answerWithTools.slice(0, end), { isComplete: false })
    const [output] = parse(call.outputMessages)
    expect(output.finish_reason).toBe('error')
    expect(output.parts.at(-1)).toEqual({
      type: 'tool_call',
      id: 'call_01',
      name: 'read_file',
      arguments: '{"path": "hel',
      item_id: 'fc_call_01',
      status: 'in_progress',
    })
    expect(call).toMatchObject({
      finishReasons: ['error'],
      errorType: 'incomplete_response',
      answerText: 'Grüße, 緑 🎈!',
      toolCalls: [{ id: 'call_01', name: 'read_file', arguments: '{"path": "hel' }],
      usage: {},
    })
  })

  test('is an error also where the connection was closed in order', () => {
    const call = answered([...begin(), ...textItem(0, 'half')])
    expect(call).toMatchObject({ finishReasons: ['error'], errorType: 'incomplete_response' })
  })
})

describe('how a response can end', () => {
  test.for<[string, object, object]>([
    [
      'at the limit of tokens',
      {
        status: 'incomplete',
        incomplete_details: { reason: 'max_output_tokens' },
        output: [message([text('half')])],
      },
      { finishReasons: ['max_output_tokens'], answerText: 'half' },
    ],
    [
      'incomplete, for an unknown reason',
      { status: 'incomplete', output: [message([text('half')])] },
      { finishReasons: ['incomplete'] },
    ],
    ['cancelled', { status: 'cancelled', output: [] }, { finishReasons: ['cancelled'] }],
    ['queued', { status: 'queued', output: [] }, { finishReasons: [], answerText: '' }],
    ['in progress', { status: 'in_progress', output: [] }, { finishReasons: [] }],
    [
      'failed',
      {
        status: 'failed',
        error: { code: 'server_error', message: 'It broke.' },
        output: [message([text('half')])],
      },
      {
        finishReasons: ['error'],
        errorType: 'server_error',
        errorMessage: 'It broke.',
        answerText: 'half',
      },
    ],
    ['failed without a reason', { status: 'failed' }, { errorType: 'failed' }],
  ])('%s', ([, parts, expected]) => {
    const call = answeredJson(response(parts))
    expect(call).toMatchObject(expected)
    if (!('errorType' in expected)) expect(call).not.toHaveProperty('errorType')
    if ('finishReasons' in expected && expected.finishReasons?.toString() === '') {
      expect(call).not.toHaveProperty('outputMessages')
    }
    const { status } = response(parts)
    if (status === 'queued' || status === 'in_progress') return
    const last = { type: `response.${status}`, response: response(parts) }
    expect(answered([...begin(), last])).toMatchObject(expected)
  })
})

describe('errors', () => {
  const half = [...begin(), ...textItem(0, 'half')]
  test.for<[string, StreamEvent | object, string, string | undefined]>([
    [
      'an event',
      { type: 'error', code: 'rate_limit_exceeded', message: 'Slow down.', param: null },
      'rate_limit_exceeded',
      'Slow down.',
    ],
    [
      'an event with the error inside',
      {
        type: 'error',
        error: { type: 'invalid_request_error', code: null, message: 'No.' },
      },
      'invalid_request_error',
      'No.',
    ],
    ['an event without type', { error: { message: 'No.', code: 400, type: 'Bad' } }, 'Bad', 'No.'],
    ['an event without anything', { type: 'error', code: null }, 'error', undefined],
  ])('%s in a stream', ([, event, type, words]) => {
    const call = answered([...half, event as StreamEvent])
    expect(call.errorType).toBe(type)
    expect(call.errorMessage).toBe(words)
    expect(call).toMatchObject({ finishReasons: ['error'], answerText: 'half' })
  })
  test.for([
    [
      'the API’s own',
      400,
      '{"error":{"message":"Too long.","type":"invalid_request_error","param":"input","code":"context_length_exceeded"}}',
      'context_length_exceeded',
      'Too long.',
    ],
    [
      'Azure’s',
      404,
      '{"error":{"code":"DeploymentNotFound","message":"None."}}',
      'DeploymentNotFound',
      'None.',
    ],
    ['JSON of another shape', 422, '{"detail":"broken"}', '422', '{"detail":"broken"}'],
    ['a proxy’s page', 502, '<html>Bad Gateway</html>', '502', '<html>Bad Gateway</html>'],
    ['nothing', 503, '', '503', undefined],
  ] as const)('%s', ([, status, body, type, words]) => {
    const call = answeredJson(body, { status })
    expect(call.errorType).toBe(type)
    expect(call.errorMessage).toBe(words)
    expect(call).toMatchObject({ answerText: '', finishReasons: ['error'] })
  })
})

describe('what cannot be read', () => {
  test('a request is recorded as text', () => {
    const call = openAiResponses.map(exchange({ requestBody: Buffer.from('{"model": "gp') }))
    expect(call).not.toHaveProperty('inputMessages')
    expect(call.requestText).toBe('{"model": "gp')
  })
  test('a request with a stored prompt and without input is recorded as text', () => {
    const body = { prompt: { id: 'pmpt_1', variables: { a: 'b' } } }
    const call = openAiResponses.map(exchange({ requestBody: bytesOf(body) }))
    expect(parse(call.requestText)).toEqual(body)
  })
  test('a JSON answer maps at every cut', () => {
    const body = bytesOf(
      response({ status: 'completed', output: [message([text('grün')])], usage }),
    )
    for (let cut = 0; cut <= body.length; cut += 1) {
      const part = body.subarray(0, cut)
      const isComplete = cut === body.length
      const call = answeredJson(part.toString('latin1'), { isComplete })
      expect(call.errorType).toBe(isComplete ? undefined : 'incomplete_response')
      openAiResponses.map(exchange({ requestBody: part }))
    }
  })
  test('what is nested too deeply is recorded as text', () => {
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`
    const requestText = `{"input":[{"type":"x","a":${deep}}]}`
    const answer = `{"object":"response","status":"completed","output":[{"type":"apply_patch_call","call_id":"a","operation":${deep}}]}`
    const call = answeredJson(answer, { requestBody: Buffer.from(requestText) })
    expect(call.requestText).toBe(requestText)
    expect(parse(call.outputMessages)[0].parts).toEqual([{ type: 'text', content: answer }])
    expect(call.toolCalls).toEqual([{ id: 'a', name: 'apply_patch', arguments: deep }])
  })
})

describe('nothing that parses makes it throw', () => {
  const values = [null, true, 7, 'x', [], [null], {}, { type: 7 }, [[1]], [{ type: 'message' }]]
  const types = [
    ...new Set(answerWithTools.map(({ type }) => type)),
    'error',
    'response.failed',
    'response.output_text.annotation.added',
    'response.shell_call_command.delta',
    'response.shell_call_output_content.delta',
    'response.apply_patch_call_operation_diff.delta',
    'response.image_generation_call.partial_image',
    'response.brand_new.delta',
    'constructor.delta',
    '__proto__.done',
  ]
  test.for(values.map((value) => [JSON.stringify(value), value] as const))('%s', ([, value]) => {
    const names = ['input', 'instructions', 'tools', 'model', 'stream', 'conversation', 'prompt']
    const fields = (all: readonly string[]) => Object.fromEntries(all.map((name) => [name, value]))
    for (const body of [value, fields(names), { input: [fields(names), value] }]) {
      openAiResponses.map(exchange({ url: 'not a URL', requestBody: bytesOf(body) }))
      openAiResponses.isRequest(bytesOf(body))
      openAiResponses.lastResults(bytesOf(body))
      openAiResponses.history(bytesOf(body))
      openAiResponses.findAnswered(bytesOf({ ...fields(names), call_id: 'c' }), [
        { id: 'c', name: 'n' },
      ])
    }
    const members = ['output', 'usage', 'status', 'error', 'incomplete_details', 'id', 'model']
    answeredJson(value)
    answeredJson({ object: 'response', ...fields(members) })
    const itemTypes = ['message', 'reasoning', 'function_call', 'custom_tool_call', 'shell_call']
    const more = ['function_call_output', 'image_generation_call', 'mcp_call', 'apply_patch_call']
    const itemMembers = [
      'content',
      'summary',
      'arguments',
      'input',
      'action',
      'operation',
      'result',
    ]
    const items = [...itemTypes, ...more].map((type) => ({ ...fields(itemMembers), type }))
    answeredJson({ output: items })
    asked(items)
    for (const type of types) {
      const members = ['item', 'item_id', 'output_index', 'content_index', 'part', 'delta', 'error']
      const event = { ...fields([...members, 'response', 'annotation', 'command_index']), type }
      const watcher = openAiResponses.watch({
        contentType: 'text/event-stream',
        contentEncoding: '',
      })
      for (const before of [[], items.flatMap((each, index) => item(index, each))]) {
        answered([...before, event, ...callItem(0, 'a', 'b', '{')])
        watcher.push(wireBytes([...before, event]))
      }
      watcher.end()
    }
  })
})

describe('the results of tools', () => {
  const call = functionCall('a', 'n', '{}')
  test('are found with their text, or as JSON if they are more than one', () => {
    const mapped = asked([
      { role: 'user', content: 'do it' },
      call,
      output('a', 'plain'),
      output('b', [{ type: 'input_text', text: 'one text' }]),
      output('c', [
        { type: 'input_text', text: '1' },
        { type: 'input_image', file_id: 'f' },
      ]),
      { type: 'custom_tool_call_output', call_id: 'd', output: '' },
      { type: 'apply_patch_call_output', call_id: 'e', status: 'failed', output: 'No such file.' },
      { type: 'shell_call_output', call_id: 'f', output: [{ stdout: 'x' }] },
      { type: 'local_shell_call_output', id: 'g', output: '{}' },
      { type: 'function_call_output', name: 'named', output: 'x' },
    ])
    expect(mapped.toolResults).toEqual([
      { callId: 'a', isError: false, content: 'plain' },
      { callId: 'b', isError: false, content: 'one text' },
      {
        callId: 'c',
        isError: false,
        content: '[{"type":"input_text","text":"1"},{"type":"input_image","file_id":"f"}]',
      },
      { callId: 'd', isError: false, content: '' },
      { callId: 'e', isError: true, content: 'No such file.' },
      { callId: 'f', isError: false, content: '[{"stdout":"x"}]' },
      { callId: 'g', isError: false, content: '{}' },
      { name: 'named', isError: false, content: 'x' },
    ])
    expect(mapped.lastUserText).toBe('do it')
  })

  test('are matched to the open calls by their ids, also if the request repeats nothing else', () => {
    const open = ['a', 'b', 'x'].map((id) => ({ id, name: 'n' }))
    const ids = (body: object) =>
      openAiResponses.findAnswered(bytesOf(body), open).map(({ id }) => id)
    expect(ids({ previous_response_id: 'resp_1', input: [output('b')] })).toEqual(['b'])
    expect(ids({ input: [call, functionCall('b', 'n', '{}'), output('a')] })).toEqual(['a'])
    expect(ids({ input: 'call_id a' })).toEqual([])
  })

  test.for<[string, unknown, number | undefined]>([
    ['results only', [output('a'), output('b')], 2],
    ['the calls before them', [{ role: 'user', content: 'hi' }, call, output('a')], 1],
    ['a message after them', [output('a'), { role: 'user', content: 'hi' }], undefined],
    ['a call without a result', [call], undefined],
    ['a text', 'hi', undefined],
    ['nothing', [], undefined],
  ])('a request that ends with %s', ([, input, count]) => {
    expect(openAiResponses.lastResults(bytesOf({ ...request, input }))?.length).toBe(count)
  })
})

describe('the conversation that a request repeats', () => {
  const history = (body: object) => openAiResponses.history(bytesOf(body))
  test('begins with that of the request before, and has the arguments of calls as JSON', () => {
    const first = history({ instructions: 'i', input: 'hi' })
    const second = history({
      instructions: 'i',
      input: [{ role: 'user', content: 'hi' }, functionCall('a', 'n', '{ "x": 1 }'), output('a')],
    })
    expect(second?.messages[0]).toBe(first?.messages[0])
    expect(second?.instructions).toBe(first?.instructions)
    expect(second?.messages[1]).toContain('{"x":1}')
    expect(second?.isPartial).toBe(false)
  })
  test('is partial if the request names what came before', () => {
    expect(history({ previous_response_id: 'r', input: [output('a')] })?.isPartial).toBe(true)
    expect(history({ conversation: { id: 'c' }, input: 'hi' })?.isPartial).toBe(true)
    expect(history({ previous_response_id: null, input: 'hi' })?.isPartial).toBe(false)
    expect(history({ model: 'm' })).toBeUndefined()
  })
})

describe('which requests are model calls', () => {
  test.for([
    ['POST', 'https://api.openai.com/v1/responses', 'yes'],
    ['post', 'https://api.openai.com/v1/responses/', 'yes'],
    ['POST', 'https://proxy.example/any/openai/v1/responses?x=1', 'yes'],
    ['POST', 'https://r.openai.azure.com/openai/responses?api-version=2025-04-01-preview', 'yes'],
    ['POST', 'https://r.openai.azure.com/openai/deployments/d/responses', 'yes'],
    ['POST', 'https://proxy.example/responses', 'by body'],
    ['POST', 'https://chat.example/backend-api/codex/responses', 'by body'],
    ['GET', 'https://api.openai.com/v1/responses/resp_1', 'no'],
    ['GET', 'https://api.openai.com/v1/responses', 'no'],
    ['DELETE', 'https://api.openai.com/v1/responses/resp_1', 'no'],
    ['POST', 'https://api.openai.com/v1/responses/resp_1/cancel', 'no'],
    ['POST', 'https://api.openai.com/v1/responses/input_tokens', 'no'],
    ['POST', 'https://api.openai.com/v1/responses/compact', 'no'],
    ['GET', 'https://api.openai.com/v1/responses/resp_1/input_items', 'no'],
    ['POST', 'https://api.openai.com/v1/embeddings', 'no'],
    ['POST', 'https://api.example/v1/survey-responses', 'no'],
  ] as const)('%s %s: %s', ([method, address, expected]) => {
    const url = new URL(address)
    expect(findModelApi(method, url) === openAiResponses).toBe(expected === 'yes')
    expect(findPossibleApis(method, url).includes(openAiResponses)).toBe(expected === 'by body')
  })

  test.for<[unknown, boolean]>([
    [{ model: 'm', input: 'hi' }, true],
    [{ model: 'm', input: [{ role: 'user', content: 'hi' }] }, true],
    [{ previous_response_id: 'r', input: [output('a')] }, true],
    [{ conversation: 'conv_1', input: 'hi' }, true],
    [{ prompt: { id: 'pmpt_1' } }, true],
    [{ prompt: { id: 'pmpt_1' }, input: 'hi' }, true],
    [{ model: 'm', input: [{ id: 'msg_1' }] }, true],
    [{ model: 'm' }, false],
    [{ input: 'hi' }, false],
    [{ model: 'm', input: ['a text to embed'] }, false],
    [{ model: 'm', input: [{ id: 'q1', value: 5 }] }, false],
    [{ model: 'm', input: { text: 'hi' } }, false],
    [{ prompt: 'How did you like it?', answers: [1, 2] }, false],
    [{ survey: 's', answers: [] }, false],
    [[], false],
  ])('the body %j: %s', ([body, expected]) => {
    expect(openAiResponses.isRequest(bytesOf(body))).toBe(expected)
  })
})

test.for([
  ['https://api.openai.com/v1/responses', 'openai'],
  ['https://r.openai.azure.com/openai/responses', 'azure.ai.openai'],
  ['https://r.services.ai.azure.com/openai/v1/responses', 'azure.ai.openai'],
  ['https://bedrock-mantle.us-east-1.api.aws/v1/responses', 'aws.bedrock'],
  ['https://api.x.ai/v1/responses', 'x_ai'],
  ['https://api.groq.com/openai/v1/responses', 'groq'],
  ['http://localhost:11434/v1/responses', 'openai'],
  ['https://xx.ai/v1/responses', 'openai'],
] as const)('%s is of %s', ([url, provider]) => {
  expect(openAiResponses.provider(new URL(url))).toBe(provider)
})

test.each([
  [{ tool_choice: { type: 'function', name: 'json' } }, true],
  [{ tool_choice: { name: 'patch', type: 'custom' } }, true],
  [{ tool_choice: 'required' }, false],
  [{ tool_choice: { type: 'allowed_tools', tools: [{ type: 'function', name: 'n' }] } }, false],
  [{ tool_choice: 'auto', tools: [{ type: 'function' }] }, false],
  [{ input: '"tool_choice":{"type":"function"}' }, false],
])('%j forces a tool: %s', (more, isForced) => {
  const body = JSON.stringify({ ...request, ...more })
  expect(openAiResponses.forcesTool(body)).toBe(isForced)
  expect(openAiResponses.forcesTool(Buffer.from(body))).toBe(isForced)
})
