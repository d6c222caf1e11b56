/**
 * Finds packages that the host has loaded, without touching Node's module loader: whenever a server of the host accepts
 * a connection, it looks at the CommonJS modules loaded since. A message or a turn comes after a connection. What is used
 * without one is found when it is loaded, by the name of its file (`watchRequiredModules`). An ES module that wraps a CommonJS
 * one, as `ws` does, is found through that one.
 */
import { channel } from 'node:diagnostics_channel'
import { createRequire } from 'node:module'
import { asObject } from '@turnlog/conventions/plain'
import { quietly } from '../health.ts'

/** Looks once during a burst of connections. */
const lookEveryMs = 100

/**
 * Calls back with the exports of each loaded module, once each. The returned function ends it. `callback` must not
 * trigger getters of what it is given.
 */
export function watchLoadedModules(
  callback: (exported: unknown, file: string) => void,
  clock: () => number,
): () => void {
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
  return () => accepted.unsubscribe(listener)
}

/**
 * Calls back with the exports of a CommonJS module whenever it has been required or imported, if its file is wanted. The returned
 * function ends it.
 */
export function watchRequiredModules(
  isWanted: (file: string) => boolean,
  callback: (exported: unknown) => void,
): () => void {
  const cache: Readonly<Record<string, NodeJS.Module | undefined>> = createRequire(
    import.meta.url,
  ).cache
  const required = channel('tracing:module.require:end')
  const listener = (message: unknown): void => {
    quietly('see a module', () => {
      const { id, parentFilename } = asObject(message) ?? {}
      if (typeof id !== 'string' || !isWanted(id)) return
      // An import gives the file, a `require` the name that is written in the requiring file.
      const loaded =
        cache[id] ?? cache[String(parentFilename)]?.children.find(({ id }) => isWanted(id))
      if (loaded?.loaded === true) callback(loaded.exports)
    })
  }
  required.subscribe(listener)
  return () => required.unsubscribe(listener)
}
