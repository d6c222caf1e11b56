import { once } from 'node:events'
import * as http from 'node:http'
import type { AddressInfo } from 'node:net'
import { WebSocket, WebSocketServer } from 'ws'

const server = http.createServer()
new WebSocketServer({ server }).on('connection', (socket) => {
  socket.on('message', (data) => {
    throw new Error(`thrown at ${String(data)}`)
  })
})
server.listen(0, '127.0.0.1')
await once(server, 'listening')
const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`)
client.on('open', () => client.send('this'))
