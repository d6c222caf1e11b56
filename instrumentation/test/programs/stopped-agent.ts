/**
 * An agent without a server, or with `WAY=server` a web server's, that its user stops: by `SIGNAL`, which it sends itself, or by
 * nothing but its own `EXIT`. `AT` says when: while the model answers (`call`), while a tool runs (`tool`), or after the answer (`answer`).
 * `HANDLES=0`: it has no listener for the signal. `THROWS=1`: it ends with an exception. `CLIENT=sdk`: its SDK traces itself.
 */
import { once } from 'node:events'
import * as http from 'node:http'
import type { AddressInfo } from 'node:net'
import Anthropic from '@anthropic-ai/sdk'

const { API = '', AT, CLIENT, EXIT = '0', HANDLES, SIGNAL, THROWS, WAY } = process.env

if (SIGNAL !== undefined && HANDLES !== '0') {
  process.once(SIGNAL, () => setImmediate(() => process.exit(Number(EXIT))))
}

async function stop(): Promise<never> {
  if (THROWS === '1') throw new TypeError('broken')
  if (SIGNAL === undefined) process.exit(Number(EXIT))
  process.kill(process.pid, SIGNAL)
  setInterval(() => undefined, 1_000)
  return new Promise(() => undefined)
}

async function askBySdk(messages: Anthropic.MessageParam[]): Promise<void> {
  const client = new Anthropic({ apiKey: 'k', baseURL: API, maxRetries: 0 })
  const stream = client.messages.stream({ model: 'm', max_tokens: 9, messages })
  for await (const event of stream) if (event.type === 'content_block_delta') await stop()
}

async function ask(messages: Anthropic.MessageParam[]): Promise<object[]> {
  if (CLIENT === 'sdk') {
    await askBySdk(messages)
    return []
  }
  const response = await fetch(`${API}/v1/messages`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'm', max_tokens: 9, stream: AT === 'call', messages }),
  })
  if (AT !== 'call') return (await response.json()).content
  for await (const _ of response.body ?? []) await stop()
  return []
}

async function run(): Promise<void> {
  const messages = [{ role: 'user' as const, content: 'Work' }]
  await ask(messages)
  await stop()
}

if (WAY === 'server') {
  const server = http.createServer((request) => request.resume().on('end', run))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  http
    .request({ port, method: 'POST' })
    .on('error', () => undefined)
    .end('{"message":"Work"}')
} else await run()
