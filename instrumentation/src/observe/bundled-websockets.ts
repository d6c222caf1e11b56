/**
 * Finds a `ws` that no module holds, since the host is bundled into one file: it leaves each of its sockets on the
 * connection that the socket reads from, under a symbol of its own, before it listens there for data.
 */
import { Socket } from 'node:net'
import { quietly } from '../health.ts'
import { replaceMethod } from './replace-method.ts'

/**
 * Calls back with each prototype of what a connection carries as its WebSocket, before that has read anything. The
 * returned function ends it.
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
    let carried: unknown = Object.getOwnPropertyDescriptor(connection, key)?.value
    while (typeof carried === 'object' && carried !== null) {
      carried = Object.getPrototypeOf(carried)
      if (typeof carried === 'object' && carried !== null) callback(carried)
    }
  }
}

function isWebSocketKey({ description }: symbol): boolean {
  return description === 'websocket'
}
