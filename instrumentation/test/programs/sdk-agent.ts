/** An agent of the command line whose SDK traces itself. `WAY`: its SDK runs a tool (`runner`), or it leaves an answer (`leaves`). Knows nothing of telemetry. */
import * as fs from 'node:fs'
import Anthropic from '@anthropic-ai/sdk'
import { betaTool } from '@anthropic-ai/sdk/helpers/beta/json-schema'

const { API = '', WAY } = process.env
const client = new Anthropic({ apiKey: 'k', baseURL: API, maxRetries: 0 })
const request = {
  model: 'm',
  max_tokens: 9,
  messages: [{ role: 'user' as const, content: 'Please work' }],
}

if (WAY === 'leaves') {
  for await (const event of await client.messages.create({ ...request, stream: true }))
    if (event.type === 'content_block_delta') break
} else {
  const work = betaTool({
    name: 'work',
    description: 'works',
    inputSchema: { type: 'object', properties: {} },
    async run() {
      fs.writeFileSync('worked.txt', 'worked')
      return 'It is done.'
    },
  })
  const { content } = await client.beta.messages.toolRunner({ ...request, tools: [work] })
  console.log(content[0]?.type === 'text' ? content[0].text : 'nothing')
}
