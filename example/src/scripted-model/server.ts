/** Serves the scripted model over HTTP, with the real APIs in `dialects.ts`: as JSON or streamed. */

import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { newId, type Refusal, type ServerSentEvent, statusOf } from './dialect.ts'
import { defaultDialect, findDialect } from './dialects.ts'
import { type ModelRequest, parseJson } from './request.ts'
import { answerByScript, type ScriptedAnswer } from './script.ts'

/** The limit of Anthropic's API; the others take as much or less. */
const bodyBytesMax = 32 * 1024 ** 2

type Body =
  | { readonly status: 'ok'; readonly text: string }
  | { readonly status: 'too_large' }
  | { readonly status: 'gone' }

export interface ScriptedModelOptions {
  /** The delay after each piece of a streamed answer. */
  readonly pieceDelayMs: number
  /** Computes the answer; the script by default. */
  readonly answerTo?: (request: ModelRequest) => ScriptedAnswer
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
  const { pathname } = new URL(request.url ?? '/', 'http://localhost')
  const found = findDialect(request.method, pathname)
  const dialect = found ?? defaultDialect
  const requestId = newId('req_')
  if (dialect.requestIdHeader !== undefined) response.setHeader(dialect.requestIdHeader, requestId)
  const refuse = (kind: Refusal['kind'], message: string): void => {
    response.writeHead(statusOf[kind], { 'content-type': 'application/json' })
    response.end(JSON.stringify(dialect.writeRefusal({ kind, message }, requestId)))
  }

  if (found === undefined) return refuse('not_found', `Not found: ${request.method} ${pathname}`)
  const lacking = dialect.checkHeaders(request.headers)
  if (lacking !== undefined) return refuse(lacking.kind, lacking.message)
  const read = await readBody(request)
  if (read.status === 'gone') return
  if (read.status === 'too_large') {
    return refuse('too_large', `Request exceeds the maximum size of ${bodyBytesMax} bytes`)
  }
  const body = parseJson(read.text)
  const parsed = dialect.parse(body, pathname)
  if (parsed.status === 'invalid') return refuse('invalid', parsed.message)

  const { model, stream } = parsed.request
  const facts = { model, body, bodyChars: read.text.length }
  const { json, events } = dialect.write(answerTo(parsed.request), facts)
  if (stream) return sendEvents(response, events, pieceDelayMs)
  response.writeHead(200, { 'content-type': 'application/json' })
  response.end(JSON.stringify(json))
}

async function sendEvents(
  response: ServerResponse,
  events: Iterable<ServerSentEvent>,
  pieceDelayMs: number,
): Promise<void> {
  response.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache',
  })
  for (const { text, isPiece } of events) {
    if (response.destroyed) return
    if (!response.write(text)) {
      await Promise.race([once(response, 'drain'), once(response, 'close')])
    }
    if (isPiece) await sleep(pieceDelayMs)
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
