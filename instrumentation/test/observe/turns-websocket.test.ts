import { once } from 'node:events'
import { expect, test } from 'vitest'
import { isTurn, startChat, textOf, turnTrees } from '../support/chat.ts'
import { type ApiAnswer, type ApiRequest, lastText } from '../support/messages-api.ts'

function writesOnce(request: ApiRequest): ApiAnswer {
  const text = lastText(request)
  if (text === '') return { text: 'Written.' }
  const input = { path: `${text}.txt`, content: text }
  return { text: 'I write.', tools: [{ id: `tu_${text}`, name: 'write_file', input }] }
}

const treeOf = (name: string) =>
  `turn\n  chat\n  execute_tool write_file\n    file.create ${name}.txt\n  chat`

const kinds = ['async', 'void', 'arrow', 'once', 'attribute', 'target']

test('a message is a turn, however the app hears it', async () => {
  await using chat = await startChat({ server: 'ws', client: 'sdk-stream', answer: writesOnce })
  for (const kind of kinds) {
    const { socket, say } = await chat.connect(kind)
    expect(await say(kind)).toMatchObject({ type: 'done', answer: 'Written.' })
    socket.close()
    await once(socket, 'close')
  }
  const recorded = await chat.recorded()
  expect(turnTrees(recorded)).toEqual(kinds.map(treeOf))
  const turns = recorded.spans.filter(isTurn).toSorted((a, b) => a.startMs - b.startMs)
  for (const [index, kind] of kinds.entries()) {
    expect(turns[index]?.attributes).toMatchObject({
      'turnlog.turn.transport': 'websocket',
      'turnlog.turn.outcome': 'completed',
      'url.path': '/ws/chat',
      'gen_ai.conversation.id': `c-${kind}`,
    })
    expect(textOf(turns[index], 'gen_ai.input.messages')).toBe(kind)
    expect(textOf(turns[index], 'gen_ai.output.messages')).toBe('Written.')
  }
})

test('a message is a turn where `ws` is part of a bundle', async () => {
  await using chat = await startChat({ server: 'ws-bundled', answer: writesOnce })
  const { socket, say } = await chat.connect()
  await say('one')
  await say('two')
  socket.close()
  await once(socket, 'close')
  const recorded = await chat.recorded()
  expect(turnTrees(recorded)).toEqual(['one', 'two'].map(treeOf))
})

test.each(['async', 'void'])('two turns at once on one socket (%s) do not mix', async (kind) => {
  const gate = Promise.withResolvers<void>()
  await using chat = await startChat({
    server: 'ws',
    client: 'sdk-stream',
    answer: (request) => ({ ...writesOnce(request), until: gate.promise }),
  })
  const { say } = await chat.connect(kind)
  const both = Promise.all([say('left'), say('right')])
  await expect.poll(() => chat.api.requests.length).toBe(2)
  gate.resolve()
  await both
  const recorded = await chat.recorded()
  expect(new Set(turnTrees(recorded))).toEqual(new Set([treeOf('left'), treeOf('right')]))
  const ids = recorded.spans
    .filter(isTurn)
    .map(({ attributes }) => attributes['gen_ai.conversation.id'])
  expect(new Set(ids)).toEqual(new Set(['c-left', 'c-right']))
})

test('a socket that closes in mid-answer aborts its turn; the next socket begins another', async () => {
  const gate = Promise.withResolvers<void>()
  await using chat = await startChat({
    server: 'ws',
    client: 'sdk-stream',
    answer: (request) =>
      lastText(request) === 'wait'
        ? { text: 'Never heard.', until: gate.promise }
        : writesOnce(request),
  })
  const first = await chat.connect()
  first.socket.send(JSON.stringify({ text: 'wait', id: 'wait' }))
  await once(first.socket, 'message')
  first.socket.terminate()
  const second = await chat.connect()
  await second.say('again')
  gate.resolve()
  await chat.host.line('answered', 2)
  const turns = (await chat.recorded()).spans.filter(isTurn)
  const outcomeOf = (prompt: string) =>
    turns.find((turn) => textOf(turn, 'gen_ai.input.messages') === prompt)?.attributes[
      'turnlog.turn.outcome'
    ]
  expect(turns).toHaveLength(2)
  expect([outcomeOf('wait'), outcomeOf('again')]).toEqual(['aborted', 'completed'])
})

test('a turn whose model fails has failed, over either transport', async () => {
  for (const server of ['ws', 'http']) {
    await using chat = await startChat({ server, answer: () => ({ status: 400 }) })
    if (server === 'http') await chat.post('hello')
    else await (await chat.connect()).say('hello')
    const turn = (await chat.recorded()).spans.find(isTurn)
    expect(turn?.attributes['turnlog.turn.outcome']).toBe('failed')
    expect(turn?.status).toBe(2)
  }
})

test('messages without a model call are not turns', async () => {
  await using chat = await startChat({ server: 'ws', answer: writesOnce })
  const { socket } = await chat.connect()
  for (let count = 0; count < 10; count += 1) socket.ping()
  socket.close()
  await once(socket, 'close')
  expect((await chat.recorded()).spans).toEqual([])
})
