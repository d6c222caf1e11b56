/**
 * Model calls through Node's two HTTP clients, seen as their bytes pass: nothing is read twice, delayed or changed.
 *
 *   - `undici`, under the built-in `fetch` and every SDK on it. Its channels `create` and `bodyChunkSent` run in the
 *     caller's async context; `headers` and later run in the context of the connection's first user. So the state of a
 *     request belongs to the request object, never to the context.
 *   - `node:http` and `node:https`, under node-fetch, axios, got, or no SDK. `http.client.request.created` comes before
 *     anything is sent, in the caller's context; bytes are seen as they are written, and as Node's parser hands them to
 *     the response. Only requests to a model API are patched.
 */
import { channel } from 'node:diagnostics_channel'
import type { ClientRequest, IncomingMessage } from 'node:http'
import { quietly } from '../health.ts'
import type { Exchange, OpenExchange } from './model-exchange.ts'
import { all, replaceMethod } from './replace-method.ts'

/** The members of undici's request object that its diagnostics channels document. */
interface UndiciRequest {
  readonly method: string
  readonly origin: string | URL
  readonly path: string
}
interface UndiciResponse {
  readonly statusCode: number
  readonly headers: readonly Uint8Array[]
}

/** Begins to watch both clients; the returned function undoes it. */
export function observeModelClients(openExchange: OpenExchange): () => void {
  return all([observeUndici(openExchange), observeHttpClients(openExchange)])
}

function observeUndici(openExchange: OpenExchange): () => void {
  const exchanges = new WeakMap<object, Exchange>()
  return subscribe('undici:request:', {
    create({ request }: { request: UndiciRequest }) {
      const exchange = openExchange(request.method, `${String(request.origin)}${request.path}`)
      if (exchange !== undefined) exchanges.set(request, exchange)
    },
    bodyChunkSent({ request, chunk }: { request: object; chunk: unknown }) {
      if (typeof chunk === 'string' || chunk instanceof Uint8Array) {
        exchanges.get(request)?.sent(chunk)
      }
    },
    bodySent({ request }: { request: object }) {
      exchanges.get(request)?.allSent()
    },
    headers({ request, response }: { request: object; response: UndiciResponse }) {
      const { statusCode, headers } = response
      exchanges.get(request)?.answered(statusCode, pairs(headers.map(latin1)))
    },
    bodyChunkReceived({ request, chunk }: { request: object; chunk: Uint8Array }) {
      exchanges.get(request)?.received(chunk)
    },
    trailers({ request }: { request: object }) {
      exchanges.get(request)?.finished()
    },
    error({ request, error }: { request: object; error: unknown }) {
      exchanges.get(request)?.failed(error)
    },
  })
}

function observeHttpClients(openExchange: OpenExchange): () => void {
  const exchanges = new WeakMap<object, Exchange>()
  return subscribe('http.client.', {
    'request.created'({ request }: { request: ClientRequest }) {
      const exchange = openExchange(request.method, urlOf(request))
      if (exchange === undefined) return
      exchanges.set(request, exchange)
      watchRequest(request, exchange)
    },
    'request.error'({ request, error }: { request: ClientRequest; error: unknown }) {
      exchanges.get(request)?.failed(error)
    },
    // Published when the head of the answer has come.
    'response.finish'(message: { request: ClientRequest; response: IncomingMessage }) {
      const { request, response } = message
      const exchange = exchanges.get(request)
      if (exchange === undefined) return
      exchange.answered(response.statusCode ?? 0, pairs(response.rawHeaders))
      watchResponse(response, exchange)
    },
  })
}

function subscribe(
  prefix: string,
  handlers: Readonly<Record<string, (message: never) => void>>,
): () => void {
  const undo = Object.entries(handlers).map(([name, handler]) => {
    const subscribed = channel(`${prefix}${name}`)
    const listener = (message: unknown): void => {
      quietly(`observe a model call (${name})`, () => handler(message as never))
    }
    subscribed.subscribe(listener)
    return () => subscribed.unsubscribe(listener)
  })
  return all(undo)
}

function watchRequest(request: ClientRequest, exchange: Exchange): void {
  let isEnding = false
  const see = (chunk: unknown, encoding: unknown): void => {
    if (chunk instanceof Uint8Array) exchange.sent(chunk)
    else if (typeof chunk === 'string') exchange.sent(textOf(chunk, encoding))
  }
  replaceMethod(request, 'write', (original) => {
    return function write(...values) {
      if (!isEnding) quietly('see a request', () => see(values[0], values[1]))
      return original.apply(this, values)
    }
  })
  replaceMethod(request, 'end', (original) => {
    return function end(...values) {
      quietly('see a request', () => {
        if (isEnding) return
        // `end` may write its last piece through `write`.
        isEnding = true
        see(values[0], values[1])
        exchange.allSent()
      })
      return original.apply(this, values)
    }
  })
}

function watchResponse(response: IncomingMessage, exchange: Exchange): void {
  replaceMethod(response, 'push', (original) => {
    return function push(...values) {
      quietly('see an answer', () => {
        const [chunk] = values
        if (chunk instanceof Uint8Array) exchange.received(chunk)
        else if (chunk === null && response.complete) exchange.finished()
      })
      return original.apply(this, values)
    }
  })
  replaceMethod(response, '_destroy', (original) => {
    return function _destroy(...values) {
      quietly('see an answer end', () => {
        if (response.complete) exchange.finished()
        else
          exchange.failed(values[0] ?? new DOMException('The request was aborted.', 'AbortError'))
      })
      return original.apply(this, values)
    }
  })
}

function textOf(text: string, encoding: unknown): string | Uint8Array {
  const isUtf8 = typeof encoding !== 'string' || /^utf-?8$/i.test(encoding)
  return isUtf8 ? text : Buffer.from(text, encoding as BufferEncoding)
}

function urlOf(request: ClientRequest): string {
  const host = request.getHeader('host')
  return `${request.protocol}//${typeof host === 'string' ? host : request.host}${request.path}`
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1')
}

/** Raw headers are a list of name, value, name, value …; the names come out in lower case. */
function pairs(raw: readonly string[]): (readonly [string, string])[] {
  const headers: (readonly [string, string])[] = []
  for (let index = 0; index + 1 < raw.length; index += 2) {
    headers.push([(raw[index] ?? '').toLowerCase(), raw[index + 1] ?? ''])
  }
  return headers
}
