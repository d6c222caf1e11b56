/** A chat app on an SDK that retries and does not trace itself (`CLIENT`). Knows nothing of telemetry. */
import * as http from 'node:http'
import type { AddressInfo } from 'node:net'
import { createAnthropic } from '@ai-sdk/anthropic'
import { GoogleGenAI } from '@google/genai'
import { generateText } from 'ai'
import OpenAI from 'openai'

const { CLIENT = 'openai', API = '' } = process.env

const clients: Readonly<Record<string, (text: string) => Promise<string | null | undefined>>> = {
  async openai(content) {
    const client = new OpenAI({ apiKey: 'k', baseURL: `${API}/v1` })
    const messages = [{ role: 'user' as const, content }]
    const { choices } = await client.chat.completions.create({ model: 'gpt-test', messages })
    return choices[0]?.message.content
  },
  async ai(prompt) {
    const anthropic = createAnthropic({ apiKey: 'k', baseURL: `${API}/v1` })
    return (await generateText({ model: anthropic('claude-test'), prompt })).text
  },
  async genai(contents) {
    const httpOptions = { baseUrl: API, retryOptions: { attempts: 3 } }
    const client = new GoogleGenAI({ apiKey: 'k', httpOptions })
    return (await client.models.generateContent({ model: 'gemini-test', contents })).text
  },
  async fetch(content) {
    const body = { model: 'gpt-test', messages: [{ role: 'user', content }] }
    const init = { method: 'POST', body: JSON.stringify(body) }
    const response = await fetch(`${API}/v1/chat/completions`, init)
    if (!response.ok) throw new Error(String(response.status))
    return 'It answered.'
  },
}

const server = http.createServer(async (request, response) => {
  let body = ''
  for await (const piece of request) body += piece
  try {
    response.end(await clients[CLIENT]?.(JSON.parse(body).message))
  } catch {
    response.writeHead(502).end('failed')
  }
})

process.on('SIGTERM', () => process.exit(0))
server.listen(0, '127.0.0.1', () => {
  console.log(`port ${(server.address() as AddressInfo).port}`)
})
