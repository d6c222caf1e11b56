/**
 * A chat app whose tool `research` is an agent of its own: a hand-written loop in a hand-written loop, over the Messages API, by
 * `fetch` or by an SDK that traces itself (`CLIENT`). Knows nothing of telemetry.
 */
import * as fs from 'node:fs'
import * as http from 'node:http'
import type { AddressInfo } from 'node:net'
import Anthropic from '@anthropic-ai/sdk'

const { API = '', CLIENT } = process.env

interface Block {
  readonly type: string
  readonly text?: string
  readonly id?: string
  readonly name?: string
  readonly input?: Readonly<Record<string, string>>
}
type Message = { readonly role: string; readonly content: unknown }

const sdk = new Anthropic({ apiKey: 'k', baseURL: API, maxRetries: 0 })

async function ask(system: string, messages: readonly Message[]): Promise<Block[]> {
  if (CLIENT === 'sdk') {
    const request = { model: 'claude-test', max_tokens: 9, system, messages }
    return (await sdk.messages.create(request as never)).content as never
  }
  const response = await fetch(`${API}/v1/messages`, {
    method: 'POST',
    body: JSON.stringify({ model: 'claude-test', max_tokens: 9, system, messages }),
  })
  const { content = [] } = (await response.json()) as { content?: Block[] }
  return content
}

async function loop(system: string, first: string): Promise<string> {
  const messages: Message[] = [{ role: 'user', content: first }]
  for (;;) {
    const content = await ask(system, messages)
    messages.push({ role: 'assistant', content })
    const uses = content.filter(({ type }) => type === 'tool_use')
    if (uses.length === 0) return content.map(({ text = '' }) => text).join('')
    const results = await Promise.all(
      uses.map(async ({ id, name = '', input = {} }) => ({
        type: 'tool_result',
        tool_use_id: id,
        content: await run(name, input),
      })),
    )
    messages.push({ role: 'user', content: results })
  }
}

async function run(name: string, { query = '', path = '' }: Readonly<Record<string, string>>) {
  if (name === 'research') return loop('You are a researcher.', query)
  if (name === 'plan') return loop('You are a planner.', `Make a plan of ${query.length} steps.`)
  if (name === 'titled') {
    await ask('You write titles.', [{ role: 'user', content: `A title for: ${query}` }])
    return 'titled'
  }
  fs.writeFileSync(path, `${name}\n`)
  return 'written'
}

const server = http.createServer(async (request, response) => {
  let body = ''
  for await (const piece of request) body += piece
  const { message } = JSON.parse(body)
  response.end(await loop('You are a helper.', message))
})

process.on('SIGTERM', () => process.exit(0))
server.listen(0, '127.0.0.1', () => {
  console.log(`port ${(server.address() as AddressInfo).port}`)
})
