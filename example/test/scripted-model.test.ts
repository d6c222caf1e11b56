import Anthropic from '@anthropic-ai/sdk'
import { describe, expect, test } from 'vitest'
import { pieces } from '../src/scripted-model/dialect.ts'
import { parseWishes } from '../src/scripted-model/wish.ts'
import { startModel } from './support/app.ts'

const headers = { 'x-api-key': 'none', 'anthropic-version': '2023-06-01' }
const user = (content: unknown) => ({ role: 'user', content })
const fileTools: Anthropic.Tool[] = ['read_file', 'write_file', 'edit_file', 'delete_file'].map(
  (name) => ({ name, input_schema: { type: 'object' as const } }),
)

describe('wishes in simple English', () => {
  test.each([
    ['add a greeting to hello.txt', { kind: 'add', what: 'a greeting', path: 'hello.txt' }],
    ['Please add "two words" to `my file.md`.', { kind: 'add', path: 'my file.md' }],
    ['create a.txt with hello there', { kind: 'create', paths: ['a.txt'], content: 'hello there' }],
    ['Create a new file called a.txt!', { kind: 'create', paths: ['a.txt'], content: '' }],
    ['create a.txt, b.txt and c/d.txt with x', { paths: ['a.txt', 'b.txt', 'c/d.txt'] }],
    ['replace milk with bread in list.md', { kind: 'replace', old: 'milk', new: 'bread' }],
    ['delete a.txt and b.txt', { kind: 'delete', paths: ['a.txt', 'b.txt'] }],
    ['could you remove the file old.txt?', { kind: 'delete', paths: ['old.txt'] }],
    ['rename a.txt to b.txt', { kind: 'rename', from: 'a.txt', to: 'b.txt' }],
    ['list files', { kind: 'list', path: '.' }],
    ['what files are there?', { kind: 'list', path: '.' }],
    ['list the files in src', { kind: 'list', path: 'src' }],
    ['read hello.txt', { kind: 'read', paths: ['hello.txt'] }],
    ['run `ls -la | wc -l`', { kind: 'run', command: 'ls -la | wc -l' }],
    ['count to 12', { kind: 'count', to: 12 }],
  ])('%s', (text, wish) => {
    expect(parseWishes(text)).toEqual([expect.objectContaining(wish)])
  })

  test('several are joined by "then"', () => {
    const kinds = parseWishes('create a with x, then rename a to b and then delete b').map(
      (wish) => wish.kind,
    )
    expect(kinds).toEqual(['create', 'rename', 'delete'])
  })

  test('half a message is never done', () => {
    expect(parseWishes('delete a.txt, then make me happy for ever')).toEqual([])
  })

  test.each(['hello', 'what can you do?', 'write a poem about the sea', ''])(
    '"%s" is no wish it knows',
    (text) => {
      expect(parseWishes(text)).toEqual([])
    },
  )
})

test('the pieces of a text make up the text, and no character is split', () => {
  const text = 'a word and 😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀 more\n'.repeat(50)
  const all = [...pieces(text)]
  expect(all.join('')).toBe(text)
  expect(all.length).toBeGreaterThan(100)
  expect(all.filter((piece) => !piece.isWellFormed())).toEqual([])
})

describe('the Messages API', () => {
  const refused = test.each([
    ['no messages', { model: 'm', max_tokens: 1 }, 'messages: Field required'],
    ['an empty conversation', { model: 'm', max_tokens: 1, messages: [] }, 'at least one message'],
    ['no model', { max_tokens: 1, messages: [user('x')] }, 'model: Field required'],
    ['no max_tokens', { model: 'm', messages: [user('x')] }, 'max_tokens: Field required'],
    [
      'a conversation begun by the assistant',
      { model: 'm', max_tokens: 1, messages: [{ role: 'assistant', content: 'x' }] },
      'first message must use the user role',
    ],
    [
      'an unknown role',
      { model: 'm', max_tokens: 1, messages: [{ role: 'system', content: 'x' }] },
      "messages.0.role: Input should be 'user' or 'assistant'",
    ],
    [
      'an empty text',
      { model: 'm', max_tokens: 1, messages: [user([{ type: 'text', text: '' }])] },
      'text content blocks must be non-empty',
    ],
    [
      'a tool use that nothing answers',
      {
        model: 'm',
        max_tokens: 1,
        messages: [
          user('x'),
          {
            role: 'assistant',
            content: [{ type: 'tool_use', id: 'toolu_1', name: 'read_file', input: {} }],
          },
          user('and?'),
        ],
      },
      'messages.1: `tool_use` ids were found without `tool_result` blocks immediately after: toolu_1',
    ],
    [
      'a tool result that nothing asked for',
      {
        model: 'm',
        max_tokens: 1,
        messages: [user([{ type: 'tool_result', tool_use_id: 'toolu_1', content: 'x' }])],
      },
      'unexpected `tool_use_id` found in `tool_result` blocks: toolu_1',
    ],
  ])
  refused('refuses %s', async (_name, body, message) => {
    const response = await fetch(`${await startModel()}/v1/messages`, {
      method: 'POST',
      headers,
      body: JSON.stringify(body),
    })
    expect(response.status).toBe(400)
    const requestId = response.headers.get('request-id')
    expect(requestId).toMatch(/^req_/)
    expect(await response.json()).toEqual({
      type: 'error',
      error: { type: 'invalid_request_error', message: expect.stringContaining(message) },
      request_id: requestId,
    })
  })

  test('refuses a body that is not JSON, and requests without key or version or with another path', async () => {
    const url = await startModel()
    const ask = async (path: string, init: RequestInit) => {
      const response = await fetch(url + path, { method: 'POST', ...init })
      const { error } = await response.json()
      return [response.status, error.type]
    }
    expect(await ask('/v1/messages', { headers, body: '{' })).toEqual([
      400,
      'invalid_request_error',
    ])
    expect(await ask('/v1/messages', { body: '{}' })).toEqual([401, 'authentication_error'])
    const onlyKey = { 'x-api-key': 'none' }
    expect(await ask('/v1/messages', { headers: onlyKey, body: '{}' })).toEqual([
      400,
      'invalid_request_error',
    ])
    expect(await ask('/v1/other', { headers })).toEqual([404, 'not_found_error'])
  })

  test('the SDK gets the same answer at once and streamed', async () => {
    const client = new Anthropic({ apiKey: 'none', baseURL: await startModel() })
    const request = {
      model: 'some-model',
      max_tokens: 100,
      tools: fileTools,
      messages: [{ role: 'user' as const, content: 'read a.txt and b.txt' }],
    }
    const atOnce = await client.messages.create(request)
    const streamed = await client.messages.stream(request).finalMessage()
    expect(atOnce).toMatchObject({
      type: 'message',
      role: 'assistant',
      model: 'some-model',
      stop_reason: 'tool_use',
      usage: { input_tokens: expect.any(Number), output_tokens: expect.any(Number) },
    })
    const withoutIds = (message: Anthropic.Message) =>
      message.content.map((block) => ({ ...block, id: undefined }))
    expect(withoutIds(streamed)).toEqual(withoutIds(atOnce))
    expect(streamed.usage.output_tokens).toBe(atOnce.usage.output_tokens)
    expect(withoutIds(atOnce)).toMatchObject([
      { name: 'read_file', input: { path: 'a.txt' } },
      { name: 'read_file', input: { path: 'b.txt' } },
    ])
  })

  test('a stream has the events of the API, in its order', async () => {
    const response = await fetch(`${await startModel()}/v1/messages`, {
      method: 'POST',
      headers,
      body: JSON.stringify({
        model: 'm',
        max_tokens: 9,
        stream: true,
        messages: [user('count to 30')],
      }),
    })
    expect(response.headers.get('content-type')).toContain('text/event-stream')
    const body = await response.text()
    const names = [...body.matchAll(/^event: (.+)$/gm)].map((match) => match[1])
    expect(names.filter((name, at) => name !== names[at - 1])).toEqual([
      'message_start',
      'content_block_start',
      'ping',
      'content_block_delta',
      'content_block_stop',
      'message_delta',
      'message_stop',
    ])
    expect(names.filter((name) => name === 'content_block_delta').length).toBeGreaterThan(3)
  })

  test('it decides from the request alone: read, then edit, then a final answer', async () => {
    const client = new Anthropic({ apiKey: 'none', baseURL: await startModel() })
    const messages: Anthropic.MessageParam[] = [
      { role: 'user', content: 'add a greeting to hello.txt' },
    ]
    const results = ['Dear reader,\n', 'Edited hello.txt.']
    const asked: unknown[] = []
    for (;;) {
      const message = await client.messages.create({
        model: 'm',
        max_tokens: 100,
        tools: fileTools,
        messages,
      })
      const [block] = message.content
      if (block?.type !== 'tool_use') {
        asked.push(block?.type === 'text' ? block.text : undefined)
        break
      }
      asked.push([block.name, block.input])
      messages.push({ role: 'assistant', content: message.content })
      messages.push({
        role: 'user',
        content: [{ type: 'tool_result', tool_use_id: block.id, content: results.shift() ?? '' }],
      })
    }
    expect(asked).toEqual([
      ['read_file', { path: 'hello.txt' }],
      [
        'edit_file',
        {
          path: 'hello.txt',
          old_text: 'Dear reader,',
          new_text: 'Dear reader,\nHello, world!',
        },
      ],
      expect.stringContaining('Done. I added “Hello, world!” to hello.txt'),
    ])
  })

  test('it asks only for offered tools, and says what it can do', async () => {
    const client = new Anthropic({ apiKey: 'none', baseURL: await startModel() })
    const say = async (content: string) => {
      const message = await client.messages.create({
        model: 'm',
        max_tokens: 9,
        messages: [{ role: 'user', content }],
      })
      return message.content
    }
    expect(await say('list files')).toMatchObject([
      { type: 'text', text: expect.stringContaining('list_files') },
    ])
    expect(await say('who are you?')).toMatchObject([
      { type: 'text', text: expect.stringMatching(/scripted model.*add a greeting/s) },
    ])
  })
})

describe('the other APIs', () => {
  const chatUser = { role: 'user', content: 'x' }
  const item = { type: 'function_call', call_id: 'call_1', name: 'read_file', arguments: '{}' }
  const part = { functionCall: { id: 'call_1', name: 'read_file', args: {} } }
  const chatCall = { id: 'call_1', type: 'function', function: { name: 'f', arguments: '{}' } }
  const bearer = { authorization: 'Bearer none' }
  const goog = { 'x-goog-api-key': 'none' }
  const chat = '/v1/chat/completions'
  const responses = '/v1/responses'
  const gemini = '/v1beta/models/m:generateContent'

  test.each([
    ['no messages', chat, bearer, { model: 'm' }, "Missing required parameter: 'messages'"],
    [
      'a tool call that nothing answers',
      chat,
      bearer,
      { model: 'm', messages: [chatUser, { role: 'assistant', tool_calls: [chatCall] }, chatUser] },
      /must be followed by tool messages.*call_1/,
    ],
    [
      'a result that nothing asked for',
      chat,
      bearer,
      {
        model: 'm',
        messages: [chatUser, { role: 'tool', tool_call_id: 'call_2', content: 'x' }],
      },
      /must be a response to a preceding message.*call_2/,
    ],
    ['no input', responses, bearer, { model: 'm' }, "Missing required parameter: 'input'"],
    [
      'a call without output',
      responses,
      bearer,
      { model: 'm', input: [chatUser, item] },
      'No tool output found for function call call_1',
    ],
    [
      'an output without a call',
      responses,
      bearer,
      {
        model: 'm',
        input: [chatUser, { type: 'function_call_output', call_id: 'call_2', output: '' }],
      },
      'No tool call found for function call output with call_id call_2',
    ],
    ['no contents', gemini, goog, {}, 'contents is not specified'],
    [
      'fewer responses than calls',
      gemini,
      goog,
      { contents: [{ parts: [{ text: 'x' }] }, { role: 'model', parts: [part] }] },
      'number of function response parts is equal',
    ],
  ])('%s is refused at %s', async (_name, path, headers, body, message) => {
    const response = await fetch((await startModel()) + path, {
      method: 'POST',
      headers,
      body: JSON.stringify(body),
    })
    expect(response.status).toBe(400)
    expect((await response.json()).error.message).toMatch(message)
  })

  test.each([chat, responses, gemini])('a request without a key is refused at %s', async (path) => {
    const response = await fetch((await startModel()) + path, { method: 'POST', body: '{}' })
    expect(response.status).toBe(401)
    expect((await response.json()).error.message).toEqual(expect.any(String))
  })

  test('calls of Gemini without ids are answered by name, in order', async () => {
    const call = (path: string) => ({ functionCall: { name: 'read_file', args: { path } } })
    const answer = (output: string) => ({
      functionResponse: { name: 'read_file', response: { output } },
    })
    const response = await fetch((await startModel()) + gemini, {
      method: 'POST',
      headers: goog,
      body: JSON.stringify({
        tools: [{ functionDeclarations: [{ name: 'read_file' }] }],
        contents: [
          { parts: [{ text: 'read a and b' }] },
          { role: 'model', parts: [call('a'), call('b')] },
          { role: 'user', parts: [answer('Content of a.'), answer('Content of b.')] },
        ],
      }),
    })
    const { candidates } = await response.json()
    expect(candidates[0].content.parts[0].text).toBe(
      'This is a:\n\nContent of a.\n\nThis is b:\n\nContent of b.',
    )
  })

  test.each([
    [
      responses,
      bearer,
      { model: 'm', stream: true, input: 'count to 30' },
      [
        'response.created',
        'response.in_progress',
        'response.output_item.added',
        'response.content_part.added',
        'response.output_text.delta',
        'response.output_text.done',
        'response.content_part.done',
        'response.output_item.done',
        'response.completed',
      ],
    ],
    [
      chat,
      bearer,
      {
        model: 'm',
        stream: true,
        stream_options: { include_usage: true },
        messages: [{ role: 'user', content: 'count to 30' }],
      },
      ['role', 'content', 'finish', 'usage', '[DONE]'],
    ],
    [
      '/v1beta/models/m:streamGenerateContent?alt=sse',
      goog,
      { contents: [{ parts: [{ text: 'count to 30' }] }] },
      ['text', 'finish'],
    ],
  ])('a stream of %s has its events, in their order', async (path, headers, body, kinds) => {
    const response = await fetch((await startModel()) + path, {
      method: 'POST',
      headers,
      body: JSON.stringify(body),
    })
    expect(response.headers.get('content-type')).toContain('text/event-stream')
    const events = (await response.text()).split('\n\n').slice(0, -1)
    const seen = events.map(kindOf)
    expect(seen.filter((kind, at) => kind !== seen[at - 1])).toEqual(kinds)
    expect(events.length).toBeGreaterThan(kinds.length + 2)
  })

  function kindOf(event: string): string {
    const text = event.slice(event.indexOf('data: ') + 'data: '.length)
    if (text === '[DONE]') return text
    const { type, choices, candidates } = JSON.parse(text)
    if (type !== undefined) return type
    const [first] = choices ?? candidates
    if (first === undefined) return 'usage'
    if (first.finish_reason ?? first.finishReason) return 'finish'
    if (candidates) return 'text'
    return first.delta.role === undefined ? 'content' : 'role'
  }
})
