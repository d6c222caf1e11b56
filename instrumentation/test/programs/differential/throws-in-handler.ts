/** A server whose handler throws exits with the error, and prints it. */
import * as http from 'node:http'
import type { AddressInfo } from 'node:net'

const server = http.createServer((request) => {
  let body = ''
  request.on('data', (piece) => (body += piece))
  request.on('end', () => {
    throw new Error(`thrown after ${body}`)
  })
})
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo
  const request = http.request({ port, method: 'POST' })
  request.on('error', () => undefined)
  request.end('the body')
})
