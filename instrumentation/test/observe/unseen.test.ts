/** What an app's traffic with models that are not understood leaves: counts by address, and nothing of what was said. */
import { once } from 'node:events'
import * as http from 'node:http'
import * as http2 from 'node:http2'
import type { AddressInfo, Server } from 'node:net'
import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import type { SentRequest } from '../programs/unseen-host.ts'
import { startChat } from '../support/chat.ts'
import { startMessagesApi } from '../support/messages-api.ts'
import { runProgram } from '../support/observed-program.ts'
import { type RecordedLog, readRecorded } from '../support/recorded.ts'
import { makeWorkspace } from '../support/workspace.ts'

const streamed = 'data: {"choices":[{"delta":{"content":"hel"}}]}\n\ndata: [DONE]\n\n'
const progress = 'data: {"message":"half of it is done"}\n\n'
const answered = JSON.stringify({ id: 'a', choices: [{ message: { content: 'secret answer' } }] })
const bodies: Readonly<Record<string, readonly [type: string, body: string | Buffer]>> = {
  '/stream': ['text/event-stream', streamed],
  '/lines': ['application/x-ndjson', '{"token":"hel"}\n{"token":"lo"}\n'],
  '/progress': ['text/event-stream', progress],
  '/packed': ['application/json', gzipSync(answered)],
  '/plain': ['application/json', answered],
}

function answerTo(path: string) {
  const [type, body] = bodies[path] ?? ['application/json', '{"ok":true}']
  const headers = {
    'content-type': type,
    ...(path === '/packed' ? { 'content-encoding': 'gzip' } : {}),
  }
  return { headers, body }
}

async function listening(server: Server, scheme = 'http') {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.dispose]: () => void server.close(),
  }
}

/** The app's run without and with the preload, whose output must be equal, and its records. */
async function send(
  requests: readonly SentRequest[],
  files: readonly string[] = [],
  settings: Readonly<Record<string, string>> = {},
) {
  const server = http.createServer((request, response) => {
    request.resume().on('end', () => {
      const { headers, body } = answerTo(request.url ?? '')
      response.writeHead(200, headers).end(body)
    })
  })
  const overHttp2 = http2.createServer()
  overHttp2.on('stream', (stream, { ':path': path }) => {
    stream.resume().on('end', () => {
      const { headers, body } = answerTo(String(path))
      stream.respond(headers)
      stream.end(body)
    })
  })
  using plain = await listening(server)
  using second = await listening(overHttp2)
  using bare = makeWorkspace()
  using workspace = makeWorkspace()
  const env = {
    SERVER: plain.url,
    HTTP2: second.url,
    REQUESTS: JSON.stringify(requests),
    FILES: JSON.stringify(files),
    ...settings,
  }
  const without = await runProgram('unseen-host.ts', { cwd: bare.folder, env })
  const observed = await runProgram('unseen-host.ts', {
    cwd: workspace.folder,
    spool: workspace.spool,
    env,
  })
  expect(observed).toEqual({ ...without, pid: observed.pid })
  expect(without).toMatchObject({ stderr: '', code: 0 })
  return unseenIn(readRecorded(workspace.spool).logs)
}

function unseenIn(logs: readonly RecordedLog[]) {
  return logs
    .filter(({ event }) => event === 'turnlog.unseen')
    .map(({ attributes }) =>
      [
        attributes['turnlog.unseen.reason'],
        attributes['turnlog.unseen.why'] ?? '',
        ...('server.address' in attributes
          ? [`${String(attributes['server.address'])}${String(attributes['url.template'])}`]
          : []),
        attributes['turnlog.unseen.count'],
      ].join(' '),
    )
}

const clients = ['fetch', 'http', 'undici 6', 'http2'] as const
const asked = { model: 'm', messages: [{ role: 'user', content: 'hello' }] }
const type = 'application/json'

test.for(clients)('through %s: by the request, the stream or the answer', async (client) => {
  expect(
    await send([
      { client, type, path: '/v1/agents/42/run?key=secret', body: asked },
      { client, type, path: '/v1/agents/43/run', body: asked },
      { client, type, path: '/v1/agents/44/run', body: asked },
      { client, type, path: '/stream', body: { q: 'hello' } },
      { client, type, path: '/lines', body: { q: 'hello' } },
      { client, type, path: '/packed', body: { q: 'hello' } },
      { client, type, path: '/plain', body: { q: 'hello' } },
    ]),
  ).toEqual([
    'model_traffic request_body 127.0.0.1/v1/agents/{id}/run 1',
    'model_traffic event_stream 127.0.0.1/stream 1',
    'model_traffic event_stream 127.0.0.1/lines 1',
    'model_traffic answer_body 127.0.0.1/packed 1',
    'model_traffic answer_body 127.0.0.1/plain 1',
    'model_traffic request_body 127.0.0.1/v1/agents/{id}/run 2',
  ])
})

test.for(clients)('through %s: nothing of other traffic', async (client) => {
  const rpc = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: {} }
  expect(
    await send([
      { client, type, path: '/stream', body: rpc },
      { client, type, path: '/progress', body: { job: 3 } },
      { client, type, path: '/v1/embeddings', body: { model: 'm', input: 'hello' } },
      { client, type, path: '/v1/messages/count_tokens', body: asked },
      { client, type, path: '/other', body: { messages: [{ data: 'aGk=' }] } },
      { client, type: 'application/octet-stream', path: '/upload', body: asked },
      { client, path: '/stream', method: 'GET' },
    ]),
  ).toEqual([])
})

test('any stream from a foreign host counts, but for JSON-RPC', async () => {
  const client = 'http'
  const host = 'api.new-model.example'
  expect(
    await send([
      { client, host, type, path: '/progress', body: { job: 3 } },
      { client, host, type, path: '/progress', body: { jsonrpc: '2.0', method: 'x' } },
    ]),
  ).toEqual(['model_traffic event_stream api.new-model.example/progress 1'])
})

test('a request at the path of a model API, with another body, is looked at as well', async () => {
  expect(
    await send([
      { client: 'fetch', type, path: '/inbox/messages', body: { text: 'hello' } },
      { client: 'fetch', type, path: '/inbox/messages', body: { messages: asked.messages } },
      { client: 'http', type, path: '/api/generate', body: { model: 'm', input: 'hello' } },
    ]),
  ).toEqual([
    'model_traffic request_body 127.0.0.1/inbox/messages 1',
    'model_traffic request_body 127.0.0.1/api/generate 1',
  ])
})

test('a request of an SDK that records the call itself does not count', async () => {
  const request = { client: 'fetch', type, path: '/v1/run', body: asked } as const
  expect(await send([{ ...request, isTraced: true }, request])).toEqual([
    'model_traffic request_body 127.0.0.1/v1/run 1',
  ])
})

test('a model call whose answer is not seen counts, and has not failed', async () => {
  expect(await send([{ client: 'silent', path: '/v1/messages' }])).toEqual([
    'model_call_bytes  127.0.0.1/v1/messages 1',
  ])
})

test('a socket of a model API counts', async () => {
  expect(await send([{ client: 'http', method: 'GET', path: '/v1/realtime?model=m' }])).toEqual([
    'model_traffic websocket 127.0.0.1/v1/realtime 1',
  ])
  expect(await send([{ client: 'WebSocket', path: '/v1/responses' }])).toEqual([
    'model_traffic websocket 127.0.0.1/v1/responses 1',
  ])
})

test('files that an agent changes outside of any turn count once each, those of other apps do not', async () => {
  const request: SentRequest = { client: 'fetch', type, path: '/run', body: asked }
  expect(await send([request], ['one.txt', 'two.txt'])).toEqual([
    'model_traffic request_body 127.0.0.1/run 1',
    'workspace_change outside_turn 1',
    'workspace_change outside_turn 3',
  ])
  expect(await send([], ['one.txt'])).toEqual([])
})

test('a file that a thread of an agent changes outside of any turn counts, that of another app does not', async () => {
  const request: SentRequest = { client: 'fetch', type, path: '/run', body: asked }
  const counted = await send([request], [], { THREAD: 'thread.txt' })
  expect(counted.toSorted()).toEqual([
    'model_traffic request_body 127.0.0.1/run 1',
    'workspace_change outside_turn 1',
  ])
  expect(await send([], [], { THREAD: 'thread.txt' })).toEqual([])
})

test('a file that a turn writes and leaves out counts once, if it is in the workspace', async () => {
  using workspace = makeWorkspace()
  const { folder, spool } = workspace
  await runProgram('opens-early.ts', { cwd: folder, spool })
  const { spans, logs } = readRecorded(spool)
  expect(spans.map(({ attributes }) => attributes['turnlog.file_operations.left_out'])).toEqual([4])
  expect(unseenIn(logs)).toEqual(['workspace_change opened_before 1'])
})

test('a turn that is seen leaves nothing that is not', async () => {
  await using chat = await startChat({
    answer: ({ messages }) =>
      messages.length > 1
        ? { text: 'Written.' }
        : { tools: [{ id: 'tu_1', name: 'write_file', input: { path: 'a.txt', content: 'a' } }] },
  })
  await chat.post('hello')
  expect(unseenIn((await chat.recorded()).logs)).toEqual([])
})

test('neither does an agent without a server, whose turn is seen', async () => {
  await using api = await startMessagesApi(({ messages }) =>
    messages.length > 1
      ? { text: 'Written.' }
      : { tools: [{ id: 'tu_1', name: 'write_file', input: { path: 'a.txt', content: 'a' } }] },
  )
  using workspace = makeWorkspace()
  const env = { API: api.url, PROMPTS: JSON.stringify(['hello']) }
  const { folder, spool } = workspace
  await runProgram('terminal-agent.ts', { cwd: folder, spool, env })
  const { spans, logs } = readRecorded(spool)
  expect(spans.map(({ name }) => name)).toContain('file.create')
  expect(unseenIn(logs)).toEqual([])
  // Nor has its first turn left out what the preload itself writes.
  const leftOut = spans.filter(({ attributes }) => 'turnlog.file_operations.left_out' in attributes)
  expect(leftOut.map(({ name }) => name)).toEqual([])
})
