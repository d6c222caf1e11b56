/**
 * An app that sends the requests of `REQUESTS`, a JSON list, one after another to the server at `SERVER`, through `client`,
 * and prints each answer; then writes the files of `FILES`, and, with `THREAD`, that file in a thread. With `STAYS` it lives on. Knows nothing of telemetry.
 */
import { channel } from 'node:diagnostics_channel'
import { once } from 'node:events'
import * as fs from 'node:fs'
import * as http from 'node:http'
import * as http2 from 'node:http2'
import { createRequire } from 'node:module'
import { Worker } from 'node:worker_threads'
import { SpanKind, trace } from '@opentelemetry/api'

export interface SentRequest {
  readonly client: 'fetch' | 'http' | 'undici 6' | 'http2' | 'silent' | 'WebSocket'
  readonly path: string
  readonly method?: string
  readonly body?: unknown
  /** The name of the host that the request is for. */
  readonly host?: string
  readonly type?: string
  /** In a span of a model call, as of an SDK that traces itself. */
  readonly isTraced?: boolean
}

const { SERVER = '', HTTP2 = '', REQUESTS = '[]', FILES = '[]' } = process.env
const requests: readonly SentRequest[] = JSON.parse(REQUESTS)
const files: readonly string[] = JSON.parse(FILES)

for (const file of files) fs.writeFileSync(`early-${file}`, 'early\n')
for (const request of requests) {
  console.log(await (request.isTraced === true ? traced(() => send(request)) : send(request)))
}
for (const file of files) {
  fs.writeFileSync(file, 'a\n')
  fs.appendFileSync(file, 'b\n')
  await fs.promises.rename(file, `${file}.bak`)
}

if (process.env.THREAD !== undefined) {
  const code = `require('node:fs').writeFileSync(process.env.THREAD, 'x')`
  await once(new Worker(code, { eval: true }), 'exit')
}

if (process.env.STAYS !== undefined) setInterval(() => undefined, 1_000)

function traced<Result>(step: () => Promise<Result>): Promise<Result> {
  const options = {
    kind: SpanKind.CLIENT,
    attributes: { 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'm' },
  }
  return trace.getTracer('sdk').startActiveSpan('chat m', options, async (span) => {
    try {
      return await step()
    } finally {
      span.end()
    }
  })
}

async function send({ client, path, method = 'POST', body, host, type }: SentRequest) {
  const text = body === undefined ? undefined : JSON.stringify(body)
  const headers = {
    ...(type === undefined ? {} : { 'content-type': type }),
    ...(host === undefined ? {} : { host }),
  }
  switch (client) {
    case 'fetch':
      return (await fetch(SERVER + path, { method, headers, body: text ?? null })).text()
    case 'undici 6': {
      const undici: typeof import('undici6') = createRequire(import.meta.url)('undici6')
      const answer = await undici.request(SERVER + path, {
        method: method as 'POST',
        headers,
        body: text ?? null,
      })
      return answer.body.text()
    }
    case 'http':
      return overHttp(path, { method, headers }, text)
    case 'WebSocket':
      return openSocket(path)
    case 'silent':
      return tellNothing(path)
    case 'http2':
      return overHttp2({ ':method': method, ':path': path, ...headers }, text)
  }
}

/** The built-in WebSocket; the server refuses it. */
async function openSocket(path: string): Promise<string> {
  const socket = new WebSocket(SERVER.replace('http', 'ws') + path)
  await new Promise((resolve) => socket.addEventListener('error', resolve))
  return 'refused'
}

/** As an HTTP client of the future might: its channels tell of a request and its answer, and of no body. */
function tellNothing(path: string): string {
  const request = { method: 'POST', origin: SERVER, path }
  const publish = (name: string, message: object) =>
    channel(`undici:request:${name}`).publish({ request, ...message })
  publish('create', {})
  publish('headers', { response: { statusCode: 200, headers: [] } })
  publish('trailers', {})
  return 'told'
}

function overHttp(path: string, options: http.RequestOptions, text = ''): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = http.request(SERVER + path, options, (response) => {
      let answer = ''
      response.setEncoding('utf8').on('data', (piece: string) => (answer += piece))
      response.on('end', () => resolve(answer))
    })
    request.on('error', reject)
    request.end(text)
  })
}

async function overHttp2(headers: http2.OutgoingHttpHeaders, text = ''): Promise<string> {
  const session = http2.connect(HTTP2)
  const stream = session.request(headers)
  // A `GET` ends by itself.
  if (headers[':method'] !== 'GET') stream.end(text)
  let answer = ''
  for await (const piece of stream.setEncoding('utf8')) answer += piece
  session.close()
  return answer
}
