/**
 * Knows whether a request of the app comes to a server of the same thread: the client's socket and one that a server has accepted are
 * the two ends of one connection, whatever name the client has used. Sockets of the file system have no ports: there the server must
 * have got a request with the same method, path and host since.
 *
 * What is kept is bounded: the ports of the last `connectionsMax` connections from this machine, and the last `requestsMax` requests that
 * came over sockets of the file system.
 */

import { channel } from 'node:diagnostics_channel'
import type { IncomingMessage } from 'node:http'
import { isObject } from '@turnlog/conventions/plain'
import { setBounded } from '../bounded-map.ts'
import { quietly } from '../health.ts'
import { all } from './replace-method.ts'

const connectionsMax = 10_000
const requestsMax = 100

/** The client's end of a connection, as `net.Socket` has it. */
export interface Connection {
  readonly localPort?: number | undefined
  readonly remotePort?: number | undefined
}

export interface SentRequest {
  readonly method: string
  readonly url: URL
  /** Milliseconds, monotonic. */
  readonly since: number
}

interface AcceptedSocket extends Connection {
  readonly localAddress?: string | undefined
  readonly remoteAddress?: string | undefined
}

export class OwnServers {
  readonly #clock: () => number
  /** The port of the server, by that of the client. */
  readonly #ports = new Map<number, number>()
  readonly #requests: { readonly key: string; readonly at: number }[] = []
  readonly #undo: (() => void)[] = []
  #isServing: boolean = false
  #hasPipe: boolean = false

  constructor(clock: () => number) {
    this.#clock = clock
  }

  /** A server of the thread has begun to listen. */
  get isServing(): boolean {
    return this.#isServing
  }

  /** Begins to watch; the returned function undoes it. */
  observe(): () => void {
    this.#listen('tracing:net.server.listen:asyncEnd', ({ server }) => this.#serves(server))
    return () => all(this.#undo)()
  }

  /** Whether the request went to a server of the thread. `connection` is asked for when the answer begins. */
  handle(request: SentRequest, connection: Connection | undefined): boolean {
    if (connection === undefined) return false
    const { localPort, remotePort } = connection
    if (localPort !== undefined) return this.#ports.get(localPort) === remotePort
    const key = keyOf(request.method, request.url.pathname + request.url.search, request.url.host)
    return this.#requests.some(({ key: each, at }) => each === key && at >= request.since)
  }

  #serves(server: unknown): void {
    if (!this.#isServing) {
      this.#isServing = true
      this.#listen('net.server.socket', ({ socket }) => this.#accepted(socket as AcceptedSocket))
    }
    const addressOf = isObject(server) ? server.address : undefined
    const isPipe = typeof addressOf === 'function' && typeof addressOf.call(server) === 'string'
    if (!isPipe || this.#hasPipe) return
    this.#hasPipe = true
    this.#listen('http.server.request.start', ({ request }) => this.#got(request))
  }

  #accepted({ localAddress, localPort, remoteAddress, remotePort }: AcceptedSocket): void {
    if (localPort === undefined || remotePort === undefined) return
    if (remoteAddress !== localAddress && !isLoopback(remoteAddress)) return
    setBounded(this.#ports, remotePort, localPort, connectionsMax)
  }

  #got(message: unknown): void {
    const { method, url, headers, socket } = message as IncomingMessage
    if (socket.remotePort !== undefined) return
    this.#requests.push({ key: keyOf(method, url, headers.host), at: this.#clock() })
    if (this.#requests.length > requestsMax) this.#requests.shift()
  }

  #listen(name: string, handle: (message: { readonly [name: string]: unknown }) => void): void {
    const subscribed = channel(name)
    const listener = (message: unknown): void => {
      quietly('see a server', () => {
        if (isObject(message)) handle(message)
      })
    }
    subscribed.subscribe(listener)
    this.#undo.push(() => subscribed.unsubscribe(listener))
  }
}

function keyOf(method: string | undefined, path: string | undefined, host = ''): string {
  return `${method} ${host} ${path}`
}

function isLoopback(address: string | undefined): boolean {
  return address !== undefined && /^(?:::ffff:)?127\.|^::1$/.test(address)
}
