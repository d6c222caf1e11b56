import Anthropic from '@anthropic-ai/sdk'
import { describe, expect, test } from 'vitest'
import { pieces } from '../src/scripted-model/stream.ts'
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
