/** An app whose SDK runs the tools, and which also calls the API for something other than a model call. */
import * as fs from 'node:fs'
import * as http from 'node:http'
import type { AddressInfo } from 'node:net'
import Anthropic from '@anthropic-ai/sdk'
import { betaTool } from '@anthropic-ai/sdk/helpers/beta/json-schema'

const client = new Anthropic({ apiKey: 'k', baseURL: process.env.API ?? '', maxRetries: 0 })
const tools = ['alpha', 'beta'].map((name) =>
  betaTool({
    name,
    description: `writes ${name}`,
    inputSchema: { type: 'object', properties: { text: { type: 'string' } } },
    async run({ text }) {
      await new Promise((resolve) => setTimeout(resolve, 5))
      // Both write a file that no argument names.
      fs.writeFileSync(`${name}.txt`, String(text))
      if (text === 'fail') throw new Error(`${name} failed`)
      return `${name} done`
    },
  }),
)

const server = http.createServer(async (request, response) => {
  if (request.url === '/models') {
    await client.models.list().catch(() => undefined)
    await client.messages
      .countTokens({ model: 'm', messages: [{ role: 'user', content: 'q' }] })
      .catch(() => undefined)
    response.end('no turn')
    return
  }
  const final = await client.beta.messages.toolRunner({
    model: 'claude-test',
    max_tokens: 100,
    messages: [{ role: 'user', content: 'use them' }],
    tools,
    stream: request.url === '/stream',
  } as Parameters<typeof client.beta.messages.toolRunner>[0])
  response.end(JSON.stringify('stop_reason' in final ? final.stop_reason : null))
})
process.on('SIGTERM', () => process.exit(0))
server.listen(0, '127.0.0.1', () => console.log(`port ${(server.address() as AddressInfo).port}`))
