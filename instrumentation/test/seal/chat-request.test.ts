import { expect, test } from 'vitest'
import { chatRequestOf, conversationIdOf, promptBodyBytesMax } from '../../src/seal/chat-request.ts'

const promptOf = (body: Uint8Array, type?: string) =>
  chatRequestOf(body, { contentType: type }).prompt

test.for([
  ['message', { message: 'hi' }],
  ['text', { type: 'message', text: 'hi' }],
  ['prompt', { prompt: 'hi' }],
  ['input', { input: 'hi' }],
  ['query', { query: 'hi' }],
  ['question', { question: 'hi' }],
  ['content', { content: 'hi' }],
  ['message before content', { content: 'no', message: 'hi' }],
  ['an empty one passed over', { message: ' ', text: 'hi' }],
  ['a message object', { message: { role: 'user', content: 'hi' } }],
  [
    'a message of parts',
    {
      message: {
        parts: [{ type: 'text', text: 'h' }, { type: 'image' }, { type: 'text', text: 'i' }],
      },
    },
  ],
  [
    'messages',
    {
      messages: [
        { role: 'user', content: 'no' },
        { role: 'assistant', content: 'no' },
        { role: 'user', content: 'hi' },
        { role: 'assistant', content: 'no' },
      ],
    },
  ],
  ['messages of parts', { messages: [{ role: 'user', content: [{ type: 'text', text: 'hi' }] }] }],
  [
    'messages as input',
    { input: [{ role: 'user', content: [{ type: 'input_text', text: 'hi' }] }] },
  ],
  ['a list of messages', [{ role: 'user', content: 'hi' }]],
  ['wrapped', { event: 'chat', data: { text: 'hi' } }],
  ['a JSON string', 'hi'],
] as const)('JSON: %s', ([, body]) => {
  expect(promptOf(Buffer.from(JSON.stringify(body)), 'application/json; charset=utf-8')).toBe('hi')
  expect(promptOf(Buffer.from(JSON.stringify(body)))).toBe('hi')
})

test.for([
  ['text', 'hi there', 'text/plain', 'hi there'],
  ['text of a socket', 'hi there', undefined, 'hi there'],
  ['a form', 'message=hi+there&x=1', 'application/x-www-form-urlencoded', 'hi there'],
  ['JSON that curl calls a form', '{"message":"hi"}', 'application/x-www-form-urlencoded', 'hi'],
  ['text that begins like JSON', '{hm', undefined, '{hm'],
  ['broken JSON', '{"message":', 'application/json', undefined],
  ['no words of the user', '{"path":"x"}', 'application/json', undefined],
  ['null', 'null', 'application/json', undefined],
  ['a number', '7', 'application/json', undefined],
  ['nothing', '', 'text/plain', undefined],
  ['blanks', ' \n', 'text/plain', undefined],
  ['a file upload', 'message=hi', 'multipart/form-data; boundary=x', undefined],
] as const)('%s', ([, body, type, prompt]) => {
  expect(promptOf(Buffer.from(body), type)).toBe(prompt)
})

test('bytes that are not text, and bodies above the limit, have no prompt', () => {
  expect(promptOf(Buffer.from([0, 1, 255]))).toBeUndefined()
  expect(promptOf(Buffer.alloc(promptBodyBytesMax + 1, 'a'))).toBeUndefined()
})

test.for([
  [{ conversation_id: 'c-7' }, 'c-7'],
  [{ conversationId: 'c-7' }, 'c-7'],
  [{ chat_id: 7 }, '7'],
  [{ chatId: 'c' }, 'c'],
  [{ thread_id: 0 }, '0'],
  [{ threadId: 't' }, 't'],
  [{ data: { threadId: 't' } }, 't'],
  [{ conversation_id: '', chat_id: 'c' }, 'c'],
  [{ conversation_id: null }, undefined],
  [{ conversation_id: { id: 1 } }, undefined],
  [[], undefined],
  ['c', undefined],
  [undefined, undefined],
] as const)('the conversation of %j is %j', ([json, id]) => {
  expect(conversationIdOf(json)).toBe(id)
})

test('a form and a JSON body give prompt and conversation at once', () => {
  const both = { prompt: 'hi', conversationId: 'c' }
  expect(chatRequestOf(Buffer.from('{"message":"hi","conversation_id":"c"}'))).toEqual(both)
  expect(
    chatRequestOf(Buffer.from('message=hi&chat_id=c'), {
      contentType: 'application/x-www-form-urlencoded',
    }),
  ).toEqual(both)
  expect(chatRequestOf(Buffer.from('{}'))).toEqual({})
})

test('endless wrapping is not followed', () => {
  const depth = 100_000
  const deep = Buffer.from(`${'{"data":'.repeat(depth)}{"text":"hi"}${'}'.repeat(depth)}`)
  expect(chatRequestOf(deep)).toEqual({})
  expect(chatRequestOf(Buffer.from(`${'['.repeat(depth)}${']'.repeat(depth)}`))).toEqual({})
})

test.for<[string, string, string | undefined]>([
  ['socket.io', '42["chat",{"text":"hello"}]', 'hello'],
  ['socket.io with an acknowledgement', '4217["chat","hello"]', 'hello'],
  ['socket.io with a namespace', '42/agents,3["chat",{"message":"hello"}]', 'hello'],
  [
    'socket.io with attachments',
    '451-["chat",{"message":"hello","image":{"_placeholder":true}}]',
    'hello',
  ],
  ['a batch of socket.io', '2\u001e42["typing"]\u001e42["chat",{"message":"hello"}]', 'hello'],
  ['a ping of socket.io', '2', undefined],
  ['a connection of socket.io', '40{"token":"x"}', undefined],
  ['SignalR', '{"type":1,"target":"Ask","arguments":["hello"]}\u001e', 'hello'],
  [
    'SignalR with several values',
    '{"type":1,"target":"Ask","arguments":["mara","hello"]}\u001e',
    undefined,
  ],
  [
    'GraphQL',
    '{"query":"mutation Ask($t: String!) { ask(text: $t) }","variables":{"text":"hello"}}',
    'hello',
  ],
  ['GraphQL without variables', '{"query":"{ me { name } }"}', undefined],
  [
    'graphql-ws',
    '{"id":"1","type":"subscribe","payload":{"query":"subscription { x }","variables":{"input":{"prompt":"hello"}}}}',
    'hello',
  ],
  ['JSON-RPC', '{"jsonrpc":"2.0","id":1,"method":"chat","params":{"message":"hello"}}', 'hello'],
  ['JSON-RPC with a list', '{"jsonrpc":"2.0","id":1,"method":"chat","params":["hello"]}', 'hello'],
  ['tRPC', '{"0":{"json":{"message":"hello"}}}', 'hello'],
  [
    'tRPC over a socket',
    '{"id":1,"method":"mutation","params":{"path":"chat","input":{"message":"hello"}}}',
    'hello',
  ],
  [
    'CopilotKit',
    '{"query":"mutation generate { x }","variables":{"data":{"messages":[{"textMessage":{"content":"hello","role":"user"}}]}}}',
    'hello',
  ],
  ['a prompt with a file', '{"text":"a long file","prompt":"hello"}', 'hello'],
  ['a search', '{"query":"hello"}', 'hello'],
  ['a number', '42', '42'],
  ['a text that begins with digits', '42 is the answer', '42 is the answer'],
])('of %s the prompt is what the user wrote', ([, body, expected]) => {
  expect(chatRequestOf(Buffer.from(body)).prompt).toBe(expected)
})

test.for<[string, object, string | undefined]>([
  ['useChat', { id: 'c-1', messages: [{ role: 'user', content: 'hi' }] }, 'c-1'],
  ['a session', { sessionId: 's-1', message: 'hi' }, 's-1'],
  ['a session in another style', { session_id: 7, message: 'hi' }, '7'],
  ['a conversation beside a session', { session_id: 7, chat_id: 'c-1', message: 'hi' }, 'c-1'],
  ['a message with an id', { id: 'm-1', message: 'hi' }, undefined],
])('the conversation of %s is known', ([, body, expected]) => {
  const { conversationId } = chatRequestOf(Buffer.from(JSON.stringify(body)))
  expect(conversationId).toBe(expected)
})

test.for([
  ['/api/conversations/42/messages', '42'],
  ['/threads/thread_abc123/runs', 'thread_abc123'],
  [
    '/threads/0b0cd2e0-7a3c-4c52-a6b5-0cf1f9e0a1bd/runs/stream',
    '0b0cd2e0-7a3c-4c52-a6b5-0cf1f9e0a1bd',
  ],
  ['/chats/V1StGXRjZjdHiBmyT', 'V1StGXRjZjdHiBmyT'],
  ['/chat/7', '7'],
  ['/sessions/s%201/threads/t1/runs', 't1'],
  ['/sessions/s%201', 's 1'],
  ['/say?thread_id=t%202', 't 2'],
  ['/threads/t1?conversationId=c1', 'c1'],
  ['/api/chat', undefined],
  ['/api/chat/stream', undefined],
  ['/v1/chat/completions', undefined],
  ['/chat/gpt-4o/completions', undefined],
  ['/chat/v2', undefined],
  ['/chats/v1/say', undefined],
  ['/sessions/new', undefined],
  ['/api/threads', undefined],
  ['/api/chat?thread_id=', undefined],
] as const)('the address %s names the conversation %s', ([url, expected]) => {
  const address = { url, fields: [], id: undefined }
  expect(chatRequestOf(Buffer.from('{}'), { address }).addressId).toBe(expected)
})

test('a member of the body that the settings name goes before the rest', () => {
  const body = Buffer.from('{"chat_id":"c","data":{"room":{"id":7}}}')
  const fields = [['room'], ['data', 'room', 'id']]
  const named = (id: string | undefined, given = fields) =>
    chatRequestOf(body, { address: { url: undefined, fields: given, id } }).namedId
  expect(named('h')).toBe('7')
  expect(named('h', [['room']])).toBe('h')
  expect(named(undefined, [['room']])).toBeUndefined()
})
