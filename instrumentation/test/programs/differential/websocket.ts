/** Prints what a `ws` server shows of its listeners, and how they are called. */

import { once } from 'node:events'
import * as http from 'node:http'
import type { AddressInfo } from 'node:net'
import { WebSocket, WebSocketServer } from 'ws'

const server = http.createServer()
const sockets = new WebSocketServer({ server })
server.listen(0, '127.0.0.1')
await once(server, 'listening')
const { port } = server.address() as AddressInfo

async function connect(): Promise<readonly [WebSocket, WebSocket]> {
  const accepted = once(sockets, 'connection')
  const client = new WebSocket(`ws://127.0.0.1:${port}/chat?x=1`)
  const [socket] = await accepted
  await once(client, 'open')
  return [socket, client]
}

async function say(socket: WebSocket, client: WebSocket, text: string | Buffer): Promise<void> {
  const heard = new Promise<void>((resolve) => {
    const wait = () => {
      socket.off('ping', wait)
      resolve()
    }
    socket.on('ping', wait)
  })
  client.send(text)
  client.ping()
  await heard
}

const [socket, client] = await connect()
console.log(socket instanceof WebSocket, socket.constructor.name, Object.keys(WebSocket.prototype))
for (const name of ['on', 'once', 'off', 'emit', 'send', 'addEventListener'] as const) {
  console.log(name, socket[name].name, socket[name].length)
}

function plain(this: unknown, data: unknown, isBinary: boolean): void {
  console.log('plain', String(data), isBinary, this === socket)
}
const asynchronous = async (data: unknown): Promise<void> => {
  await null
  console.log('async', String(data))
}
const first = (data: unknown): void => console.log('once', String(data))
socket.on('message', plain)
socket.on('message', asynchronous)
socket.once('message', first)
socket.prependListener('message', (data) => console.log('prepended', String(data)))
console.log(
  socket.listeners('message').includes(first),
  socket.listeners('message').includes(plain),
)
console.log(socket.rawListeners('message').includes(plain), socket.listenerCount('message', plain))
await say(socket, client, 'one')
socket.off('message', plain)
socket.removeListener('message', asynchronous)
await say(socket, client, Buffer.from('two'))
console.log(socket.listenerCount('message'))
socket.once('message', first)
socket.off('message', first)
socket.removeAllListeners('message')

const onEvent = ({ data, type, target }: { data: unknown; type: string; target: unknown }) => {
  console.log('event', data, type, target === socket)
}
socket.addEventListener('message', onEvent)
socket.addEventListener('message', onEvent)
socket.onmessage = onEvent
console.log(socket.onmessage === onEvent, socket.listenerCount('message'))
await say(socket, client, 'three')
socket.removeEventListener('message', onEvent)
console.log(socket.listenerCount('message'))
socket.onmessage = null
socket.addEventListener('message', onEvent, { once: true })
await say(socket, client, 'four')
console.log(socket.listenerCount('message'), socket.emit('message', Buffer.from('no one'), false))

socket.on('message', (data) => Promise.resolve(String(data)))
const handled = Promise.reject(new Error('handled elsewhere'))
handled.catch((error) => console.log(error.message))
socket.on('message', () => handled)
await say(socket, client, 'five')
console.log(socket.emit('message', Buffer.from('by hand'), false))
socket.send('answer', (error) => console.log('sent', error))
const [answer] = await once(client, 'message')
console.log(String(answer))
socket.on('close', (code, reason) => console.log('closed', code, String(reason)))
client.close(4001, 'bye')
await once(socket, 'close')

process.on('unhandledRejection', (reason) => {
  console.log('unhandled', (reason as Error).message)
  process.exitCode = 3
  sockets.close()
  server.close()
})
const [other, second] = await connect()
other.on('message', async () => {
  throw new Error('an async listener')
})
second.send('x')
process.on('unhandledRejection', () => second.terminate())
