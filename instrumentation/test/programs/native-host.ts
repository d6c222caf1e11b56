/**
 * A localhost agent app whose tools use native code, `node:sqlite`, which it loads when it is first used. Knows
 * nothing of telemetry.
 */
import * as fs from 'node:fs'
import * as http from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import type { DatabaseSync } from 'node:sqlite'
import Anthropic from '@anthropic-ai/sdk'

const client = new Anthropic({ apiKey: 'k', baseURL: process.env.API ?? '', maxRetries: 0 })
const require = createRequire(import.meta.url)

interface ToolInput {
  readonly path: string
  readonly sql?: string
}

const databases = new Map<string, DatabaseSync>()

function openDatabase(path: string): DatabaseSync {
  const sqlite: typeof import('node:sqlite') = require('node:sqlite')
  const database = databases.get(path) ?? new sqlite.DatabaseSync(path)
  databases.set(path, database)
  return database
}

function close(path: string): void {
  databases.get(path)?.close()
  databases.delete(path)
}

const tools: Record<string, (input: ToolInput) => unknown> = {
  /** Opens, changes and closes. */
  query: ({ path, sql = '' }) => {
    openDatabase(path).exec(sql)
    close(path)
  },
  /** Leaves it open. */
  change: ({ path, sql = '' }) => openDatabase(path).exec(sql),
  close: ({ path }) => close(path),
  write: ({ path }) => fs.writeFileSync(path, 'by the app\n'),
}

function runTool({ name, input }: Anthropic.ToolUseBlock): string {
  try {
    tools[name]?.(input as ToolInput)
    return 'done'
  } catch (error) {
    return String(error)
  }
}

async function converse(text: string): Promise<string> {
  const messages: Anthropic.MessageParam[] = [{ role: 'user', content: text }]
  for (;;) {
    const { content } = await client.messages.create({
      model: 'claude-test',
      max_tokens: 100,
      messages,
    })
    messages.push({ role: 'assistant', content })
    const uses = content.filter((block) => block.type === 'tool_use')
    if (uses.length === 0) return 'Done.'
    const results: Anthropic.ToolResultBlockParam[] = []
    for (const use of uses) {
      results.push({ type: 'tool_result', tool_use_id: use.id, content: runTool(use) })
    }
    messages.push({ role: 'user', content: results })
  }
}

const server = http.createServer(async (request, response) => {
  let body = ''
  for await (const piece of request) body += piece
  response.end(await converse(JSON.parse(body).message))
})
process.on('SIGTERM', () => process.exit(0))
server.listen(0, '127.0.0.1', () => console.log(`port ${(server.address() as AddressInfo).port}`))
