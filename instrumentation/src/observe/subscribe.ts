/** Listens to diagnostics channels of the host's clients. */
import { channel } from 'node:diagnostics_channel'
import { quietly } from '../health.ts'
import { all } from './replace-method.ts'

/** One handler for each channel, by the rest of its name. The returned function ends it. */
export function subscribe(
  prefix: string,
  handlers: Readonly<Record<string, (message: never) => void>>,
): () => void {
  const undo = Object.entries(handlers).map(([name, handler]) => {
    const subscribed = channel(`${prefix}${name}`)
    const listener = (message: unknown): void => {
      quietly(`observe a model call (${name})`, () => handler(message as never))
    }
    subscribed.subscribe(listener)
    return () => subscribed.unsubscribe(listener)
  })
  return all(undo)
}
