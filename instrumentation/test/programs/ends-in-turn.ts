/** A chat app that ends while it works on an answer: `exits`, `throws`, or `rejects`, as the message says. */
import * as http from 'node:http'
import type { AddressInfo } from 'node:net'

const ends: Record<string, () => unknown> = {
  exits: () => process.exit(3),
  throws: () =>
    setImmediate(() => {
      throw new TypeError('broken')
    }),
  rejects: () => void Promise.reject(new RangeError('refused')),
}

async function ask(content: string): Promise<void> {
  const response = await fetch(`${process.env.API}/v1/messages`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'm', max_tokens: 9, messages: [{ role: 'user', content }] }),
  })
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
