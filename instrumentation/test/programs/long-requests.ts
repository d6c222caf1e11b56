/**
 * An agent of the command line that shows the model an image of `BYTES`, asks `PROMPT`, and runs the tool that it is asked for. It sends
 * its requests to `API` by `CLIENT`, a failed one a second time. Knows nothing of telemetry.
 */
import * as fs from 'node:fs'
import * as http from 'node:http'

const { API = '', CLIENT = 'fetch', BYTES = '0', PROMPT = '' } = process.env

type Content = readonly { readonly [name: string]: unknown }[]

const image = {
  type: 'image',
  source: { type: 'base64', media_type: 'image/png', data: 'iVBO'.repeat(Number(BYTES) / 4) },
}
const messages: { role: string; content: Content }[] = [
  { role: 'user', content: [image, { type: 'text', text: PROMPT }] },
]

const clients: Readonly<Record<string, (body: string) => Promise<string>>> = {
  async fetch(body) {
    const headers = { 'content-type': 'application/json' }
    const response = await fetch(API, { method: 'POST', headers, body })
    if (!response.ok) throw new Error(String(response.status))
    return response.text()
  },
  http: (body) =>
    new Promise((resolve, reject) => {
      const request = http.request(API, { method: 'POST' }, (response) => {
        let text = ''
        response.on('data', (piece) => (text += piece))
        response.on('error', reject)
        response.on('end', () =>
          response.statusCode === 200 ? resolve(text) : reject(new Error('failed')),
        )
      })
      request.on('error', reject)
      request.setHeader('content-type', 'application/json')
      request.end(body)
    }),
}

async function ask(): Promise<Content> {
  const send = clients[CLIENT]
  if (send === undefined) throw new Error(`There is no client '${CLIENT}'.`)
  const body = JSON.stringify({ model: 'claude-test', max_tokens: 9, messages })
  return JSON.parse(await send(body).catch(() => send(body))).content
}

for (;;) {
  const content = await ask()
  const uses = content.filter(({ type }) => type === 'tool_use')
  if (uses.length === 0) break
  messages.push({ role: 'assistant', content })
  const results = uses.map(({ id }) => {
    fs.writeFileSync('seen.txt', 'seen')
    return { type: 'tool_result', tool_use_id: id, content: 'written' }
  })
  messages.push({ role: 'user', content: results })
}
