/** Puts an observed function in the place of the host's, so that it cannot be told from it. */

export type Method = (this: unknown, ...values: unknown[]) => unknown

/**
 * Replaces `target[name]` by what `make` makes of it: name, length and other properties are kept, and it is as
 * enumerable as before; one that was inherited becomes an own, hidden one. Does nothing where there is no such
 * function. The returned function restores what was there, unless someone else has replaced it since.
 */
export function replaceMethod(
  target: object,
  name: string,
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
