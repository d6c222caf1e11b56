/**
 * Model calls are seen on the wire: requests to a model API are told by method and path, any host, and observed as
 * the bytes pass through Node's own HTTP client (`undici`, under the built-in `fetch` and every SDK on it). Nothing is
 * read twice, held back or changed.
 *
 * `undici:request:create` and `bodyChunkSent` run in the caller's async context; `headers` and later run in that of
 * the connection's first user, so what is known of a request is kept by the request itself.
 */
import { channel } from 'node:diagnostics_channel'
import { quietly } from '../health.ts'
import type { ModelExchange, OpenExchange } from './model-exchange.ts'

/** The members of undici's request object that its diagnostics channels document. */
interface WireRequest {
  readonly method: string
  readonly origin: string | URL
  readonly path: string
  readonly headers: unknown
}

/** Begins to watch; the returned function undoes it. */
export function observeUndici(openExchange: OpenExchange): () => void {
  const exchanges = new WeakMap<object, ModelExchange>()
  const handlers: Readonly<Record<string, (message: never) => void>> = {
    create({ request }: { request: WireRequest }) {
      const exchange = openExchange({
        method: request.method,
        url: `${String(request.origin)}${request.path}`,
      })
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
    headers({
      request,
      response,
    }: {
      request: object
      response: { statusCode: number; headers: readonly Uint8Array[] }
    }) {
      exchanges.get(request)?.answered(response.statusCode, pairs(response.headers))
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
  }
  const undo = Object.entries(handlers).map(([name, handler]) => {
    const subscribed = channel(`undici:request:${name}`)
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

/** Raw headers come as name, value, name, value …, bytes. */
function pairs(raw: readonly Uint8Array[]): (readonly [string, string])[] {
  const headers: (readonly [string, string])[] = []
  for (let index = 0; index + 1 < raw.length; index += 2) {
    headers.push([
      Buffer.from(raw[index] ?? [])
        .toString('latin1')
        .toLowerCase(),
      Buffer.from(raw[index + 1] ?? []).toString('latin1'),
    ])
  }
  return headers
}
