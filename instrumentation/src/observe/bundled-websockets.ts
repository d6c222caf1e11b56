/**
 * Finds a `ws` that is bundled into the host's file, and so is no module of its own. It stores each WebSocket on the
 * connection that it reads from, under a symbol, before it listens there for data.
 */
import { Socket } from 'node:net'
import { quietly } from '../health.ts'
import { replaceMethod } from './replace-method.ts'

/**
 * Calls back with each prototype of a connection's WebSocket, before the WebSocket has read anything. The returned
 * function ends it.
 */
export function watchConnections(callback: (prototype: object) => void): () => void {
  return replaceMethod(Socket.prototype, 'on', (original) => {
    return function on(...values) {
      if (values[0] === 'data') quietly('look at a connection', () => look(this))
      return original.apply(this, values)
    }
  })

  function look(connection: unknown): void {
    if (typeof connection !== 'object' || connection === null) return
    const key = Object.getOwnPropertySymbols(connection).find(isWebSocketKey)
    if (key === undefined) return
    let webSocket: unknown = Object.getOwnPropertyDescriptor(connection, key)?.value
    while (typeof webSocket === 'object' && webSocket !== null) {
      webSocket = Object.getPrototypeOf(webSocket)
      if (typeof webSocket === 'object' && webSocket !== null) callback(webSocket)
    }
  }
}

function isWebSocketKey({ description }: symbol): boolean {
  return description === 'websocket'
}
