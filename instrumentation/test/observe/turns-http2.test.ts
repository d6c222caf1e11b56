/** Turns on HTTP/2 servers, asked by the client of `node:http2`: as on HTTP/1.1. */
import { once } from 'node:events'
import * as http2 from 'node:http2'
import { expect, test } from 'vitest'
import { isTurn, startChat, textOf, turnTrees } from '../support/chat.ts'
import { lastText } from '../support/messages-api.ts'

const never = new Promise(() => undefined)

type Chat = Awaited<ReturnType<typeof startHost>>

async function startHost(server: string) {
  return startChat({
    program: 'http2-host.ts',
    server,
    answer(request) {
      const text = lastText(request)
      if (text === 'fail') return { status: 400 }
      return { text: `Answer to ${text}.`, ...(text === 'wait' ? { until: never } : {}) }
    },
  })
}

function connect({ address }: Chat, scheme = 'http') {
  const session = http2.connect(`${scheme}://${address}`, { rejectUnauthorized: false })
  const open = (headers: http2.OutgoingHttpHeaders = {}) =>
    session.request({
      ':method': 'POST',
      ':path': '/api/chat?x=1',
      'content-type': 'application/json',
      ...headers,
    })
  return {
    open,
    /** `pieces`: the body, each in a frame of its own. */
    async ask(...pieces: string[]) {
      const stream = open()
      const [first = '', ...rest] = pieces
      stream.write(first)
      for (const piece of rest) {
        await new Promise((resolve) => setTimeout(resolve, 20))
        stream.write(piece)
      }
      stream.end()
      const [headers] = await once(stream, 'response')
      stream.setEncoding('utf8')
      let text = ''
      for await (const piece of stream) text += piece
      return { status: Number(headers[':status']), text }
    },
    [Symbol.dispose]: () => session.close(),
  }
}

const bodyOf = (message: string, stream?: boolean) => JSON.stringify({ message, stream })

test.for(['stream', 'compat', 'fastify'])('a turn on an HTTP/2 server (%s)', async (server) => {
  await using chat = await startHost(server)
  using client = connect(chat)
  const answer = JSON.stringify({ answer: 'Answer to one.', conversation_id: 'c-body' })
  expect(await client.ask(bodyOf('one'))).toEqual({ status: 200, text: answer })
  const recorded = await chat.recorded()
  expect(turnTrees(recorded)).toEqual(['turn\n  chat\n  file.create one.txt'])
  const [turn] = recorded.spans.filter(isTurn)
  expect(turn?.attributes).toMatchObject({
    'turnlog.turn.transport': 'rest',
    'turnlog.turn.outcome': 'completed',
    'url.path': '/api/chat',
    'http.request.method': 'POST',
    'http.response.status_code': 200,
    'gen_ai.conversation.id': 'c-body',
  })
  expect(turn && textOf(turn, 'gen_ai.input.messages')).toBe('one')
  expect(turn && textOf(turn, 'gen_ai.output.messages')).toBe('Answer to one.')
})

test.for(['stream', 'compat'])(
  'turns side by side on one connection do not mix, with bodies in pieces (%s)',
  async (server) => {
    await using chat = await startHost(server)
    using client = connect(chat)
    const names = ['one', 'two', 'three', 'four']
    const answers = await Promise.all(
      names.map((name) => client.ask('{"message":', `"${name}`, `"}`)),
    )
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200])
    const recorded = await chat.recorded()
    expect(new Set(turnTrees(recorded))).toEqual(
      new Set(names.map((name) => `turn\n  chat\n  file.create ${name}.txt`)),
    )
    for (const turn of recorded.spans.filter(isTurn)) {
      const prompt = textOf(turn, 'gen_ai.input.messages')
      expect(textOf(turn, 'gen_ai.output.messages')).toBe(`Answer to ${prompt}.`)
    }
  },
)

test('a streamed answer over TLS names its conversation in a header', async () => {
  await using chat = await startHost('secure')
  using client = connect(chat, 'https')
  expect((await client.ask(bodyOf('hello', true))).text).toBe('Answer to hello.')
  const [turn] = (await chat.recorded()).spans.filter(isTurn)
  expect(turn?.attributes['gen_ai.conversation.id']).toBe('c-head')
  expect(turn && textOf(turn, 'gen_ai.output.messages')).toBe('Answer to hello.')
})

test('a client that resets its stream aborts its turn', async () => {
  await using chat = await startHost('stream')
  using client = connect(chat)
  const stream = client.open()
  stream.end(bodyOf('wait', true))
  stream.once('data', () => stream.close(http2.constants.NGHTTP2_CANCEL))
  await once(stream, 'close')
  await chat.host.line('left')
  const [turn] = (await chat.recorded()).spans.filter(isTurn)
  expect(turn?.attributes['turnlog.turn.outcome']).toBe('aborted')
})

test('an answer of status 502 fails the turn', async () => {
  await using chat = await startHost('compat')
  using client = connect(chat)
  expect((await client.ask(bodyOf('fail'))).status).toBe(502)
  const [turn] = (await chat.recorded()).spans.filter(isTurn)
  expect(turn?.attributes).toMatchObject({
    'turnlog.turn.outcome': 'failed',
    'http.response.status_code': 502,
  })
})
