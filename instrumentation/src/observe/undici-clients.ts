/**
 * Model calls through undici, under the built-in `fetch` and every SDK on it, and through the app's own copies of the package
 * (versions 5 to 8), seen as their bytes pass: nothing is read twice, delayed or changed.
 *
 * Its channels `create` and `bodyChunkSent` run in the caller's async context; `headers` and later run in the context of
 * the connection's first user. So the state of a request belongs to the request object, never to the context. Before 7.11, and
 * so in Node 22, there are no channels for the bodies: the methods by which undici's clients report them are replaced, on the
 * request's own object.
 */
import { asString } from '@turnlog/conventions/plain'
import { quietly } from '../health.ts'
import type { Exchange, OpenExchange } from './exchange.ts'
import { headerPairs } from './header-pairs.ts'
import type { Connection } from './own-servers.ts'
import { all, replaceMethod } from './replace-method.ts'
import { reasonOfEnd } from './stopped-requests.ts'
import { subscribe } from './subscribe.ts'

/** The members of undici's request object that its diagnostics channels document. */
interface UndiciRequest {
  readonly method: string
  readonly origin: string | URL
  readonly path: string
  /** A list of names and values; in version 5 the text of the head. */
  readonly headers?: unknown
}
interface UndiciResponse {
  readonly statusCode: number
  readonly headers: unknown
}

/** The returned function ends it. */
export function observeUndici(openExchange: OpenExchange): () => void {
  const exchanges = new WeakMap<object, Exchange>()
  const connections = new WeakMap<object, Connection>()
  const endConnections = subscribe('undici:client:', {
    sendHeaders({ request, socket }: { request: object; socket: Connection | undefined }) {
      if (socket !== undefined && exchanges.has(request)) connections.set(request, socket)
    },
  })
  const endRequests = subscribe('undici:request:', {
    create({ request }: { request: UndiciRequest }) {
      const url = `${String(request.origin)}${request.path}`
      const exchange = openExchange(request.method, url, {
        contentType: contentTypeOf(request),
        hidesSocket: true,
        connection: () => connections.get(request),
      })
      if (exchange === undefined) return
      exchanges.set(request, exchange)
      watchBody(request, 'onBodySent', (piece) => exchange.sent(piece))
      watchBody(request, 'onData', (piece) => exchange.received(piece))
    },
    bodyChunkSent({ request, chunk }: { request: object; chunk: unknown }) {
      const exchange = exchanges.get(request)
      if (exchange !== undefined) see(chunk, (piece) => exchange.sent(piece))
    },
    bodySent({ request }: { request: object }) {
      exchanges.get(request)?.allSent()
    },
    headers({ request, response }: { request: object; response: UndiciResponse }) {
      exchanges.get(request)?.answered(response.statusCode, headerPairs(response.headers))
    },
    bodyChunkReceived({ request, chunk }: { request: object; chunk: unknown }) {
      const exchange = exchanges.get(request)
      if (exchange !== undefined) see(chunk, (piece) => exchange.received(piece))
    },
    trailers({ request }: { request: object }) {
      exchanges.get(request)?.finished()
    },
    error({ request, error }: { request: object; error: unknown }) {
      exchanges.get(request)?.failed(reasonOfEnd(error))
    },
  })
  return all([endConnections, endRequests])
}

function contentTypeOf({ method, headers }: UndiciRequest): string | undefined {
  if (method !== 'POST') return undefined
  if (typeof headers === 'string') return /^content-type: *([^\r]*)/im.exec(headers)?.[1]
  if (!Array.isArray(headers)) return undefined
  const at = headers.findIndex(
    (name, index) => index % 2 === 0 && typeof name === 'string' && contentTypeName.test(name),
  )
  return at === -1 ? undefined : asString(headers[at + 1])
}

const contentTypeName = /^content-type$/i

/** Watches a method that is called with each piece of a body, unless it tells a channel. */
function watchBody(request: object, name: string, take: (piece: Uint8Array) => void): void {
  const method: unknown = Reflect.get(request, name)
  if (typeof method !== 'function' || tellsChannel(method)) return
  replaceMethod(request, name, (original) => {
    return function (...values) {
      quietly(`observe a model call (${name})`, () => see(values[0], take))
      return original.apply(this, values)
    }
  })
}

/** Whether methods, which a copy of undici shares between its requests, tell the channels. */
const known = new WeakMap<object, boolean>()

/** The name of the channel's property is in the text of the method, also if that is minified. */
function tellsChannel(method: object): boolean {
  const before = known.get(method)
  if (before !== undefined) return before
  const tells = /bodyChunk(?:Sent|Received)/.test(Function.prototype.toString.call(method))
  known.set(method, tells)
  return tells
}

function see(chunk: unknown, take: (piece: Uint8Array) => void): void {
  if (chunk instanceof Uint8Array) take(chunk)
  else if (typeof chunk === 'string') take(Buffer.from(chunk))
}
