/**
 * A chat app that also asks the model for a title: before its answer, beside it, after it, or when it has answered. Knows nothing
 * of telemetry.
 */
import * as http from 'node:http'
import type { AddressInfo } from 'node:net'

async function ask(content: string): Promise<string> {
  const response = await fetch(`${process.env.API}/v1/messages`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'm', max_tokens: 9, messages: [{ role: 'user', content }] }),
  })
  if (!response.ok) throw new Error(`status ${response.status}`)
  const { content: blocks } = (await response.json()) as { content: { text: string }[] }
  return blocks.map(({ text }) => text).join('')
}

const title = (message: string): Promise<string> =>
  ask(`A title for: ${message}`).catch(() => 'Untitled')

const orders: Record<string, (message: string, send: (text: string) => void) => Promise<void>> = {
  async before(message, send) {
    await title(message)
    send(await ask(message))
  },
  async beside(message, send) {
    const asked = title(message)
    send(await ask(message))
    await asked
  },
  async after(message, send) {
    const answer = await ask(message)
    await title(message)
    send(answer)
  },
  async late(message, send) {
    send(await ask(message))
    await new Promise(setImmediate)
    await title(message)
  },
}

const server = http.createServer((request, response) => {
  let body = ''
  request.on('data', (piece) => (body += piece))
  request.on('end', () => {
    const { message, client: order } = JSON.parse(body)
    const send = (answer: string): void => void response.end(JSON.stringify({ answer }))
    orders[order]?.(message, send).then(
      () => console.log(`answered ${message}`),
      () => response.writeHead(500).end(),
    )
  })
})
server.listen(0, '127.0.0.1', () => console.log(`port ${(server.address() as AddressInfo).port}`))
process.on('SIGTERM', () => {
  server.close()
  server.closeAllConnections()
})
