/** Sees a web server of the app begin to listen: turns may come to it. Other servers, such as a tool's own pipe, do not count. */
import { channel } from 'node:diagnostics_channel'
import { Server as HttpServer } from 'node:http'
import { Server as HttpsServer } from 'node:https'
import { isObject } from '@turnlog/conventions/plain'
import { quietly } from '../health.ts'

/** `callback` runs for each; the returned function ends it. */
export function onWebServer(callback: () => void): () => void {
  const listening = channel('tracing:net.server.listen:asyncEnd')
  const listener = (message: unknown): void => {
    quietly('see a server', () => {
      if (isObject(message) && isWebServer(message.server)) callback()
    })
  }
  listening.subscribe(listener)
  return () => listening.unsubscribe(listener)
}

/** The classes of `node:http2` are not exported. Their servers have a listener by the time they listen. */
function isWebServer(server: unknown): boolean {
  if (server instanceof HttpServer || server instanceof HttpsServer) return true
  const count = isObject(server) ? server.listenerCount : undefined
  if (typeof count !== 'function') return false
  return ['request', 'stream'].some((event) => Number(count.call(server, event)) > 0)
}
