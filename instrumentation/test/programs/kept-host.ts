/**
 * Agents on OpenAI's Responses, which leave the conversation to the server: each request names the answer before (`KEPT=answer`), or the
 * conversation (`KEPT=conversation`). `PROMPTS` are the texts of each user. Without `WAY=server` it is a program of the command line.
 * Knows nothing of telemetry.
 */
import * as fs from 'node:fs'
import * as http from 'node:http'
import type { AddressInfo } from 'node:net'
import OpenAI from 'openai'

const { API = '', KEPT = 'answer', WAY = 'terminal', STREAM, PROMPTS = '[]' } = process.env
const client = new OpenAI({ apiKey: 'k', baseURL: `${API}/v1` })
const tools = [
  { type: 'function' as const, name: 'write_file', parameters: { type: 'object' }, strict: false },
]

class Chat {
  #last: string | undefined
  readonly #user: string

  constructor(user: string) {
    this.#user = user
  }

  async say(text: string): Promise<string> {
    let input: OpenAI.Responses.ResponseInput = [{ role: 'user', content: text }]
    for (;;) {
      const response = await this.#ask(input)
      this.#last = response.id
      const calls = response.output.filter((item) => item.type === 'function_call')
      if (calls.length === 0) return response.output_text
      input = calls.map(({ call_id, arguments: given }) => {
        fs.writeFileSync(JSON.parse(given).path, 'written')
        return { type: 'function_call_output' as const, call_id, output: 'written' }
      })
    }
  }

  async #ask(input: OpenAI.Responses.ResponseInput): Promise<OpenAI.Responses.Response> {
    const kept =
      KEPT === 'conversation'
        ? { conversation: { id: `conv_${this.#user}` } }
        : { previous_response_id: this.#last ?? null }
    const request = { model: 'gpt-test', input, tools, instructions: 'You help.', ...kept }
    if (STREAM === undefined) return client.responses.create(request)
    return client.responses.stream(request).finalResponse()
  }
}

const users: readonly (readonly string[])[] = JSON.parse(PROMPTS)
const chats = new Map<string, Chat>()

function chatOf(user: string): Chat {
  const chat = chats.get(user) ?? new Chat(user)
  chats.set(user, chat)
  return chat
}

if (WAY === 'server') {
  const server = http.createServer(async (request, response) => {
    let body = ''
    for await (const piece of request) body += piece
    const { user, message } = JSON.parse(body)
    response.end(await chatOf(user).say(message))
  })
  process.on('SIGTERM', () => process.exit(0))
  server.listen(0, '127.0.0.1', () => {
    console.log(`port ${(server.address() as AddressInfo).port}`)
  })
} else {
  await Promise.all(
    users.map(async (texts, index) => {
      for (const text of texts) await chatOf(String(index)).say(text)
    }),
  )
}
