/**
 * An agent on Vercel's AI SDK that asks before it writes a file (`needsApproval`): `POST /chat` answers with the approval that
 * is requested, `POST /decide` brings the person's word with the approval's own id.
 */
import * as fs from 'node:fs'
import * as http from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { createAnthropic } from '@ai-sdk/anthropic'
import { generateText, type ModelMessage, stepCountIs, tool } from 'ai'
import { z } from 'zod'

const anthropic = createAnthropic({ apiKey: 'k', baseURL: `${process.env.API}/v1` })

/** Writes a file that no argument names. */
const parallel = (name: string) =>
  tool({
    inputSchema: z.object({ ms: z.number() }),
    async execute({ ms }) {
      await sleep(ms)
      await fs.promises.writeFile(`${name}.txt`, `${name}\n`)
      return 'written'
    },
  })

const tools = {
  write_file: tool({
    inputSchema: z.object({ path: z.string() }),
    needsApproval: true,
    async execute({ path }) {
      await fs.promises.writeFile(path, 'written\n')
      return 'written'
    },
  }),
  one: parallel('one'),
  two: parallel('two'),
}

const conversations = new Map<string, ModelMessage[]>()

const server = http.createServer(async (request, response) => {
  let body = ''
  for await (const piece of request) body += piece
  const { message, chat_id, approval_id, approved, reason } = JSON.parse(body)
  const messages = conversations.get(chat_id) ?? []
  conversations.set(chat_id, messages)
  if (request.url === '/chat') messages.push({ role: 'user', content: message })
  else {
    const word = {
      type: 'tool-approval-response',
      approvalId: approval_id,
      approved,
      reason,
    } as const
    messages.push({ role: 'tool', content: [word] })
  }
  const result = await generateText({
    model: anthropic('claude-test'),
    maxRetries: 0,
    tools,
    messages,
    stopWhen: stepCountIs(5),
  })
  messages.push(...result.response.messages)
  const requested = result.content.find((part) => part.type === 'tool-approval-request')
  response.setHeader('content-type', 'application/json')
  response.end(JSON.stringify({ answer: result.text, approval_id: requested?.approvalId }))
})
process.on('SIGTERM', () => process.exit(0))
server.listen(0, '127.0.0.1', () => console.log(`port ${(server.address() as AddressInfo).port}`))
