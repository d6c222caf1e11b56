/**
 * Model calls through `node:http` and `node:https`, under node-fetch, axios, got, or no SDK, seen as their bytes pass: nothing is
 * read twice, delayed or changed. `http.client.request.created` comes before anything is sent, in the caller's context; bytes are
 * seen as they are written, and as Node's parser hands them to the response. Only requests that may go to a model are patched.
 */
import type { ClientRequest, IncomingMessage } from 'node:http'
import type { Writable } from 'node:stream'
import { asString } from '@turnlog/conventions/plain'
import { quietly } from '../health.ts'
import type { Exchange, OpenExchange } from './exchange.ts'
import { headerPairs } from './header-pairs.ts'
import { replaceMethod } from './replace-method.ts'
import { reasonOfEnd } from './stopped-requests.ts'
import { subscribe } from './subscribe.ts'

/** The returned function ends it. */
export function observeHttpClients(openExchange: OpenExchange): () => void {
  const exchanges = new WeakMap<object, Exchange>()
  /** Why the app has ended them. */
  const reasons = new WeakMap<object, unknown>()
  return subscribe('http.client.', {
    'request.created'({ request }: { request: ClientRequest }) {
      const contentType = asString(request.getHeader('content-type'))
      const connection = () => request.socket
      const exchange = openExchange(request.method, urlOf(request), { contentType, connection })
      if (exchange === undefined) return
      exchanges.set(request, exchange)
      watchRequest(request, exchange)
      watchStop(request, (reason) => reasons.set(request, reason))
    },
    'request.error'({ request, error }: { request: ClientRequest; error: unknown }) {
      // A request that the app destroys without a reason ends like one that the server has cut.
      exchanges.get(request)?.failed(reasons.get(request) ?? error)
    },
    // Published when the head of the answer has come.
    'response.finish'(message: { request: ClientRequest; response: IncomingMessage }) {
      const { request, response } = message
      const exchange = exchanges.get(request)
      if (exchange === undefined) return
      exchange.answered(response.statusCode ?? 0, headerPairs(response.rawHeaders))
      watchResponse(response, exchange, () => reasons.get(request))
    },
  })
}

/** Sees the body of a request as it is written to a stream. */
export function watchRequest(request: Writable, exchange: Exchange): void {
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

function watchStop(request: ClientRequest, onStop: (reason: unknown) => void): void {
  replaceMethod(request, 'destroy', (original) => {
    return function destroy(...values) {
      quietly('see a request end', () => {
        if (!request.destroyed) onStop(reasonOfEnd(values[0]))
      })
      return original.apply(this, values)
    }
  })
}

function watchResponse(
  response: IncomingMessage,
  exchange: Exchange,
  reasonOfRequest: () => unknown,
): void {
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
        else exchange.failed(reasonOfRequest() ?? reasonOfEnd(values[0]))
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
