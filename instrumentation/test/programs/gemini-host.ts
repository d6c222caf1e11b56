/** A localhost agent app with a hand-written loop over Gemini's API, whose tool calls have no ids. Knows nothing of telemetry. */
import * as http from 'node:http'
import type { AddressInfo } from 'node:net'

interface Part {
  readonly text?: string
  readonly functionCall?: { readonly name: string; readonly args: { readonly path: string } }
}

async function converse(text: string): Promise<string> {
  const contents: unknown[] = [{ role: 'user', parts: [{ text }] }]
  for (;;) {
    const url = `${process.env.API}/v1beta/models/gemini-test:streamGenerateContent?alt=sse`
    const response = await fetch(url, { method: 'POST', body: JSON.stringify({ contents }) })
    const parts: Part[] = (await response.text())
      .split('\n')
      .filter((line) => line.startsWith('data: '))
      .flatMap((line) => JSON.parse(line.slice(6)).candidates[0].content.parts)
    contents.push({ role: 'model', parts })
    const calls = parts.flatMap(({ functionCall }) => functionCall ?? [])
    if (calls.length === 0) return parts.map((part) => part.text ?? '').join('')
    const results = calls.map(({ name, args }) => ({
      functionResponse: { name, response: { output: `${text}: ${args.path}` } },
    }))
    contents.push({ role: 'user', parts: results })
  }
}

const server = http.createServer(async (request, response) => {
  let body = ''
  for await (const piece of request) body += piece
  response.setHeader('content-type', 'application/json')
  response.end(JSON.stringify({ answer: await converse(JSON.parse(body).message) }))
})
process.on('SIGTERM', () => process.exit(0))
server.listen(0, '127.0.0.1', () => {
  console.log(`port ${(server.address() as AddressInfo).port}`)
})
