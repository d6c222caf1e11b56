/**
 * An agent of the command line on Chat Completions, which says only at the end of an answer that the tool calls in it are complete. It runs
 * each tool when its arguments have come, and with `STOPS=1` reads no further than the first. Its model sends the rest of an answer
 * only when the tool has run. Knows nothing of telemetry.
 */
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import * as fs from 'node:fs'
import * as http from 'node:http'
import type { AddressInfo } from 'node:net'
import OpenAI from 'openai'

const stops = process.env.STOPS === '1'
const calls = [
  ['write_file', { path: 'written.txt' }],
  ['shell', { command: 'echo from a command > made.txt' }],
] as const
const ran = new EventTarget()

const server = http.createServer(async (request, response) => {
  let body = ''
  for await (const piece of request.setEncoding('utf8')) body += piece
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  const send = (delta: object, finish_reason: string | null = null): void => {
    const choices = [{ index: 0, delta, finish_reason }]
    const chunk = { id: 'c', object: 'chat.completion.chunk', created: 1, model: 'm', choices }
    response.write(`data: ${JSON.stringify(chunk)}\n\n`)
  }
  send({ role: 'assistant', content: '' })
  if (body.includes('"role":"tool"')) {
    send({ content: 'Done.' })
    send({}, 'stop')
  } else {
    for (const [index, [name, given]] of calls.entries()) {
      const isRun = once(ran, `call_${index}`)
      const called = { name, arguments: JSON.stringify(given) }
      send({ tool_calls: [{ index, id: `call_${index}`, type: 'function', function: called }] })
      await isRun
    }
    send({}, 'tool_calls')
  }
  response.end('data: [DONE]\n\n')
})
await once(server.listen(0, '127.0.0.1'), 'listening')
const { port } = server.address() as AddressInfo

const client = new OpenAI({ apiKey: 'k', baseURL: `http://127.0.0.1:${port}/v1`, maxRetries: 0 })

function run(id: string, { path, command }: { path?: string; command?: string }): void {
  if (path !== undefined) fs.writeFileSync(path, 'from a tool')
  if (command !== undefined) execFileSync('sh', ['-c', command])
  ran.dispatchEvent(new Event(id))
}

const messages: OpenAI.ChatCompletionMessageParam[] = [{ role: 'user', content: 'Write and run' }]
const made: OpenAI.ChatCompletionMessageToolCall[] = []
for await (const chunk of await client.chat.completions.create({
  model: 'm',
  messages,
  stream: true,
})) {
  for (const { id = '', function: called } of chunk.choices[0]?.delta.tool_calls ?? []) {
    const given = called?.arguments ?? ''
    made.push({ id, type: 'function', function: { name: called?.name ?? '', arguments: given } })
    if (!stops) run(id, JSON.parse(given))
  }
  if (stops && made.length > 0) break
}
if (stops)
  for (const call of made)
    if (call.type === 'function') run(call.id, JSON.parse(call.function.arguments))
messages.push({ role: 'assistant', tool_calls: made })
for (const { id } of made) messages.push({ role: 'tool', tool_call_id: id, content: 'ok' })
await client.chat.completions
  .create({ model: 'm', messages, stream: true })
  .then(async (stream) => {
    for await (const _ of stream);
  })
server.close()
server.closeAllConnections()
