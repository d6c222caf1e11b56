/** Prints all that a plain HTTP server sees and sends: raw answers, listeners, overloads, ways to read a body. */
import { once } from 'node:events'
import * as http from 'node:http'
import * as net from 'node:net'
import { PassThrough } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { inTurn } from './in-turn.ts'

const server = http.createServer((request, response) => {
  const kind = request.url?.split('/')[1] ?? ''
  if (kind === 'v1') return
  void Promise.resolve(handlers[kind]?.(request, response)).catch((error) =>
    console.log('handler failed', error.message),
  )
})
server.on('checkContinue', (request, response) => {
  response.writeContinue()
  request.resume().on('end', () => response.end('continued'))
})
server.on('upgrade', (request, socket) => {
  socket.end(`HTTP/1.1 101 Switching Protocols\r\n\r\n${request.url}`)
})

type Handler = (request: http.IncomingMessage, response: http.ServerResponse) => unknown

const handlers: Readonly<Record<string, Handler>> = {
  listeners(request, response) {
    const of = (emitter: NodeJS.EventEmitter) =>
      emitter.eventNames().map((name) => `${String(name)}:${emitter.listenerCount(name)}`)
    response.end(
      JSON.stringify([of(request), of(response), Object.keys(request), Object.keys(response)]),
    )
  },
  names: (_request, response) =>
    response.end(
      [response.write, response.end, response.writeHead, response.emit]
        .map((method) => `${method.name}/${method.length}`)
        .join(' '),
    ),
  'write-head': (_request, response) =>
    response.writeHead(201, 'Made', ['x-one', '1', 'x-two', '2']).end('made'),
  'head-object': (_request, response) =>
    response.writeHead(200, { 'x-conversation-id': 'c', 'set-cookie': ['a=1', 'b=2'] }).end(),
  nothing: (_request, response) => response.writeHead(204).end(),
  unchanged: (_request, response) => response.writeHead(304, { etag: '"e"' }).end(),
  async ends(_request, response) {
    const first = response.write('{"one":')
    const second = response.write(Buffer.from('1'), () => console.log('written'))
    const third = response.write('7d', 'hex')
    await new Promise<void>((resolve) => response.end(resolve))
    console.log('ended', first, second, third, response.writableFinished)
  },
  'end-encoding': (_request, response) =>
    response.end('e9', 'hex', () => console.log('end encoded')),
  trailers(_request, response) {
    response.writeHead(200, { trailer: 'x-sum' })
    response.write('body')
    response.addTrailers({ 'x-sum': '4' })
    response.end()
  },
  async 'for-await'(request, response) {
    let text = ''
    for await (const piece of request) text += piece
    response.end(`read ${text}`)
  },
  async pipe(request, response) {
    const copy = new PassThrough()
    const done = pipeline(request, copy)
    response.end(`piped ${await new Response(copy as never).text()}`)
    await done
  },
  encoded(request, response) {
    let text = ''
    request.setEncoding('utf8').on('data', (piece) => (text += piece))
    request.on('end', () => response.end(`heard ${text}`))
  },
  readable(request, response) {
    const pieces: Buffer[] = []
    request.on('readable', () => {
      for (let piece = request.read(); piece !== null; piece = request.read()) pieces.push(piece)
    })
    request.on('end', () => response.end(`readable ${Buffer.concat(pieces)}`))
  },
  unread: (_request, response) => response.end('unread'),
  aborted(request, response) {
    request.on('aborted', () => console.log('aborted'))
    request.on('error', (error: NodeJS.ErrnoException) => console.log(error.code, error.message))
    response.on('close', () => console.log('closed', response.writableFinished))
    request.resume()
  },
  'double-end'(_request, response) {
    response.end('once')
    response.end('twice', () => console.log('ended twice'))
    response.on('error', (error: NodeJS.ErrnoException) => console.log(error.code))
    response.write('late')
  },
  'bad-chunk'(_request, response) {
    try {
      response.write(5 as never)
    } catch (error) {
      console.log((error as NodeJS.ErrnoException).code, (error as Error).message)
    }
    response.end()
  },
}

const get = (path: string, more = '') =>
  `GET ${path} HTTP/1.1\r\nHost: h\r\n${more}Connection: close\r\n\r\n`
const post = (path: string, more = '') =>
  `POST ${path} HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n${more}`

server.listen(0, '127.0.0.1')
await once(server, 'listening')
const { port } = server.address() as net.AddressInfo

/** Sends the packets one by one and prints all that comes back. */
async function talk(name: string, ...packets: string[]): Promise<void> {
  const socket = net.connect(port, '127.0.0.1')
  let text = ''
  socket.setEncoding('latin1').on('data', (piece) => (text += piece))
  socket.on('error', () => undefined)
  const closed = once(socket, 'close')
  await once(socket, 'connect')
  socket.setNoDelay(true)
  for (const packet of packets) {
    socket.write(packet)
    await new Promise((resolve) => setTimeout(resolve, 15))
  }
  if (name === 'aborted') socket.destroy()
  await closed
  await new Promise((resolve) => setTimeout(resolve, 15))
  console.log(`--- ${name}\n${text.replace(/^Date: .*\r\n/gm, '')}`)
}

async function talkAboutAll(): Promise<void> {
  for (const kind of ['listeners', 'names', 'write-head', 'head-object', 'nothing', 'unchanged']) {
    await talk(kind, get(`/${kind}`))
  }
  for (const kind of ['ends', 'end-encoding', 'trailers', 'double-end', 'bad-chunk']) {
    await talk(kind, get(`/${kind}`))
  }
  await talk('head', `HEAD /write-head HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n`)
  const body = 'Content-Length: 16\r\n'
  for (const kind of ['for-await', 'pipe', 'encoded', 'readable']) {
    // Twice on one connection; the second body comes in pieces of their own.
    await talk(
      kind,
      `${post(`/${kind}`, body)}\r\n{"message":"`,
      'é"}',
      `${post(`/${kind}`, `${body}Connection: close\r\n`)}\r\n`,
      '{"message"',
      ':"abcd"}'.slice(0, 6),
      '"}',
    )
  }
  await talk('unread', `${post('/unread', `${body}Connection: close\r\n`)}\r\n`, '{"message":"ab"}')
  await talk('aborted', `${post('/aborted', body)}\r\n{"mess`)
  await talk(
    'continue',
    `${post('/x', `${body}Expect: 100-continue\r\nConnection: close\r\n`)}\r\n`,
    '{"message":"ab"}',
  )
  await talk('upgrade', 'GET /up HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n')
  await talk(
    'pipelined',
    `GET /write-head HTTP/1.1\r\nHost: h\r\n\r\nGET /names HTTP/1.1\r\nHost: h\r\n\r\n${get('/unread')}`,
  )
  await talk('garbage', 'NOT HTTP\r\n\r\n')
}

await talkAboutAll()
await inTurn(talkAboutAll)
server.close()
