/** Measures requests per second over keep-alive connections from one client thread. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Worker } from 'node:worker_threads'

const server = createServer((_request, response) => {
  response.setHeader('content-type', 'application/json')
  response.end('{"ok":true}')
})
server.listen(0, '127.0.0.1')
await once(server, 'listening')
const { port } = server.address() as AddressInfo
const client = new Worker(
  `const http = require('node:http')
   const { parentPort, workerData } = require('node:worker_threads')
   const agent = new http.Agent({ keepAlive: true, maxSockets: 8 })
   const get = () => new Promise((resolve, reject) =>
     http.get({ port: workerData.port, agent }, (response) => response.resume().on('end', resolve)).on('error', reject))
   const batch = async (count) => { for (let i = 0; i < count; i += 8) await Promise.all(Array.from({ length: 8 }, get)) }
   batch(1000).then(async () => {
     const start = performance.now()
     await batch(8000)
     parentPort.postMessage(8000 / (performance.now() - start) * 1000)
   })`,
  { eval: true, execArgv: [], workerData: { port } },
)
const [value] = await once(client, 'message')
process.stdout.write(JSON.stringify({ value }))
process.exit(0)
