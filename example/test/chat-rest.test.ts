import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { isOwnPage } from '../src/routes/own-page.ts'
import { listen, startApp, startModel } from './support/app.ts'
import { eventually } from './support/patience.ts'
import { isRunning, longCommand, longCommandOf } from './support/running.ts'

test('a message is answered as JSON, and the file exists', async () => {
  const app = await startApp()
  const response = await app.post({ message: 'add a greeting to hello.txt' })
  expect(response.status).toBe(200)
  expect(await response.json()).toEqual({
    answer: expect.stringContaining('Hello, world!'),
    conversation_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
  })
  expect(readFileSync(join(app.workspace, 'hello.txt'), 'utf8')).toBe('Hello, world!\n')
})

test('with stream, the same answer comes in several chunks of plain text', async () => {
  const app = await startApp({ modelUrl: await startModel({ pieceDelayMs: 1 }) })
  const response = await app.post({ message: 'what can you do?', stream: true })
  expect(response.headers.get('content-type')).toBe('text/plain; charset=utf-8')
  expect(response.headers.get('x-conversation-id')).toMatch(/^[0-9a-f-]{36}$/)
  expect(response.headers.get('transfer-encoding')).toBe('chunked')
  const chunks: string[] = []
  const decoder = new TextDecoder()
  for await (const chunk of response.body ?? []) {
    chunks.push(decoder.decode(chunk, { stream: true }))
  }
  expect(chunks.length).toBeGreaterThan(2)
  const { answer } = await (await app.post({ message: 'what can you do?' })).json()
  expect(chunks.join('')).toBe(answer)
})

test('a conversation continues under its id, with its history', async () => {
  const asked: number[] = []
  const modelUrl = await startModel({
    answerTo: ({ messages }) => {
      asked.push(messages.length)
      return { text: 'Yes.', toolUses: [] }
    },
  })
  const app = await startApp({ modelUrl })
  const first = await (await app.post({ message: 'one' })).json()
  const { conversation_id } = first
  const second = await (await app.post({ message: 'two', conversation_id })).json()
  expect(second.conversation_id).toBe(conversation_id)
  await app.post({ message: 'three', conversation_id: 'my-own.id' })
  expect(asked).toEqual([1, 3, 1])
})

test.each([
  ['no message', {}],
  ['an empty message', { message: ' \n' }],
  ['a message that is no text', { message: 5 }],
  ['a conversation_id no header can carry', { message: 'x', conversation_id: 'a\nb' }],
  ['a stream that is neither true nor false', { message: 'x', stream: 'yes' }],
  ['no object', []],
])('%s is answered with 400', async (_name, body) => {
  const app = await startApp()
  const response = await app.post(body)
  expect(response.status).toBe(400)
  expect(await response.json()).toEqual({
    error: { code: 'invalid_message', message: expect.any(String) },
  })
})

test('a body that is not JSON is answered with 400', async () => {
  const app = await startApp()
  const response = await app.post(undefined, { body: '{"message"' })
  expect(response.status).toBe(400)
})

test('a prompt of 100 KB and more reaches the model whole', async () => {
  const message = 'ü'.repeat(600_000)
  const modelUrl = await startModel({
    answerTo: ({ messages }) => ({
      text: String(messages[0]?.content[0]?.type === 'text' && messages[0].content[0].text.length),
      toolUses: [],
    }),
  })
  const app = await startApp({ modelUrl })
  expect(await (await app.post({ message })).json()).toMatchObject({ answer: '600000' })
})

test('if the model refuses or cannot be reached, the answer is 502 with the reason, streamed or not', async () => {
  const refusing = await listen(
    createServer((_request, response) => {
      response.writeHead(529, { 'content-type': 'application/json' })
      response.end('{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}')
    }),
  )
  for (const [modelUrl, reason] of [
    [refusing, /Overloaded/],
    ['http://127.0.0.1:1', /could not be reached/],
  ] as const) {
    const app = await startApp({ modelUrl })
    for (const stream of [false, true]) {
      const response = await app.post({ message: 'x', stream })
      expect(response.status).toBe(502)
      expect(await response.json()).toEqual({
        error: { code: 'turn_failed', message: expect.stringMatching(reason) },
      })
    }
  }
})

test('a stream that fails in the middle is cut off, not ended', async () => {
  const modelUrl = await listen(
    createServer((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      for (const event of [
        { type: 'message_start', message: { content: [], usage: {} } },
        { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
        { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Half' } },
      ]) {
        response.write(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`)
      }
      setTimeout(() => response.destroy(), 50)
    }),
  )
  const app = await startApp({ modelUrl })
  const response = await app.post({ message: 'x', stream: true })
  expect(response.status).toBe(200)
  await expect(response.text()).rejects.toThrow()
})

test.each([true, false])(
  'a client that disconnects ends its command (stream %s)',
  async (stream) => {
    const app = await startApp()
    const leaving = new AbortController()
    const response = app.post({ message: longCommand, stream }, { signal: leaving.signal })
    const command = await longCommandOf(app.workspace)
    leaving.abort()
    await expect(response).rejects.toThrow()
    await eventually(() => !isRunning(command))
  },
)

test.each([true, false])(
  'a client that leaves ends its request to the model (stream %s)',
  async (stream) => {
    let requests = 0
    let left = 0
    const modelUrl = await listen(
      createServer((_request, response) => {
        requests += 1
        response.on('close', () => {
          left += 1
        })
      }),
    )
    const app = await startApp({ modelUrl })
    const leaving = new AbortController()
    const response = app.post({ message: 'x', stream }, { signal: leaving.signal })
    await eventually(() => requests === 1)
    leaving.abort()
    await expect(response).rejects.toThrow()
    await eventually(() => left === 1)
    expect(requests).toBe(1)
  },
)

test('closing waits for a turn that ends soon', async () => {
  const modelUrl = await startModel({ pieceDelayMs: 5 })
  const app = await startApp({ modelUrl })
  const response = await app.post({ message: 'count to 100', stream: true })
  const closed = app.close()
  expect(await response.text()).toMatch(/^1 2 .* 100$/)
  await closed
})

test('closing aborts a turn that does not end, within two seconds', async () => {
  const app = await startApp()
  const response = app.post({ message: longCommand })
  const command = await longCommandOf(app.workspace)
  const begin = performance.now()
  await app.close()
  expect(performance.now() - begin).toBeLessThan(2_500)
  expect(isRunning(command)).toBe(false)
  expect((await response).status).toBe(503)
})

test.each([
  ['a program of this machine', { host: '127.0.0.1:8000' }, true],
  ['the own page', { host: 'localhost:8000', origin: 'http://localhost:8000' }, true],
  ['the own page by IPv6', { host: '[::1]:8000', origin: 'http://[::1]:8000' }, true],
  ['a name rebound to this machine', { host: 'evil.test:8000' }, false],
  ['a name that begins like ours', { host: 'localhost.evil.test' }, false],
  ['another app of this machine', { host: 'localhost:8000', origin: 'http://localhost:9' }, false],
  ['a page without an origin of its own', { host: 'localhost:8000', origin: 'null' }, false],
  ['no host at all', {}, false],
])('%s: may it speak to the app?', (_name, headers, may) => {
  expect(isOwnPage(headers)).toBe(may)
})

test('requests from pages of other sites are refused', async () => {
  const app = await startApp()
  writeFileSync(join(app.workspace, 'a.txt'), 'x')
  const message = 'delete a.txt'
  const json = { 'content-type': 'application/json' }
  const foreign = await app.post({ message }, { headers: { ...json, origin: 'http://evil.test' } })
  expect(foreign.status).toBe(403)
  const form = await app.post({ message }, { headers: { 'content-type': 'text/plain' } })
  expect(form.status).toBe(400)
  expect(existsSync(join(app.workspace, 'a.txt'))).toBe(true)
  const own = await app.post({ message }, { headers: { ...json, origin: app.url } })
  expect(own.status).toBe(200)
})
