import { readdirSync } from 'node:fs'
import { expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { startApp, startModel } from './support/app.ts'
import { eventually, patience } from './support/patience.ts'
import { isRunning, longCommand, longCommandOf } from './support/running.ts'
import { openSocket, textOf } from './support/socket.ts'

test('a message is answered in deltas and done', async () => {
  const app = await startApp()
  const socket = await openSocket(app.url)
  socket.send({ text: 'add a greeting to hello.txt' })
  const frames = await socket.ended()
  expect(frames.filter((frame) => frame.type === 'delta').length).toBeGreaterThan(2)
  for (const frame of frames.slice(0, -1)) {
    expect(frame).toEqual({ type: 'delta', text: expect.any(String) })
  }
  expect(frames.at(-1)).toEqual({
    type: 'done',
    conversation_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
  })
  const { answer } = await (await app.post({ message: 'add a greeting to other.txt' })).json()
  expect(textOf(frames)).toBe(answer.replace('other.txt', 'hello.txt'))
})

test('turns on one socket run at the same time and do not mix', async () => {
  const app = await startApp({ modelUrl: await startModel({ pieceDelayMs: 2 }) })
  const socket = await openSocket(app.url)
  const wishes = [1, 2, 3].map(
    (at) => `create ${at}.txt with ${String(at).repeat(300)}, then read ${at}.txt`,
  )
  for (const [at, text] of wishes.entries()) socket.send({ text, id: `turn-${at}` })
  const frames = await socket.ended(3)

  const order = frames.map((frame) => frame.id).filter((id, at, all) => id !== all[at - 1])
  expect(order.length).toBeGreaterThan(3)
  for (const [at] of wishes.entries()) {
    const own = textOf(frames.filter((frame) => frame.id === `turn-${at}`))
    expect(own).toContain(String(at + 1).repeat(300))
    expect(own).not.toContain(`${String(((at + 1) % 3) + 1)}.txt`)
  }
  expect(readdirSync(app.workspace).sort()).toEqual(['1.txt', '2.txt', '3.txt'])
})

test('a client that asks for tool frames gets them', async () => {
  const app = await startApp()
  const socket = await openSocket(app.url)
  socket.send({ text: 'read none.txt', tools: true })
  const frames = await socket.ended()
  expect(frames.filter((frame) => frame.type === 'tool')).toEqual([
    { type: 'tool', name: 'read_file', subject: 'none.txt', state: 'started' },
    { type: 'tool', name: 'read_file', subject: 'none.txt', state: 'failed' },
  ])
})

test.each([
  ['what is no JSON', '{"type":'],
  ['another type', '{"type":"hello"}'],
  ['no object', '[1]'],
  ['null', 'null'],
  ['no text', '{"type":"message"}'],
  ['binary data', Buffer.from([0, 255])],
])('%s is answered with an error, and the socket lives on', async (_name, data) => {
  const app = await startApp()
  const socket = await openSocket(app.url)
  socket.sendRaw(data)
  expect(await socket.ended()).toEqual([{ type: 'error', message: expect.any(String) }])
  socket.send({ text: 'count to 3' })
  expect(textOf(await socket.ended(2))).toBe('1 2 3')
})

test('a failed turn ends with an error frame', async () => {
  const app = await startApp({ modelUrl: 'http://127.0.0.1:1' })
  const socket = await openSocket(app.url)
  socket.send({ text: 'x', id: 'a' })
  expect(await socket.ended()).toEqual([
    { type: 'error', id: 'a', message: 'The model could not be reached.' },
  ])
})

test('too many turns at once are refused one by one', async () => {
  const app = await startApp()
  const socket = await openSocket(app.url)
  for (let at = 0; at < 17; at += 1) socket.send({ text: 'run sleep 0.2' })
  const frames = await socket.ended(17)
  expect(frames.filter((frame) => frame.type === 'error')).toEqual([
    { type: 'error', message: 'Too many messages at once.' },
  ])
})

test('a closed socket ends its turns', async () => {
  const app = await startApp()
  const socket = await openSocket(app.url)
  socket.send({ text: longCommand })
  const command = await longCommandOf(app.workspace)
  socket.close()
  await eventually(() => !isRunning(command))
})

test('the app closes sockets with a closing handshake', async () => {
  const app = await startApp()
  const socket = await openSocket(app.url)
  await app.close()
  await expect.poll(socket.closeCode, patience).toBe(1001)
})

test.each([
  ['a page of another site', '/ws/chat', { origin: 'http://evil.test' }, 403],
  ['a name rebound to this machine', '/ws/chat', { headers: { host: 'evil.test' } }, 403],
  ['another path', '/ws/other', {}, 404],
])('%s opens no socket', async (_name, path, options, status) => {
  const app = await startApp()
  const socket = new WebSocket(app.url.replace('http', 'ws') + path, options)
  const refused = new Promise((resolve) => {
    socket.on('error', () => {})
    socket.on('unexpected-response', (_request, response) => resolve(response.statusCode))
  })
  expect(await refused).toBe(status)
})
