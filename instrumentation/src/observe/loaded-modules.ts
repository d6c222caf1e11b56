/**
 * Finds packages that the host has loaded, without touching Node's module loader: when a server of the host begins to listen,
 * whenever it accepts a connection, and when the caller asks for it, it looks at the CommonJS modules loaded since. A message
 * or a turn comes after a connection. An ES module that wraps a CommonJS one, as `ws` does, is found through that one.
 *
 * Node's channel for loaded modules is of no use: with a subscriber, Node prints warnings that it does not print otherwise.
 */
import { channel } from 'node:diagnostics_channel'
import { createRequire } from 'node:module'
import { quietly } from '../health.ts'
import { all } from './replace-method.ts'
import { onServerListening } from './subscribe.ts'

/** Looks once during a burst of connections. */
const lookEveryMs = 100

/**
 * Calls back with the exports of each loaded module, once each; also in `look`. `undo` ends it. `callback` must not trigger
 * getters of what it is given.
 */
export function watchLoadedModules(
  callback: (exported: unknown, file: string) => void,
  clock: () => number,
): { look(): void; undo(): void } {
  const cache: Readonly<Record<string, NodeJS.Module | undefined>> = createRequire(
    import.meta.url,
  ).cache
  const seen = new Set<string>()
  let lookedAt = Number.NEGATIVE_INFINITY

  function look(): void {
    const time = clock()
    if (time - lookedAt < lookEveryMs) return
    lookedAt = time
    const files = Object.keys(cache)
    if (files.length === seen.size) return
    for (const file of files) {
      const module = cache[file]
      // A module that is still loading is looked at later.
      if (seen.has(file) || module?.loaded !== true) continue
      seen.add(file)
      quietly('look at a module', () => callback(module.exports, file))
    }
  }

  const accepted = channel('net.server.socket')
  const listener = (): void => {
    quietly('look for modules', look)
  }
  accepted.subscribe(listener)
  return {
    look: listener,
    undo: all([() => accepted.unsubscribe(listener), onServerListening(listener)]),
  }
}
