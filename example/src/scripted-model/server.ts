/** Serves the scripted model with the real Messages API: `POST /v1/messages` over HTTP, as JSON or streamed. */

import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { type MessagesRequest, parseMessagesRequest } from './messages.ts'
import { answerByScript, type ScriptedAnswer } from './script.ts'
import { encodeEvent, newId, toEvents, toWireMessage } from './stream.ts'

/** The limit of the real API. */
const bodyBytesMax = 32 * 1024 ** 2

const statusOf = {
  invalid_request_error: 400,
  authentication_error: 401,
  not_found_error: 404,
  request_too_large: 413,
} as const

type Body =
  | { readonly status: 'ok'; readonly text: string }
  | { readonly status: 'too_large' }
  | { readonly status: 'gone' }

export interface ScriptedModelOptions {
  /** The delay after each piece of a streamed answer. */
  readonly pieceDelayMs: number
  /** Computes the answer; the script by default. */
  readonly answerTo?: (request: MessagesRequest) => ScriptedAnswer
}

/** Returns a server that does not listen yet. */
export function createScriptedModel(options: ScriptedModelOptions): Server {
  return createServer((request, response) => {
    answer(request, response, options).catch((error: unknown) => {
      response.destroy(error instanceof Error ? error : undefined)
    })
  })
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { pieceDelayMs, answerTo = answerByScript }: ScriptedModelOptions,
): Promise<void> {
  const requestId = newId('req')
  response.setHeader('request-id', requestId)
  const refuse = (type: keyof typeof statusOf, message: string): void => {
    const body = { type: 'error', error: { type, message }, request_id: requestId }
    response.writeHead(statusOf[type], { 'content-type': 'application/json' })
    response.end(JSON.stringify(body))
  }

  const { pathname } = new URL(request.url ?? '/', 'http://localhost')
  if (request.method !== 'POST' || pathname !== '/v1/messages') {
    return refuse('not_found_error', `Not found: ${request.method} ${pathname}`)
  }
  if (!request.headers['x-api-key'] && !request.headers.authorization) {
    return refuse('authentication_error', 'x-api-key header is required')
  }
  if (!request.headers['anthropic-version']) {
    return refuse('invalid_request_error', 'anthropic-version: header is required')
  }
  const body = await readBody(request)
  if (body.status === 'gone') return
  if (body.status === 'too_large') {
    return refuse('request_too_large', `Request exceeds the maximum size of ${bodyBytesMax} bytes`)
  }
  const parsed = parseMessagesRequest(parseJson(body.text))
  if (parsed.status === 'invalid') return refuse('invalid_request_error', parsed.message)

  const message = toWireMessage(answerTo(parsed.request), {
    model: parsed.request.model,
    requestChars: body.text.length,
  })
  if (!parsed.request.stream) {
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(JSON.stringify(message))
    return
  }

  response.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache',
  })
  for (const event of toEvents(message)) {
    if (response.destroyed) return
    if (!response.write(encodeEvent(event))) {
      await Promise.race([once(response, 'drain'), once(response, 'close')])
    }
    if (event.type === 'content_block_delta') await sleep(pieceDelayMs)
  }
  response.end()
}

/** Reads a body that is too large to its end, so that its sender gets the answer. */
async function readBody(request: IncomingMessage): Promise<Body> {
  const chunks: Buffer[] = []
  let bytes = 0
  try {
    for await (const chunk of request) {
      bytes += chunk.length
      if (bytes <= bodyBytesMax) chunks.push(chunk)
    }
  } catch {
    return { status: 'gone' }
  }
  if (bytes > bodyBytesMax) return { status: 'too_large' }
  return { status: 'ok', text: Buffer.concat(chunks).toString('utf8') }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
