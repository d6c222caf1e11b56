/**
 * Model calls over a WebSocket that the app has opened to a model API, as OpenAI's Responses has it: a message `response.create` is a
 * request, and the messages that come after it are the events that a stream over HTTP has. A socket answers its requests one after
 * the other. The answer is recorded as such a stream.
 */
import { asObject, asString, parseJson } from '@turnlog/conventions/plain'
import type { Exchange, OpenExchange } from './exchange.ts'
import { reasonOfEnd } from './stopped-requests.ts'

const created = 'response.create'
/** The events after which a request is answered. */
const lastEvents = [
  'response.completed',
  'response.failed',
  'response.incomplete',
  'response.cancelled',
  'error',
] as const
/** The status of the answer that opened the socket (RFC 6455 §4.1). */
const switchingProtocols = 101

export class ModelWebSockets {
  readonly #openExchange: OpenExchange
  /** Of each socket: the requests that are not answered, the oldest first. */
  readonly #open = new WeakMap<object, Exchange[]>()
  /** Of each socket that the app closes: why its requests end. */
  readonly #stops = new WeakMap<object, unknown>()

  constructor(openExchange: OpenExchange) {
    this.#openExchange = openExchange
  }

  sent(socket: object, data: unknown): void {
    if (typeof data !== 'string' || !data.includes(created)) return
    if (asObject(parseJson(data))?.type !== created) return
    const exchange = this.#openExchange('POST', addressOf(socket))
    if (exchange === undefined) return
    const open = this.#open.get(socket) ?? []
    this.#open.set(socket, [...open, exchange])
    exchange.sent(data)
    exchange.allSent()
    exchange.answered(switchingProtocols, [['content-type', 'text/event-stream']])
  }

  received(socket: object, data: unknown): void {
    const [exchange, ...others] = this.#open.get(socket) ?? []
    if (exchange === undefined || !(data instanceof Uint8Array)) return
    const text = Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString()
    exchange.received(Buffer.from(`data: ${text.replaceAll('\n', '\ndata: ')}\n\n`))
    if (!isLast(text)) return
    this.#open.set(socket, others)
    exchange.finished()
  }

  /** The app closes the socket, or `ws` does, since the server has closed it or an error has come. */
  stops(socket: object): void {
    const isAnswer = Reflect.get(socket, '_closeFrameReceived') === true
    if (!isAnswer && this.#open.has(socket)) this.#stops.set(socket, reasonOfEnd(undefined))
  }

  broke(socket: object): void {
    this.#stops.delete(socket)
  }

  closed(socket: object): void {
    const open = this.#open.get(socket) ?? []
    this.#open.delete(socket)
    const reason = this.#stops.get(socket) ?? new SocketClosed()
    for (const exchange of open) exchange.failed(reason)
  }
}

class SocketClosed extends Error {
  readonly code = 'websocket_closed'
}

/** Its URL, with the scheme of a request. */
function addressOf(socket: object): string {
  const url: unknown = Reflect.get(socket, 'url')
  return typeof url === 'string' ? url.replace(/^ws/, 'http') : ''
}

function isLast(text: string): boolean {
  if (!lastEvents.some((type) => text.includes(`"${type}"`))) return false
  const type = asString(asObject(parseJson(text))?.type)
  return lastEvents.some((each) => each === type)
}
