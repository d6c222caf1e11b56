/** A local model server that speaks the wire formats of all model APIs, over HTTP/1.1 and, on a second port, HTTP/2. */
import { once } from 'node:events'
import * as http from 'node:http'
import * as http2 from 'node:http2'
import type { AddressInfo } from 'node:net'
import * as zlib from 'node:zlib'
import { type JsonObject, parseObject } from '@turnlog/conventions/plain'
import { failures, scriptOf } from '../situations.ts'
import { anthropic } from './anthropic.ts'
import { bedrock } from './bedrock.ts'
import { cohere } from './cohere.ts'
import { gemini } from './gemini.ts'
import { ollama } from './ollama.ts'
import { openAiChat } from './openai-chat.ts'
import { openAiResponses } from './openai-responses.ts'
import type { Said, Wire, WireAnswer } from './wire.ts'

const wires: readonly Wire[] = [
  anthropic,
  openAiResponses,
  openAiChat,
  gemini,
  bedrock,
  ollama,
  cohere,
]

/** So many pieces of a streamed answer have a part of its text, and not its end. */
function lengthOfBeginning({ length }: WireAnswer['pieces']): number {
  return Math.min(3, length - 1)
}

/** As with the real APIs, an answer is compressed if the client can read it. */
const encoders = { br: zlib.createBrotliCompress, gzip: zlib.createGzip } as const

function encodingFor(accepted: unknown): keyof typeof encoders | undefined {
  const names = String(accepted ?? '').split(/\s*,\s*/)
  return names.includes('br') ? 'br' : names.includes('gzip') ? 'gzip' : undefined
}

/** The server also takes what an app tells of itself: spans, and LangSmith's question about its server. */
function isForTelemetry(path: string): boolean {
  return path.endsWith('/v1/traces') || path === '/info'
}

export interface Asked {
  readonly body: JsonObject
  /** The body as it came. */
  readonly text: string
}

/** An error in the members of all APIs. The clients' own waits before another attempt are longer. */
function refuse(response: http.ServerResponse, status: number): void {
  response.writeHead(status, {
    'content-type': 'application/json',
    'retry-after-ms': '20',
    'retry-after': '0',
  })
  const type = status === 429 ? 'rate_limit_error' : 'invalid_request_error'
  const error = { code: status, type, message: failures.refusal, status: type.toUpperCase() }
  response.end(JSON.stringify({ type: 'error', message: failures.refusal, error }))
}

/** `replyTo`: what the model says to a request. */
export async function startModelServer(replyTo: (asked: Asked) => Said = scriptOf('tool')) {
  /** Method and path of each request; those that no wire format knows are answered with 404. */
  const requests: string[] = []
  const without = { usage: 0 }
  const answers = { count: 0, interrupted: 0 }
  const sessions = new Set<http2.ServerHttp2Session>()

  const isEndless = Promise.withResolvers<void>()

  async function answer(
    request: http.IncomingMessage,
    response: http.ServerResponse,
  ): Promise<void> {
    // An app may print the headers.
    response.sendDate = false
    const bytes: Buffer[] = []
    for await (const piece of request) bytes.push(piece)
    const text = Buffer.concat(bytes).toString()
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://server')
    const path = decodeURIComponent(pathname)
    // How often an app sends its spans depends on the time.
    if (isForTelemetry(path)) {
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
      return
    }
    requests.push(`${request.method} ${path}`)
    const body = parseObject(text) ?? {}
    const reply = { calls: [], ...replyTo({ body, text }), number: requests.length }
    if (reply.status !== undefined) return refuse(response, reply.status)
    const given = wires
      .map((wire) => wire({ path, query: searchParams, body, reply }))
      .find((each) => each !== undefined)
    if (given === undefined) {
      response.writeHead(404, { 'content-type': 'application/json' })
      response.end('{"error":{"message":"Not known here"}}')
      return
    }
    answers.count += 1
    if (given.isWithoutUsage === true) without.usage += 1
    const encoding = encodingFor(request.headers['accept-encoding'])
    const encoder = encoding && encoders[encoding]()
    response.writeHead(200, {
      'content-type': given.type,
      ...(encoding === undefined ? {} : { 'content-encoding': encoding }),
    })
    encoder?.pipe(response)
    const { pieces } = given
    const isPart = reply.isEndless === true || reply.isCut === true
    for (const piece of isPart ? pieces.slice(0, lengthOfBeginning(pieces)) : pieces) {
      const out = encoder ?? response
      out.write(piece)
      if (encoder !== undefined) await new Promise<void>((done) => encoder.flush(done))
      // Lets the piece arrive by itself.
      await new Promise(setImmediate)
    }
    if (reply.isCut === true) {
      // What was written arrives.
      response.socket?.destroySoon()
      return
    }
    if (reply.isEndless === true) {
      isEndless.resolve()
      await once(response, 'close')
      answers.interrupted += 1
    }
    ;(encoder ?? response).end()
  }

  const handle: http.RequestListener = (request, response) => {
    void answer(request, response).catch(() => response.destroy())
  }
  const one = http.createServer(handle).listen(0, '127.0.0.1')
  // Requests and responses of HTTP/2 have the same members, as far as they are used here.
  const two = http2.createServer(handle as never).listen(0, '127.0.0.1')
  two.on('session', (session) => {
    sessions.add(session.on('close', () => sessions.delete(session)))
  })
  await Promise.all([once(one, 'listening'), once(two, 'listening')])
  const urlOf = (server: { address(): unknown }): string =>
    `http://127.0.0.1:${(server.address() as AddressInfo).port}`

  return {
    url: urlOf(one),
    http2Url: urlOf(two),
    requests,
    answers,
    /** The beginning of an answer without an end is sent. */
    isEndless: isEndless.promise,
    /** How many answers did not say how many tokens were used. */
    without,
    async [Symbol.asyncDispose](): Promise<void> {
      if (!one.listening) return
      one.closeAllConnections()
      for (const session of sessions) session.destroy()
      one.close()
      two.close()
      await Promise.all([once(one, 'close'), once(two, 'close')])
    },
  }
}
