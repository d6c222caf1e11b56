/** A chat app that asks OpenAI's Responses over one WebSocket, which it keeps. Knows nothing of telemetry. */
import { once } from 'node:events'
import * as fs from 'node:fs'
import * as http from 'node:http'
import type { AddressInfo } from 'node:net'
import { OpenAI } from 'openai'
import { ResponsesWS } from 'openai/resources/responses/ws'

const client = new OpenAI({ apiKey: 'k', baseURL: `${process.env.API}/v1` })
const socket = new ResponsesWS(client)
socket.on('error', () => undefined)

type Item = { type: string; call_id: string; arguments: string; content: { text: string }[] }
interface Response {
  readonly id: string
  readonly output: Item[]
}

function ask(request: object): Promise<Response> {
  return new Promise((resolve, reject) => {
    const hear = (event: { type: string; response?: unknown }): void => {
      if (process.env.STOPS === '1') socket.close()
      if (event.type !== 'response.completed') return
      socket.off('event', hear)
      resolve(event.response as Response)
    }
    socket.on('event', hear)
    socket.on('close', () => reject(new Error('closed')))
    socket.send({ type: 'response.create', model: 'm', ...request } as never)
  })
}

async function answer(message: string): Promise<string> {
  let response = await ask({
    instructions: 'You write files.',
    input: [{ role: 'user', content: message }],
  })
  for (;;) {
    const calls = response.output.filter(({ type }) => type === 'function_call')
    if (calls.length === 0) return response.output[0]?.content[0]?.text ?? ''
    const input = calls.map((call) => {
      const { path, content } = JSON.parse(call.arguments)
      fs.writeFileSync(path, content)
      return { type: 'function_call_output', call_id: call.call_id, output: 'written' }
    })
    response = await ask({ previous_response_id: response.id, input })
  }
}

const server = http.createServer(async (request, response) => {
  let body = ''
  for await (const piece of request) body += piece
  answer(JSON.parse(body).message).then(
    (text) => response.end(text),
    (error) => response.writeHead(500).end(String(error)),
  )
})
await once(server.listen(0, '127.0.0.1'), 'listening')
console.log(`port ${(server.address() as AddressInfo).port}`)
process.on('SIGTERM', () => process.exit(0))
