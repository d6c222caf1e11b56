/**
 * A chat app that ends while it works on an answer: `exits`, `throws`, or `rejects`, as the message says, or `throws elsewhere`, in
 * code that was started before. With `waits` it answers never.
 */
import { EventEmitterAsyncResource } from 'node:events'
import * as http from 'node:http'
import type { AddressInfo } from 'node:net'

// What it does is done in no request's context.
const background = new EventEmitterAsyncResource({ name: 'background' }).on('broken', () => {
  setImmediate(() => {
    throw new TypeError('broken elsewhere')
  })
})

const ends: Record<string, () => unknown> = {
  exits: () => process.exit(3),
  throws: () =>
    setImmediate(() => {
      throw new TypeError('broken')
    }),
  'throws elsewhere': () => background.emit('broken'),
  rejects: () => void Promise.reject(new RangeError('refused')),
}

async function ask(content: string): Promise<void> {
  const response = await fetch(`${process.env.API}/v1/messages`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'm', max_tokens: 9, messages: [{ role: 'user', content }] }),
  })
  if (!response.ok && content === 'passes') throw new Error(`The model answers ${response.status}.`)
  await response.json()
}

const server = http.createServer((request) => {
  let body = ''
  request.on('data', (piece) => (body += piece))
  request.on('end', async () => {
    const { message } = JSON.parse(body)
    await ask(message)
    ends[message]?.()
  })
})
server.listen(0, '127.0.0.1', () => console.log(`port ${(server.address() as AddressInfo).port}`))
