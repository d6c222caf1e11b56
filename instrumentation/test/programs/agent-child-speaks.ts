/**
 * An app whose agent is a child process named `claude`, to which it writes JSON messages, as the Claude Agent SDK does. `ASKED` is a
 * list of texts. Without a server, it asks them one after the other; with `SERVER=1` a request asks one, of an agent that it has
 * kept since its start. Knows nothing of telemetry.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import * as http from 'node:http'
import type { AddressInfo } from 'node:net'
import * as path from 'node:path'
import { createInterface } from 'node:readline'

const streams = ['--output-format', 'stream-json', '--input-format', 'stream-json']
const agent = spawn(path.resolve('bin/claude'), streams, { stdio: ['pipe', 'pipe', 'inherit'] })
const waiting: ((text: string) => void)[] = []
createInterface({ input: agent.stdout }).on('line', (line) => {
  const { type, result } = JSON.parse(line)
  if (type === 'result') waiting.shift()?.(String(result))
})

function ask(text: string): Promise<string> {
  const message = {
    type: 'user',
    message: { role: 'user', content: text },
    parent_tool_use_id: null,
  }
  agent.stdin.write(`${JSON.stringify(message)}\n`)
  return new Promise((resolve) => waiting.push(resolve))
}

if (process.env.SERVER === '1') {
  const server = http.createServer(async (request, response) => {
    let body = ''
    for await (const piece of request) body += piece
    response.end(JSON.stringify({ text: await ask(JSON.parse(body).message) }))
  })
  process.on('SIGTERM', () => process.exit(0))
  server.listen(0, '127.0.0.1', () => console.log(`port ${(server.address() as AddressInfo).port}`))
} else {
  for (const text of JSON.parse(process.env.ASKED ?? '[]')) console.log(await ask(text))
  agent.stdin.end()
  await once(agent, 'close')
}
