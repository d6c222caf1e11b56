/**
 * An agent of the command line that runs each tool as soon as its call is whole, while the answer is still coming. Its model sends
 * the rest of the answer only when the tool has run. Knows nothing of telemetry.
 */
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import * as fs from 'node:fs'
import * as http from 'node:http'
import type { AddressInfo } from 'node:net'
import Anthropic from '@anthropic-ai/sdk'

const tools = [
  { name: 'write_file', input: { path: 'written.txt' } },
  { name: 'shell', input: { command: 'echo from a command > made.txt' } },
]

const ran = new EventTarget()
const send = (response: http.ServerResponse, type: string, rest: object): void => {
  response.write(`event: ${type}\ndata: ${JSON.stringify({ type, ...rest })}\n\n`)
}

async function askForTools(response: http.ServerResponse): Promise<void> {
  for (const [index, { name, input }] of tools.entries()) {
    const block = { type: 'tool_use', id: `tool_${index}`, name, input: {} }
    send(response, 'content_block_start', { index, content_block: block })
    const delta = { type: 'input_json_delta', partial_json: JSON.stringify(input) }
    send(response, 'content_block_delta', { index, delta })
    const isRun = once(ran, `tool_${index}`)
    send(response, 'content_block_stop', { index })
    await isRun
  }
}

const server = http.createServer(async (request, response) => {
  let body = ''
  for await (const piece of request.setEncoding('utf8')) body += piece
  const isLast = body.includes('tool_result')
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  const usage = { input_tokens: 1, output_tokens: 1 }
  send(response, 'message_start', {
    message: { id: 'm', type: 'message', role: 'assistant', model: 'm', content: [], usage },
  })
  if (isLast) {
    send(response, 'content_block_start', { index: 0, content_block: { type: 'text', text: '' } })
    send(response, 'content_block_delta', {
      index: 0,
      delta: { type: 'text_delta', text: 'Done.' },
    })
    send(response, 'content_block_stop', { index: 0 })
  } else await askForTools(response)
  const stop_reason = isLast ? 'end_turn' : 'tool_use'
  send(response, 'message_delta', { delta: { stop_reason }, usage })
  send(response, 'message_stop', {})
  response.end()
})
await once(server.listen(0, '127.0.0.1'), 'listening')
const { port } = server.address() as AddressInfo

const client = new Anthropic({ apiKey: 'k', baseURL: `http://127.0.0.1:${port}`, maxRetries: 0 })
const messages: Anthropic.MessageParam[] = [{ role: 'user', content: 'Write and run' }]
for (;;) {
  const stream = client.messages.stream({ model: 'm', max_tokens: 9, messages })
  stream.on('contentBlock', (block) => {
    if (block.type !== 'tool_use') return
    const { path, command } = block.input as { path?: string; command?: string }
    if (path !== undefined) fs.writeFileSync(path, 'from a tool')
    if (command !== undefined) execFileSync('sh', ['-c', command])
    ran.dispatchEvent(new Event(block.id))
  })
  const { content } = await stream.finalMessage()
  messages.push({ role: 'assistant', content })
  const calls = content.filter((block) => block.type === 'tool_use')
  if (calls.length === 0) break
  messages.push({
    role: 'user',
    content: calls.map(({ id }) => ({ type: 'tool_result', tool_use_id: id, content: 'ok' })),
  })
}
server.close()
server.closeAllConnections()
