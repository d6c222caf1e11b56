/**
 * Model calls through `node:http` and `node:https`: SDKs on node-fetch, axios, got, or no SDK. Node tells of each
 * request before anything of it is sent (`http.client.request.created`), in the caller's async context; the bytes are
 * seen as they are written, and as Node's parser hands them to the response. Only requests to a model API are touched.
 */
import { channel } from 'node:diagnostics_channel'
import type { ClientRequest, IncomingMessage } from 'node:http'
import { quietly } from '../health.ts'
import type { ModelExchange, OpenExchange } from './model-exchange.ts'
import { replaceMethod } from './replace-method.ts'

/** Begins to watch; the returned function undoes it. */
export function observeHttpClients(openExchange: OpenExchange): () => void {
  const exchanges = new WeakMap<object, ModelExchange>()
  const handlers: Readonly<Record<string, (message: never) => void>> = {
    'request.created'({ request }: { request: ClientRequest }) {
      const exchange = openExchange({ method: request.method, url: urlOf(request) })
      if (exchange === undefined) return
      exchanges.set(request, exchange)
      watchRequest(request, exchange)
    },
    'request.error'({ request, error }: { request: ClientRequest; error: unknown }) {
      exchanges.get(request)?.failed(error)
    },
    // Published when the head of the answer has come.
    'response.finish'({
      request,
      response,
    }: {
      request: ClientRequest
      response: IncomingMessage
    }) {
      const exchange = exchanges.get(request)
      if (exchange === undefined) return
      exchange.answered(response.statusCode ?? 0, pairs(response.rawHeaders))
      watchResponse(response, exchange)
    },
  }
  const undo = Object.entries(handlers).map(([name, handler]) => {
    const subscribed = channel(`http.client.${name}`)
    const listener = (message: unknown): void => {
      quietly(`observe a model call (${name})`, () => handler(message as never))
    }
    subscribed.subscribe(listener)
    return () => subscribed.unsubscribe(listener)
  })
  return () => {
    for (const step of undo) step()
  }
}

function watchRequest(request: ClientRequest, exchange: ModelExchange): void {
  let isEnding = false
  const keep = (chunk: unknown, encoding: unknown): void => {
    if (chunk instanceof Uint8Array) exchange.sent(chunk)
    else if (typeof chunk === 'string') exchange.sent(textOf(chunk, encoding))
  }
  replaceMethod(request, 'write', (original) => {
    return function write(...values) {
      if (!isEnding) quietly('see a request', () => keep(values[0], values[1]))
      return original.apply(this, values)
    }
  })
  replaceMethod(request, 'end', (original) => {
    return function end(...values) {
      quietly('see a request', () => {
        if (isEnding) return
        // `end` may write its last piece through `write`.
        isEnding = true
        keep(values[0], values[1])
        exchange.allSent()
      })
      return original.apply(this, values)
    }
  })
}

function watchResponse(response: IncomingMessage, exchange: ModelExchange): void {
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

function pairs(raw: readonly string[]): (readonly [string, string])[] {
  const headers: (readonly [string, string])[] = []
  for (let index = 0; index + 1 < raw.length; index += 2) {
    headers.push([(raw[index] ?? '').toLowerCase(), raw[index + 1] ?? ''])
  }
  return headers
}
