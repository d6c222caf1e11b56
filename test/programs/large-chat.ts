/**
 * A chat app with tools that read and write whole files, and a tool that returns unusual characters. It contains no
 * telemetry. `API` is the address of its Messages API.
 */
import { readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

interface Use {
  readonly type: string
  readonly id: string
  readonly name: string
  readonly input: { readonly path: string; readonly content: string }
}

async function converse(text: string): Promise<string> {
  const messages: object[] = [{ role: 'user', content: text }]
  for (;;) {
    const response = await fetch(`${process.env.API}/v1/messages`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'claude-test', max_tokens: 100, messages }),
    })
    const { content } = (await response.json()) as { content: (Use & { text?: string })[] }
    messages.push({ role: 'assistant', content })
    const uses = content.filter(({ type }) => type === 'tool_use')
    if (uses.length === 0) return content.map((block) => block.text ?? '').join('')
    const results: object[] = []
    for (const { id, name, input } of uses) {
      results.push({ type: 'tool_result', tool_use_id: id, content: await run(name, input) })
    }
    messages.push({ role: 'user', content: results })
  }
}

async function run(name: string, { path, content }: Use['input']): Promise<string> {
  switch (name) {
    case 'read_file':
      return readFile(path, 'utf8')
    case 'write_file':
      await writeFile(path, content)
      return 'written'
    default:
      return `${name} \0 ${'\ud83d'.repeat(70_000)} \udc00`
  }
}

const server = createServer(async (request, response) => {
  const pieces: Buffer[] = []
  for await (const piece of request) pieces.push(piece)
  const answer = await converse(JSON.parse(Buffer.concat(pieces).toString()).message)
  response.setHeader('content-type', 'application/json')
  response.end(JSON.stringify({ answer }))
})
server.listen(0, '127.0.0.1', () => {
  console.log(`port ${(server.address() as AddressInfo).port}`)
})
process.on('SIGTERM', () => process.exit(0))
