/** Replaces a function of the host by an observed one that the host cannot distinguish from it. */
import { createRequire, syncBuiltinESMExports } from 'node:module'

export type Method = (this: unknown, ...values: unknown[]) => unknown

/**
 * Replaces `target[name]` by what `make` returns for it. Name, length, other properties and enumerability stay; an
 * inherited method becomes a non-enumerable one of `target`. Does nothing if there is no such function. The returned
 * function restores the original, unless other code has replaced the method since.
 */
export function replaceMethod(
  target: object,
  name: string | symbol,
  make: (original: Method) => Method,
): () => void {
  const own = Object.getOwnPropertyDescriptor(target, name)
  const original: unknown = Reflect.get(target, name)
  if (typeof original !== 'function') return () => undefined
  const observed = make(original as Method)
  for (const key of Reflect.ownKeys(original)) {
    const descriptor = Reflect.getOwnPropertyDescriptor(original, key)
    if (descriptor !== undefined && key !== 'prototype') {
      Reflect.defineProperty(observed, key, descriptor)
    }
  }
  Object.defineProperty(target, name, {
    value: observed,
    writable: true,
    configurable: true,
    enumerable: own?.enumerable ?? false,
  })
  return () => {
    if (Reflect.get(target, name) !== observed) return
    if (own === undefined) Reflect.deleteProperty(target, name)
    else Object.defineProperty(target, name, own)
  }
}

/**
 * Replaces methods of `node:${name}` for every import of it. `replace` gets the module as `require` gives it, and returns
 * what undoes its replacements.
 */
export function replaceInBuiltin(
  name: string,
  replace: (exported: Record<string, unknown>) => (() => void)[],
): () => void {
  const undo = replace(createRequire(import.meta.url)(`node:${name}`))
  syncBuiltinESMExports()
  return all([...undo, syncBuiltinESMExports])
}

/** One function that runs all of `steps`, also those that are added later. */
export function all(steps: readonly (() => void)[]): () => void {
  return () => {
    for (const step of steps) step()
  }
}
