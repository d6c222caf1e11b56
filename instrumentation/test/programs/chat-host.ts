/**
 * A localhost agent app in one file: a chat over HTTP, fastify or WebSockets (`SERVER`), a hand-written loop over the
 * Messages API through the client that `CLIENT` names, tools that change files. Knows nothing of telemetry.
 */
import * as fs from 'node:fs'
import * as http from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import Anthropic from '@anthropic-ai/sdk'
import fastify from 'fastify'
import { type WebSocket, WebSocketServer } from 'ws'

const { SERVER = 'http', CLIENT = 'sdk', API = '' } = process.env

type Message = Anthropic.MessageParam
type Answer = Pick<Anthropic.Message, 'content' | 'stop_reason'>
type Ask = (messages: Message[], onText: (text: string) => void) => Promise<Answer>

const client = new Anthropic({
  apiKey: 'k',
  baseURL: API,
  maxRetries: Number(process.env.RETRIES ?? 2),
  timeout: 20_000,
})
const common = {
  model: 'claude-test',
  max_tokens: 100,
  tools: [{ name: 'write_file', input_schema: { type: 'object' as const } }],
}

const asks: Record<string, Ask> = {
  sdk: (messages) => client.messages.create({ ...common, messages }),
  'sdk-response': async (messages) =>
    (await client.messages.create({ ...common, messages }).withResponse()).data,
  'sdk-beta': async (messages) =>
    (await client.beta.messages.create({ ...common, messages } as never)) as never,
  'sdk-stream': (messages, onText) =>
    client.messages
      .stream({ ...common, messages })
      .on('text', onText)
      .finalMessage(),
  async 'sdk-create-stream'(messages, onText) {
    const texts: string[] = []
    const uses: { id: string; name: string; json: string }[] = []
    const stream = await client.messages.create({ ...common, messages, stream: true })
    for await (const event of stream) {
      if (event.type === 'content_block_start' && event.content_block.type === 'tool_use') {
        uses.push({ ...event.content_block, json: '' })
      }
      if (event.type !== 'content_block_delta') continue
      if (event.delta.type === 'text_delta') {
        texts.push(event.delta.text)
        onText(event.delta.text)
      } else if (event.delta.type === 'input_json_delta') {
        const use = uses.at(-1)
        if (use !== undefined) use.json += event.delta.partial_json
      }
    }
    return answerOf(texts.join(''), uses)
  },
  fetch: (messages) => askByFetch(fetch, messages),
  'undici 5': (messages) => askByFetch(undici(5).fetch, messages),
  'undici 6': (messages) => askByFetch(undici(6).fetch, messages),
  'undici 8': (messages) => askByFetch(undici(8).fetch, messages),
  'undici 6 request': async (messages) => {
    const { body } = await undici(6).request(`${API}/v1/messages`, postOf(messages))
    return (await body.json()) as Answer
  },
  'undici 6 retrying': (messages) => {
    const { Agent, RetryAgent, fetch } = undici(6)
    const dispatcher = new RetryAgent(new Agent())
    return askByFetch((url, init) => fetch(url, { ...init, dispatcher }), messages)
  },
  'undici 6 behind interceptors': (messages) => {
    const { Agent, fetch, interceptors } = undici(6)
    const dispatcher = new Agent().compose(interceptors.redirect({ maxRedirections: 2 }))
    return askByFetch((url, init) => fetch(url, { ...init, dispatcher }), messages)
  },
  /** The app's own agent under the built-in `fetch`. */
  'undici 6 agent': (messages) => {
    const { Agent } = undici(6)
    const dispatcher = new Agent()
    return askByFetch((url, init) => fetch(url, { ...init, dispatcher } as never), messages)
  },
  http: (messages) =>
    new Promise((resolve, reject) => {
      const request = http.request(`${API}/v1/messages`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
      })
      request.on('error', reject)
      request.on('response', (response) => {
        let text = ''
        response.setEncoding('utf8')
        response.on('data', (piece) => (text += piece))
        response.on('end', () => resolve(JSON.parse(text)))
        response.on('error', reject)
      })
      const body = JSON.stringify({ ...common, messages })
      request.write(body.slice(0, 10))
      request.end(Buffer.from(body.slice(10)))
    }),
  /** As got does: the whole body is written, and `end` comes in a later turn of the event loop, perhaps too late. */
  'http-late-end': (messages) =>
    new Promise((resolve, reject) => {
      const body = JSON.stringify({ ...common, messages })
      const request = http.request(`${API}/v1/messages`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
      })
      request.on('error', reject)
      request.on('response', (response) => {
        let text = ''
        response.on('data', (piece) => (text += piece))
        response.on('end', () => {
          request.end()
          resolve(JSON.parse(text))
        })
      })
      request.write(body)
    }),
}

/** The app's own copy of the package. */
function undici(version: number): typeof import('undici6') {
  return createRequire(import.meta.url)(`undici${version}`)
}

type Post = ReturnType<typeof postOf>

function postOf(messages: Message[]) {
  return {
    method: 'POST' as const,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ...common, messages }),
  }
}

interface FetchAnswer {
  readonly ok: boolean
  readonly status: number
  json(): Promise<unknown>
}

async function askByFetch(
  fetchIt: (url: string, init: Post) => Promise<FetchAnswer>,
  messages: Message[],
): Promise<Answer> {
  const response = await fetchIt(`${API}/v1/messages`, postOf(messages))
  if (!response.ok) throw new Error(`status ${response.status}`)
  return (await response.json()) as Answer
}

function answerOf(text: string, uses: { id: string; name: string; json: string }[]): Answer {
  const content = [
    { type: 'text', text },
    ...uses.map(({ id, name, json }) => ({ type: 'tool_use', id, name, input: JSON.parse(json) })),
  ]
  return { content, stop_reason: uses.length > 0 ? 'tool_use' : 'end_turn' } as never
}

async function chat(
  text: string,
  client = CLIENT,
  onText?: (text: string) => void,
): Promise<string> {
  try {
    return await converse(text, asks[client] as Ask, onText)
  } finally {
    console.log(`answered ${text}`)
  }
}

async function converse(
  text: string,
  ask: Ask,
  onText = (_text: string): void => undefined,
): Promise<string> {
  const messages: Message[] = [{ role: 'user', content: text }]
  for (;;) {
    const { content } = await ask(messages, onText)
    messages.push({ role: 'assistant', content })
    const uses = content.filter((block) => block.type === 'tool_use')
    if (uses.length === 0)
      return content.map((block) => ('text' in block ? block.text : '')).join('')
    const results: Anthropic.ToolResultBlockParam[] = []
    for (const { id, name, input } of uses) {
      const result = await run(name, input as ToolInput)
      results.push({ type: 'tool_result', tool_use_id: id, ...result })
    }
    messages.push({ role: 'user', content: results })
  }
}

interface ToolInput {
  readonly path: string
  readonly content: string
  readonly ms: number
}

async function run(name: string, { path, content, ms }: ToolInput) {
  try {
    if (name === 'wait') await new Promise((resolve) => setTimeout(resolve, ms))
    if (name === 'write_file') await fs.promises.writeFile(path, content)
    if (name === 'edit_sync') fs.writeFileSync(path, content)
    if (name === 'save_file') {
      fs.writeFileSync(`${path}.tmp`, content)
      fs.renameSync(`${path}.tmp`, path)
    }
    if (name === 'delete_file') {
      await new Promise<void>((resolve, reject) =>
        fs.unlink(path, (error) => (error === null ? resolve() : reject(error))),
      )
    }
    if (name === 'two_files') {
      await Promise.all([
        fs.promises.writeFile('one.txt', 'one\n'),
        fs.promises.appendFile('two.txt', 'two\n'),
      ])
    }
    return { content: 'done' }
  } catch (error) {
    return { content: String(error), is_error: true }
  }
}

const failed = (error: unknown) => (error instanceof Error ? error.constructor.name : 'failed')

const servers: Record<string, () => Promise<number> | number> = {
  http() {
    const server = http.createServer((request, response) => {
      let body = ''
      request.on('data', (piece) => (body += piece))
      request.on('end', () => {
        const { message, stream, client } = JSON.parse(body)
        response.on('close', () => {
          if (!response.writableFinished) console.log('left early')
        })
        if (stream === true) {
          response.writeHead(200, { 'content-type': 'text/plain', 'x-conversation-id': 'c-head' })
          chat(message, client, (text) => response.write(text)).then(
            () => response.end(),
            () => response.destroy(),
          )
          return
        }
        chat(message, client).then(
          (answer) => {
            response.setHeader('content-type', 'application/json')
            response.end(JSON.stringify({ answer, conversation_id: 'c-body' }))
          },
          (error) => {
            response.statusCode = 502
            response.end(failed(error))
          },
        )
      })
    })
    return listen(server)
  },
  async fastify() {
    const app = fastify()
    app.post<{ Body: { message: string } }>('/api/chat', async (request) => ({
      answer: await chat(request.body.message),
      conversation_id: 'c-fastify',
    }))
    app.get('/boom', async () => {
      throw new Error('boom of a route')
    })
    await app.listen({ port: 0, host: '127.0.0.1' })
    return (app.server.address() as AddressInfo).port
  },
  /** Answers at once and works afterwards. */
  background() {
    const server = http.createServer(async (request, response) => {
      let body = ''
      for await (const piece of request) body += piece
      response.writeHead(202).end()
      await chat(JSON.parse(body).message)
    })
    return listen(server)
  },
  ws: listenForSockets,
  /** A `ws` that is not in the module cache, as in an app that is bundled into one file. */
  'ws-bundled'() {
    const { cache } = createRequire(import.meta.url)
    for (const file of Object.keys(cache)) {
      if (/[\\/]node_modules[\\/]ws[\\/]/.test(file)) Reflect.deleteProperty(cache, file)
    }
    return listenForSockets()
  },
}

function listenForSockets(): Promise<number> {
  const server = http.createServer()
  const sockets = new WebSocketServer({ server })
  sockets.on('connection', (socket, request) => {
    const kind = new URL(request.url ?? '', 'ws://h').searchParams.get('kind') ?? 'async'
    listeners[kind]?.(socket)
  })
  return listen(server)
}

/** The ways in which an app may listen for messages. */
const listeners: Readonly<Record<string, (socket: WebSocket) => void>> = {
  async: (socket) => socket.on('message', async (data) => answerOn(socket, data)),
  void: (socket) =>
    socket.on('message', (data) => {
      void answerOn(socket, data)
    }),
  arrow: (socket) => socket.on('message', (data) => answerOn(socket, data)),
  once: (socket) => socket.once('message', async (data) => answerOn(socket, data)),
  attribute: (socket) => {
    socket.onmessage = async ({ data }) => answerOn(socket, data)
  },
  target: (socket) => {
    socket.addEventListener('message', async ({ data }) => answerOn(socket, data))
  },
}

async function answerOn(socket: WebSocket, data: unknown): Promise<void> {
  const { text, id } = JSON.parse(String(data))
  try {
    const answer = await chat(text, CLIENT, (delta) =>
      socket.send(JSON.stringify({ type: 'delta', text: delta })),
    )
    socket.send(JSON.stringify({ type: 'done', id, answer, conversation_id: `c-${id}` }))
  } catch (error) {
    socket.send(JSON.stringify({ type: 'failed', id, reason: failed(error) }))
  }
}

function listen(server: http.Server): Promise<number> {
  return new Promise((resolve) =>
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)),
  )
}

process.on('SIGTERM', () => process.exit(0))
console.log(`port ${await servers[SERVER]?.()}`)
