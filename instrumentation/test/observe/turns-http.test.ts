import { once } from 'node:events'
import * as net from 'node:net'
import { expect, test } from 'vitest'
import { isTurn, startChat, textOf, turnTrees } from '../support/chat.ts'
import { type ApiAnswer, type ApiRequest, lastText } from '../support/messages-api.ts'
import type { Recorded, RecordedSpan } from '../support/recorded.ts'

/** Asks for one file to be written, then answers; anything else is answered at once. */
function writesOnce(request: ApiRequest): ApiAnswer {
  const text = lastText(request)
  if (!text.startsWith('write')) return { text: `Answer to ${text || 'the tool'}.` }
  const input = { path: `${text}.txt`, content: `${text}\n` }
  return { text: 'I write.', tools: [{ id: `tu_${text}`, name: 'write_file', input }] }
}

const treeOf = (file: string) =>
  `turn\n  chat\n  execute_tool write_file\n    file.create ${file}\n  chat`

const clients = [
  'sdk',
  'sdk-response',
  'sdk-beta',
  'sdk-stream',
  'sdk-create-stream',
  'fetch',
  'http',
]

test('a turn is one trace, nothing doubled, whatever the model is asked through', async () => {
  await using chat = await startChat({ answer: writesOnce })
  for (const client of clients) await chat.post(`write ${client}`, { client })
  const recorded = await chat.recorded()
  expect(turnTrees(recorded)).toEqual(clients.map((client) => treeOf(`write ${client}.txt`)))
  for (const turn of recorded.spans.filter(isTurn)) {
    expectWholeTurn(turn, recorded)
    expect(turn.attributes['http.response.status_code']).toBe(200)
  }
})

test.each(['fastify', 'background'])('a turn on a server of another kind (%s)', async (server) => {
  await using chat = await startChat({ server, client: 'sdk-stream', answer: writesOnce })
  await chat.post('write it')
  await chat.host.line('answered')
  const recorded = await chat.recorded()
  expect(turnTrees(recorded)).toEqual([treeOf('write it.txt')])
  const [turn] = recorded.spans.filter(isTurn)
  if (turn !== undefined) expectWholeTurn(turn, recorded)
  const status = server === 'background' ? 202 : 200
  expect(turn?.attributes['http.response.status_code']).toBe(status)
})

function expectWholeTurn(turn: RecordedSpan, { spans }: Recorded): void {
  expect(turn.attributes).toMatchObject({
    'turnlog.turn.transport': 'rest',
    'turnlog.turn.outcome': 'completed',
    'url.path': '/api/chat',
    'http.request.method': 'POST',
    'gen_ai.request.model': 'claude-test',
    'gen_ai.usage.input_tokens': 20,
    'gen_ai.usage.output_tokens': 10,
  })
  expect(textOf(turn, 'gen_ai.input.messages')).toMatch(/^write /)
  expect(textOf(turn, 'gen_ai.output.messages')).toBe('Answer to the tool.')
  const calls = spans.filter(
    ({ traceId, attributes }) =>
      traceId === turn.traceId && attributes['gen_ai.operation.name'] === 'chat',
  )
  expect(calls.map((call) => call.kind)).toEqual([3, 3])
  expect(calls.map((call) => textOf(call, 'gen_ai.output.messages'))).toEqual([
    'I write.',
    'Answer to the tool.',
  ])
}

test('an app whose SDK does not trace has model calls of ours', async () => {
  const env = { ANTHROPIC_OPEN_TELEMETRY: 'false' }
  await using chat = await startChat({ answer: writesOnce, env })
  await chat.post('write it')
  const recorded = await chat.recorded()
  expect(turnTrees(recorded)).toEqual([treeOf('write it.txt')])
  expect(recorded.spans.filter(({ name }) => name === 'chat claude-test')).toHaveLength(2)
})

test('a streamed answer names its conversation in a header, a JSON answer in its body', async () => {
  await using chat = await startChat({ client: 'sdk-stream', answer: writesOnce })
  expect((await chat.post('hello', { stream: true })).text).toBe('Answer to hello.')
  await chat.post('again')
  const turns = (await chat.recorded()).spans.filter(isTurn)
  expect(turns.map(({ attributes }) => attributes['gen_ai.conversation.id'])).toEqual([
    'c-head',
    'c-body',
  ])
})

test('the address names the conversation where nothing else does, and the settings go before all', async () => {
  const env = { TELEMETRY_CONVERSATION_ID: 'header:x-room,room' }
  const answer = (request: ApiRequest): ApiAnswer =>
    lastText(request) === 'e' ? { status: 400 } : writesOnce(request)
  await using chat = await startChat({ client: 'fetch', answer, env })
  const ask = (url: string, body: object, headers: Readonly<Record<string, string>> = {}) =>
    fetch(`http://${chat.address}${url}`, { method: 'POST', body: JSON.stringify(body), headers })
  await (await ask('/threads/t1/runs', { message: 'a', stream: true })).text()
  await (await ask('/threads/t1/runs', { message: 'b' })).text()
  await (await ask('/threads/t1/runs', { message: 'c', stream: true, room: 7 })).text()
  await (await ask('/say', { message: 'd', room: 7 }, { 'x-room': 'h' })).text()
  await (await ask('/threads/t1/runs', { message: 'e' })).text()
  const turns = (await chat.recorded()).spans.filter(isTurn)
  const found = turns.map((turn) => [
    textOf(turn, 'gen_ai.input.messages'),
    turn.attributes['gen_ai.conversation.id'],
  ])
  expect(found).toEqual([
    // The program names it in a header of its streamed answer, and in the body of the other.
    ['a', 'c-head'],
    ['b', 'c-body'],
    ['c', '7'],
    ['d', 'h'],
    // A failed one has neither.
    ['e', 't1'],
  ])
})

test('a body in a later packet on a kept connection is a turn like any other', async () => {
  await using chat = await startChat({ answer: writesOnce })
  const [, port] = chat.address.split(':')
  const socket = net.connect(Number(port), '127.0.0.1')
  await once(socket, 'connect')
  for (const text of ['one', 'two', 'three']) {
    const body = JSON.stringify({ message: text })
    socket.write(
      `POST /api/chat HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`,
    )
    // The server has received only the head.
    await new Promise((resolve) => setImmediate(resolve))
    socket.write(body.slice(0, 5))
    await new Promise((resolve) => setImmediate(resolve))
    socket.write(body.slice(5))
    await once(socket, 'data')
  }
  socket.destroy()
  const { spans } = await chat.recorded()
  expect(spans.filter(isTurn).map((turn) => textOf(turn, 'gen_ai.input.messages'))).toEqual([
    'one',
    'two',
    'three',
  ])
  expect(new Set(spans.map(({ traceId }) => traceId)).size).toBe(3)
})

test('two turns side by side do not mix', async () => {
  const gate = Promise.withResolvers<void>()
  await using chat = await startChat({
    client: 'sdk-stream',
    answer: (request) => {
      const text = lastText(request)
      if (text === '') return { text: 'Done.', until: gate.promise }
      const input = { path: `${text}.txt`, content: text }
      return { tools: [{ id: `tu_${text}`, name: 'write_file', input }] }
    },
  })
  const both = Promise.all([chat.post('left'), chat.post('right')])
  await expect.poll(() => chat.api.requests.length).toBe(4)
  gate.resolve()
  await both
  const trees = turnTrees(await chat.recorded())
  expect(new Set(trees)).toEqual(new Set([treeOf('left.txt'), treeOf('right.txt')]))
})

test('a client that leaves in mid-answer aborts its turn; the partial answer is recorded', async () => {
  const gate = Promise.withResolvers<void>()
  await using chat = await startChat({
    client: 'sdk-stream',
    answer: () => ({ text: 'A long answer.', until: gate.promise }),
  })
  const aborting = new AbortController()
  const response = await fetch(`http://${chat.address}/api/chat`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ message: 'tell me', stream: true }),
    signal: aborting.signal,
  })
  await response.body?.getReader().read()
  aborting.abort()
  await chat.host.line('left')
  gate.resolve()
  await chat.host.line('answered')
  const { spans } = await chat.recorded()
  const turn = spans.find(isTurn)
  expect(turn?.attributes['turnlog.turn.outcome']).toBe('aborted')
  expect(textOf(turn, 'gen_ai.output.messages')).toContain('A long')
})

test('the response may end before the model call does: the turn ends with the later', async () => {
  const gate = Promise.withResolvers<void>()
  await using chat = await startChat({
    server: 'background',
    answer: () => ({ text: 'Late.', until: gate.promise }),
  })
  expect((await chat.post('begin')).status).toBe(202)
  gate.resolve()
  await chat.host.line('answered')
  const { spans } = await chat.recorded()
  const turn = spans.find(isTurn)
  const call = spans.find(({ name }) => name === 'anthropic.messages.create')
  expect(turn?.endMs).toBeGreaterThanOrEqual(Math.floor(call?.endMs ?? Number.NaN))
  expect(textOf(turn, 'gen_ai.output.messages')).toBe('Late.')
})

test('requests without a model call are not turns, even if they call the API for something else', async () => {
  await using chat = await startChat({ program: 'tool-runner.ts', answer: () => ({ text: '' }) })
  await fetch(`http://${chat.address}/models`)
  const { spans } = await chat.recorded()
  expect(spans.filter(isTurn)).toEqual([])
})

test("a browser's unsampled traceparent is linked, and does not stop recording", async () => {
  await using chat = await startChat({ answer: writesOnce })
  const traceId = '0af7651916cd43dd8448eb211c80319c'
  const headers = { traceparent: `00-${traceId}-b7ad6b7169203331-00` }
  await chat.post('write it', { headers })
  const recorded = await chat.recorded()
  expect(turnTrees(recorded)).toEqual([treeOf('write it.txt')])
  const turn = recorded.spans.find(isTurn)
  expect(turn?.traceId).not.toBe(traceId)
  expect(turn?.links).toMatchObject([
    { traceId, spanId: 'b7ad6b7169203331', attributes: { 'turnlog.link.type': 'caller' } },
  ])
})
