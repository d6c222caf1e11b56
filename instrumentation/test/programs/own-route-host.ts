/**
 * An app with servers of its own: HTTP/1 on all addresses, HTTP/2, and one at a socket of the file system. It sends a request to the chat
 * route of each, as a client in the same process does, under every name, and then to `OTHER`, another process. Prints each answer. Knows
 * nothing of telemetry.
 */
import { once } from 'node:events'
import * as http from 'node:http'
import * as http2 from 'node:http2'
import { createRequire } from 'node:module'
import type { AddressInfo, Server } from 'node:net'
import * as path from 'node:path'

const { OTHER = '', SENDS = '' } = process.env
const undici: typeof import('undici8') = createRequire(import.meta.url)('undici8')
const streamed = 'data: {"choices":[{"delta":{"content":"hel"}}]}\n\n'
const body = JSON.stringify({ messages: [{ role: 'user', content: 'hello' }] })
const headers = { 'content-type': 'application/json' }

const server = http.createServer((request, response) => {
  if (request.url === '/forward') {
    // Another process gets the request, with the name of this host.
    const options = { method: 'POST', headers: { ...headers, host: request.headers.host } }
    http.request(`${OTHER}/api/chat`, options, (answer) => answer.pipe(response)).end(body)
  } else request.resume().on('end', () => answerTo(response))
})
const second = http2.createServer((request, response) => {
  request.resume().on('end', () => answerTo(response))
})

function answerTo(response: http.ServerResponse | http2.Http2ServerResponse): void {
  response.setHeader('content-type', 'text/event-stream')
  response.end(streamed)
}

async function listening(each: Server, ...where: [string] | [number, string]): Promise<number> {
  Reflect.apply(each.listen, each, where)
  await once(each, 'listening')
  return (each.address() as AddressInfo).port
}

const port = await listening(server, 0, '::')
const secondPort = await listening(second, 0, '127.0.0.1')
const socketPath = path.resolve('chat.sock')
const atSocket = http.createServer((request, response) => {
  request.resume().on('end', () => answerTo(response))
})
await listening(atSocket, socketPath)

const toLoopback: NonNullable<http.RequestOptions['lookup']> = (_, { all }, found) => {
  if (all === true) found(null, [{ address: '127.0.0.1', family: 4 }])
  else found(null, '127.0.0.1', 4)
}

const names = ['localhost', '127.0.0.1', '[::1]']
const ways: Readonly<Record<string, () => Promise<string>>> = {
  ...Object.fromEntries(
    names.flatMap((name) => [
      [`fetch ${name}`, () => fetched(`http://${name}:${port}/api/chat`)],
      [`http ${name}`, () => overHttp(`http://${name}:${port}/api/chat`)],
    ]),
  ),
  // The name is one that only the app knows.
  'http by name': () => overHttp(`http://agent.example:${port}/api/chat`, { lookup: toLoopback }),
  http2: () => overHttp2(`http://127.0.0.1:${secondPort}`),
  'http socket': () => overHttp('http://localhost/api/chat', { socketPath }),
  'fetch socket': () =>
    fetched('http://localhost/api/chat', new undici.Agent({ connect: { socketPath } })),
  'fetch other': () => fetched(`${OTHER}/api/chat`),
  'http other': () => overHttp(`${OTHER}/api/chat`),
  forward: () => overHttp(`http://localhost:${port}/forward`),
}

for (const name of SENDS.split(',')) console.log((await ways[name]?.()) ?? `no way ${name}`)
for (const each of [server, atSocket]) each.closeAllConnections()
for (const each of [server, second, atSocket]) each.close()

async function fetched(url: string, dispatcher?: import('undici8').Dispatcher): Promise<string> {
  const options = { method: 'POST', headers, body }
  if (dispatcher === undefined) return (await fetch(url, options)).text()
  const answer = await undici.fetch(url, { ...options, dispatcher })
  return answer.text()
}

function overHttp(url: string, more: http.RequestOptions = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { method: 'POST', headers, ...more }
    const request = http.request(url, options, (response) => {
      let answer = ''
      response.setEncoding('utf8').on('data', (piece: string) => (answer += piece))
      response.on('end', () => resolve(answer))
    })
    request.on('error', reject)
    request.end(body)
  })
}

async function overHttp2(authority: string): Promise<string> {
  const session = http2.connect(authority)
  const stream = session.request({ ':method': 'POST', ':path': '/api/chat', ...headers })
  stream.end(body)
  let answer = ''
  for await (const piece of stream.setEncoding('utf8')) answer += piece
  session.close()
  return answer
}
