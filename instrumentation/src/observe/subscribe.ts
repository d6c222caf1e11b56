/** Listens to diagnostics channels of the host's clients and servers. */
import { channel } from 'node:diagnostics_channel'
import { failed, quietly } from '../health.ts'
import { all } from './replace-method.ts'

/** One handler for each channel, by the rest of its name. The returned function ends it. */
export function subscribe(
  prefix: string,
  handlers: Readonly<Record<string, (message: never) => void>>,
): () => void {
  const undo = Object.entries(handlers).map(([name, handler]) => {
    const subscribed = channel(`${prefix}${name}`)
    const step = `observe a model call (${name})`
    // Each piece of an answer comes here: no closure, no text is made for it.
    const listener = (message: unknown): void => {
      try {
        handler(message as never)
      } catch (cause) {
        failed(step, cause)
      }
    }
    subscribed.subscribe(listener)
    return () => subscribed.unsubscribe(listener)
  })
  return all(undo)
}

/** Turns come to an app after its server has begun to listen. */
export function onServerListening(callback: () => void): () => void {
  const listening = channel('tracing:net.server.listen:asyncEnd')
  const listener = (): void => {
    quietly('see a server', callback)
  }
  listening.subscribe(listener)
  return () => listening.unsubscribe(listener)
}
