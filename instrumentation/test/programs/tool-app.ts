/** A localhost agent app: each request is a message, and the model calls tools until it answers. Knows nothing of telemetry. */
import * as http from 'node:http'
import type { AddressInfo } from 'node:net'
import Anthropic from '@anthropic-ai/sdk'

interface ToolApp<Input> {
  readonly tools: Readonly<Record<string, (input: Input) => unknown>>
  /** The calls of one answer run at once. */
  readonly isParallel?: boolean
}

const client = new Anthropic({ apiKey: 'k', baseURL: process.env.API ?? '', maxRetries: 0 })

export function serveTools<Input>(app: ToolApp<Input>): void {
  const server = http.createServer(async (request, response) => {
    let body = ''
    for await (const piece of request) body += piece
    response.end(await converse(JSON.parse(body).message, app))
  })
  process.on('SIGTERM', () => process.exit(0))
  server.listen(0, '127.0.0.1', () => console.log(`port ${(server.address() as AddressInfo).port}`))
}

async function converse<Input>(text: string, app: ToolApp<Input>): Promise<string> {
  const messages: Anthropic.MessageParam[] = [{ role: 'user', content: text }]
  for (;;) {
    const { content } = await client.messages.create({
      model: 'claude-test',
      max_tokens: 100,
      messages,
    })
    messages.push({ role: 'assistant', content })
    const uses = content.filter((block) => block.type === 'tool_use')
    if (uses.length === 0) return 'done'
    const results: Anthropic.ToolResultBlockParam[] = []
    const execute = async (use: Anthropic.ToolUseBlock): Promise<void> => {
      results.push({ type: 'tool_result', tool_use_id: use.id, content: await run(use, app) })
    }
    if (app.isParallel === true) await Promise.all(uses.map(execute))
    else for (const use of uses) await execute(use)
    messages.push({ role: 'user', content: results })
  }
}

async function run<Input>(
  { name, input }: Anthropic.ToolUseBlock,
  { tools }: ToolApp<Input>,
): Promise<string> {
  try {
    return JSON.stringify((await tools[name]?.(input as Input)) ?? 'done')
  } catch (error) {
    return String(error)
  }
}
