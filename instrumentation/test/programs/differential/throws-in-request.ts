import * as http from 'node:http'
import type { AddressInfo } from 'node:net'

const server = http.createServer((request) => {
  throw new Error(`thrown in ${request.url}`)
})
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo
  http.get({ port, path: '/here' }).on('error', () => undefined)
})
