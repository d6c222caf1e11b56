/**
 * A localhost agent app that writes files before it knows that it will call the model: in the handler before the call, in
 * requests that never call it, and before a call that comes after the response. Knows nothing of telemetry.
 */
import * as fs from 'node:fs'
import * as http from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import Anthropic from '@anthropic-ai/sdk'

const client = new Anthropic({ apiKey: 'k', baseURL: process.env.API ?? '', maxRetries: 0 })
const large = 'x'.repeat(40 * 1024 ** 2)

async function ask(text: string): Promise<void> {
  const messages = [{ role: 'user' as const, content: text }]
  await client.messages.create({ model: 'claude-test', max_tokens: 9, messages })
}

const routes: Record<string, (response: http.ServerResponse) => Promise<void>> = {
  async '/chat'(response) {
    fs.writeFileSync('context.md', 'collected\n')
    await fs.promises.writeFile('context.md', 'collected more\n')
    fs.unlinkSync('old.txt')
    fs.mkdirSync('.git', { recursive: true })
    fs.writeFileSync('.git/lock', '')
    const open = fs.promises.writeFile('open.txt', large)
    await ask('hello')
    await open
    response.end()
  },
  async '/upload'(response) {
    fs.writeFileSync('upload.txt', 'no turn\n')
    response.end()
  },
  async '/later'(response) {
    fs.writeFileSync('first.txt', 'before the response\n')
    response.writeHead(202).end()
    await sleep(20)
    fs.writeFileSync('second.txt', 'after the response\n')
    await ask('later')
  },
  async '/large'(response) {
    for (const name of ['a', 'b', 'c', 'd', 'e'])
      fs.writeFileSync(`${name}.bin`, large.slice(0, 15e6))
    await ask('large')
    response.end()
  },
}

const server = http.createServer((request, response) => routes[request.url ?? '']?.(response))
process.on('SIGTERM', () => process.exit(0))
server.listen(0, '127.0.0.1', () => console.log(`port ${(server.address() as AddressInfo).port}`))
