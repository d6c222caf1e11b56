/** A chat app on an HTTP/2 server, by the API of `node:http2` that `SERVER` names. Knows nothing of telemetry. */
import * as fs from 'node:fs'
import * as http2 from 'node:http2'
import type { AddressInfo } from 'node:net'
import Anthropic from '@anthropic-ai/sdk'
import fastify from 'fastify'
import { certificate } from '../support/certificate.ts'

const { SERVER = 'stream', API = '' } = process.env
const client = new Anthropic({ apiKey: 'k', baseURL: API, maxRetries: 0 })

async function ask(message: string, onText: (text: string) => void = () => undefined) {
  const answer = await client.messages
    .stream({ model: 'claude-test', max_tokens: 9, messages: [{ role: 'user', content: message }] })
    .on('text', onText)
    .finalMessage()
  fs.writeFileSync(`${message}.txt`, message)
  return answer.content.map((block) => ('text' in block ? block.text : '')).join('')
}

async function read(
  source: AsyncIterable<unknown>,
): Promise<{ message: string; stream?: boolean }> {
  let body = ''
  for await (const piece of source) body += piece
  return JSON.parse(body)
}

function onStream(stream: http2.ServerHttp2Stream): void {
  stream.on('error', () => undefined)
  stream.on('close', () => {
    if (stream.aborted) console.log('left early')
  })
  void read(stream).then(async ({ message, stream: isStreamed }) => {
    if (isStreamed === true) {
      stream.respond({
        ':status': 200,
        'content-type': 'text/plain',
        'x-conversation-id': 'c-head',
      })
      await ask(message, (text) => stream.write(text))
      stream.end()
      return
    }
    const answer = await ask(message)
    stream.respond({ ':status': 200, 'content-type': 'application/json' })
    stream.end(JSON.stringify({ answer, conversation_id: 'c-body' }))
  })
}

async function onRequest(
  request: http2.Http2ServerRequest,
  response: http2.Http2ServerResponse,
): Promise<void> {
  const { message } = await read(request)
  try {
    const answer = await ask(message)
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ answer, conversation_id: 'c-body' }))
  } catch {
    response.writeHead(502).end('failed')
  }
}

const servers: Record<string, () => http2.Http2Server | http2.Http2SecureServer> = {
  stream: () => http2.createServer().on('stream', onStream),
  secure: () => http2.createSecureServer(certificate).on('stream', onStream),
  compat: () => http2.createServer(onRequest),
}

async function listen(): Promise<number> {
  if (SERVER === 'fastify') {
    const app = fastify({ http2: true })
    app.post<{ Body: { message: string } }>('/api/chat', async (request) => ({
      answer: await ask(request.body.message),
      conversation_id: 'c-body',
    }))
    await app.listen({ port: 0, host: '127.0.0.1' })
    return (app.server.address() as AddressInfo).port
  }
  const server = servers[SERVER]?.()
  return new Promise((resolve) =>
    server?.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)),
  )
}

process.on('SIGTERM', () => process.exit(0))
console.log(`port ${await listen()}`)
