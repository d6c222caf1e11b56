/** Calls to a model API through every HTTP client, with every kind of failure. */
import { once } from 'node:events'
import * as http from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import Anthropic from '@anthropic-ai/sdk'
import { inTurn } from './in-turn.ts'

const api = http.createServer(async (request, response) => {
  let body = ''
  for await (const piece of request) body += piece
  const headers = Object.keys(request.headers).filter(
    (name) => !/^x-stainless|user-agent/.test(name),
  )
  const { model } = JSON.parse(body)
  const answer = {
    id: 'm',
    type: 'message',
    role: 'assistant',
    model,
    content: [{ type: 'text', text: headers.toSorted((a, b) => a.localeCompare(b)).join(' ') }],
    stop_reason: 'end_turn',
    usage: { input_tokens: 1, output_tokens: 1 },
  }
  if (model === 'retried' && request.headers['x-stainless-retry-count'] === '0') {
    response
      .writeHead(529, { 'retry-after-ms': '1' })
      .end('{"type":"error","error":{"type":"overloaded_error"}}')
  } else if (model === 'refused')
    response.writeHead(400).end('{"type":"error","error":{"message":"no"}}')
  else if (model === 'broken') {
    response.writeHead(200, { 'content-length': 1000, 'content-type': 'application/json' })
    response.write('{"id":')
    setTimeout(() => response.destroy(), 5)
  } else if (model === 'hanging') setTimeout(() => response.destroy(), 300)
  else if (model === 'gzip') {
    response.writeHead(200, { 'content-encoding': 'gzip', 'content-type': 'application/json' })
    response.end(gzipSync(JSON.stringify(answer)))
  } else response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer))
})
api.listen(0, '127.0.0.1')
await once(api, 'listening')
const baseURL = `http://127.0.0.1:${(api.address() as AddressInfo).port}`

const request = (model: string) => ({
  model,
  max_tokens: 5,
  messages: [{ role: 'user' as const, content: 'hi' }],
})

async function print(what: string, call: () => Promise<unknown>): Promise<void> {
  try {
    console.log(what, await call())
  } catch (error) {
    const { name, message, code, status } = error as Error & { code?: string; status?: number }
    console.log(what, 'failed', (error as object).constructor.name, name, code, status, message)
  }
}

function byHttp(model: string, options: http.RequestOptions = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const sent = http.request(
      `${baseURL}/v1/messages`,
      { method: 'POST', ...options },
      (answer) => {
        answer.on('error', reject)
        const names = answer
          .eventNames()
          .map((name) => `${String(name)}:${answer.listenerCount(name)}`)
        let bytes = 0
        answer.on('data', (piece) => (bytes += piece.length))
        answer.on('end', () =>
          resolve([answer.statusCode, bytes, names, Object.keys(answer).length].join(' ')),
        )
      },
    )
    sent.on('error', reject)
    console.log(
      sent.write.name,
      sent.write.length,
      sent.end.name,
      sent.end.length,
      sent.eventNames(),
    )
    console.log(sent.write('{"model":', 'utf8', () => console.log('written')))
    console.log(
      sent.end(Buffer.from(`${JSON.stringify(model)}}`), () => console.log('ended')) === sent,
    )
  })
}

async function all(): Promise<void> {
  const client = new Anthropic({ apiKey: 'k', baseURL, maxRetries: 1 })
  for (const model of ['plain', 'retried', 'refused', 'broken', 'gzip']) {
    await print(`sdk ${model}`, async () => (await client.messages.create(request(model))).content)
  }
  await print('sdk timeout', () =>
    client.messages.create(request('hanging'), { timeout: 20, maxRetries: 0 }),
  )
  const aborted = new AbortController()
  setTimeout(() => aborted.abort(), 20)
  await print('sdk abort', () =>
    client.messages.create(request('hanging'), { signal: aborted.signal }),
  )
  await print('fetch', async () => {
    const answer = await fetch(`${baseURL}/v1/messages`, {
      method: 'POST',
      body: JSON.stringify(request('plain')),
    })
    return [answer.status, answer.url.slice(-12), answer.redirected, (await answer.text()).length]
  })
  await print('fetch nowhere', () =>
    fetch('http://127.0.0.1:1/v1/messages', { method: 'POST', body: '{}' }),
  )
  for (const model of ['plain', 'refused', 'broken', 'gzip']) {
    await print(`http ${model}`, () => byHttp(model))
  }
  await print('http kept alive', () => byHttp('plain', { agent }))
  await print('http kept alive', () => byHttp('plain', { agent }))
  await print('http abort', () => byHttp('hanging', { signal: AbortSignal.timeout(20) }))
  await print('http nowhere', () => byHttp('plain', { port: 1 }))
  await print('http unread', async () => {
    const sent = http.request(`${baseURL}/v1/messages`, { method: 'POST' })
    sent.end('{"model":"plain"}')
    const [answer] = (await once(sent, 'response')) as [http.IncomingMessage]
    answer.destroy()
    await once(answer, 'close')
    return answer.complete
  })
}

const agent = new http.Agent({ keepAlive: true })
await all()
await inTurn(all)
agent.destroy()
api.closeAllConnections()
api.close()
