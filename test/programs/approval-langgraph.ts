/**
 * An agent in LangGraph that asks before it writes a file: the tool interrupts the graph, `POST /chat` answers with the
 * interrupt, and `POST /resume` names only the thread and brings the person's word. `POST /parallel` runs tools at once.
 */
import * as fs from 'node:fs'
import * as http from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { ChatAnthropic } from '@langchain/anthropic'
import { tool } from '@langchain/core/tools'
import {
  Command,
  END,
  interrupt,
  MemorySaver,
  MessagesAnnotation,
  START,
  StateGraph,
} from '@langchain/langgraph'
import { ToolNode } from '@langchain/langgraph/prebuilt'
import { z } from 'zod'

const writeFile = tool(
  async ({ path }) => {
    const { approved, reason } = interrupt({ question: `Write ${path}?` })
    if (approved !== true) return `User denied the tool call. ${reason ?? ''}`
    await fs.promises.writeFile(path, 'written\n')
    return 'written'
  },
  { name: 'write_file', description: 'writes', schema: z.object({ path: z.string() }) },
)

/** Writes a file that no argument names. */
const parallel = ['one', 'two'].map((name) =>
  tool(
    async ({ ms }) => {
      await sleep(ms)
      await fs.promises.writeFile(`${name}.txt`, `${name}\n`)
      return 'written'
    },
    { name, description: name, schema: z.object({ ms: z.number() }) },
  ),
)

const tools = [writeFile, ...parallel]
const model = new ChatAnthropic({
  model: 'claude-test',
  apiKey: 'k',
  anthropicApiUrl: process.env.API ?? '',
  maxRetries: 0,
}).bindTools(tools)

const graph = new StateGraph(MessagesAnnotation)
  .addNode('model', async ({ messages }) => ({ messages: [await model.invoke(messages)] }))
  .addNode('tools', new ToolNode(tools))
  .addEdge(START, 'model')
  .addConditionalEdges('model', ({ messages }) => {
    const last = messages.at(-1)
    const calls = last !== undefined && 'tool_calls' in last ? last.tool_calls : undefined
    return Array.isArray(calls) && calls.length > 0 ? 'tools' : END
  })
  .addEdge('tools', 'model')
  .compile({ checkpointer: new MemorySaver() })

const server = http.createServer(async (request, response) => {
  let body = ''
  for await (const piece of request) body += piece
  const { message, thread_id, resume } = JSON.parse(body)
  const input =
    request.url === '/resume'
      ? new Command({ resume })
      : { messages: [{ role: 'user', content: message }] }
  const state = await graph.invoke(input as never, { configurable: { thread_id } })
  const waits = '__interrupt__' in state
  response.setHeader('content-type', 'application/json')
  response.end(JSON.stringify({ waits, answer: state.messages.at(-1)?.content }))
})
process.on('SIGTERM', () => process.exit(0))
server.listen(0, '127.0.0.1', () => console.log(`port ${(server.address() as AddressInfo).port}`))
