/**
 * Model calls through `node:http2`, as the AWS SDK makes them, seen as their bytes pass: nothing is read twice, delayed or changed.
 * The requests of each session that the app connects are seen; only those that may go to a model are patched. A session of undici tells
 * of its requests itself (`undici-clients.ts`).
 */
import { type ClientHttp2Session, type ClientHttp2Stream, constants } from 'node:http2'
import { asObject, asString } from '@turnlog/conventions/plain'
import { quietly } from '../health.ts'
import type { Exchange, OpenExchange } from './exchange.ts'
import { headerPairs } from './header-pairs.ts'
import { watchRequest } from './http-clients.ts'
import { replaceInBuiltin, replaceMethod } from './replace-method.ts'
import { reasonOfEnd } from './stopped-requests.ts'

/** The description of a symbol that undici sets on its sessions. */
const undiciMark = 'open streams'

/** The returned function ends it. */
export function observeHttp2Clients(openExchange: OpenExchange): () => void {
  return replaceInBuiltin('http2', (http2) => [
    replaceMethod(http2, 'connect', (original) => {
      return function connect(...values) {
        const session = original.apply(this, values) as ClientHttp2Session
        quietly('see a session', () => watchSession(session, String(values[0]), openExchange))
        return session
      }
    }),
  ])
}

function watchSession(
  session: ClientHttp2Session,
  authority: string,
  openExchange: OpenExchange,
): void {
  replaceMethod(session, 'request', (original) => {
    return function request(...values) {
      const exchange = isOfUndici(session)
        ? undefined
        : quietly('see a request', () => openOf(values[0], { session, authority, openExchange }))
      const stream = original.apply(this, values) as ClientHttp2Stream
      if (exchange !== undefined) quietly('see a request', () => watchStream(stream, exchange))
      return stream
    }
  })
}

function isOfUndici(session: ClientHttp2Session): boolean {
  const symbols = Object.getOwnPropertySymbols(session)
  return symbols.some(({ description }) => description === undiciMark)
}

/** In the caller's context. */
function openOf(
  given: unknown,
  {
    session,
    authority,
    openExchange,
  }: {
    readonly session: ClientHttp2Session
    readonly authority: string
    readonly openExchange: OpenExchange
  },
) {
  const headers = asObject(given)
  const method = asString(headers?.[':method']) ?? 'GET'
  const path = asString(headers?.[':path']) ?? '/'
  const contentType = headerPairs(given).find(([name]) => name === 'content-type')?.[1]
  const connection = () => session.socket
  return openExchange(method, new URL(path, authority).href, { contentType, connection })
}

function watchStream(stream: ClientHttp2Stream, exchange: Exchange): void {
  watchRequest(stream, exchange)
  let isOver = false
  /** Why the app has cancelled it. */
  let reason: unknown
  const finish = (error?: unknown): void => {
    if (isOver) return
    isOver = true
    if (error === undefined) exchange.finished()
    else exchange.failed(error)
  }
  replaceMethod(stream, 'close', (original) => {
    return function close(...values) {
      quietly('see a request end', () => {
        if (values[0] === constants.NGHTTP2_CANCEL) reason ??= reasonOfEnd(undefined)
      })
      return original.apply(this, values)
    }
  })
  replaceMethod(stream, 'push', (original) => {
    return function push(...values) {
      quietly('see an answer', () => {
        const [chunk] = values
        if (chunk instanceof Uint8Array) exchange.received(chunk)
        else if (chunk === null && stream.rstCode === 0 && !stream.aborted) finish()
      })
      return original.apply(this, values)
    }
  })
  replaceMethod(stream, 'emit', (original) => {
    return function emit(...values) {
      const [event, value] = values
      quietly('see an answer', () => {
        if (event === 'response') {
          const status: unknown = Reflect.get(Object(value), ':status')
          exchange.answered(Number(status) || 0, headerPairs(value))
        } else if (event === 'error') finish(reason ?? value)
        else if (event === 'aborted' || event === 'close') {
          finish(reason ?? { code: 'ERR_HTTP2_STREAM_ERROR' })
        }
      })
      return original.apply(this, values)
    }
  })
}
