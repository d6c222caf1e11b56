/**
 * An agent whose SDK gives up a model call that has failed. `WAY`: `server` answers its request with 500, `throws` lets the exception end
 * it, `exits` prints it and exits with 1, `goes on` prints it and ends by itself, and `throws another` throws an error of its own code.
 */
import { once } from 'node:events'
import * as http from 'node:http'
import type { AddressInfo } from 'node:net'
import Anthropic from '@anthropic-ai/sdk'

const { API = '', WAY = '' } = process.env
const client = new Anthropic({ apiKey: 'k', baseURL: API, maxRetries: 0 })

async function ask(): Promise<unknown> {
  return client.messages.create({
    model: 'm',
    max_tokens: 9,
    messages: [{ role: 'user', content: 'Hello' }],
  })
}

const ways: Record<string, () => Promise<unknown>> = {
  async server() {
    const server = http.createServer((request, response) => {
      request.resume().on('end', () => {
        ask().catch(() => response.writeHead(500).end())
      })
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body: '{"message":"Hello"}' })
    process.exit(0)
  },
  throws: ask,
  exits: () =>
    ask().catch((error) => {
      console.error(String(error))
      process.exit(1)
    }),
  'goes on': () => ask().catch((error) => console.error(String(error))),
  'throws another': () =>
    ask().catch(() => {
      throw new TypeError('broken')
    }),
}

await ways[WAY]?.()
