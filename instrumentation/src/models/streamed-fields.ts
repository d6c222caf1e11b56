/**
 * Changes the members of an object that the events of a stream put together: lists, texts that grow, objects inside. Values
 * of another type than the expected one are replaced. Nothing here throws.
 */
import { asObject, asString, defined, type JsonObject } from '@turnlog/conventions/plain'

/** A larger index is not believed. */
const indexMax = 10_000

export type Fields = Record<string, unknown>

/** A member that comes empty, or `null`, takes nothing back. */
export function merged(before: JsonObject | undefined, after: JsonObject): Fields {
  if (before === undefined || before.type !== after.type) return { ...after }
  const isKnown = ([name, value]: readonly [string, unknown]) =>
    before[name] === undefined ||
    (value !== null && value !== '' && !(Array.isArray(value) && value.length === 0))
  return { ...before, ...Object.fromEntries(Object.entries(after).filter(isKnown)) }
}

export function append(owner: Fields, member: string, more: unknown): void {
  if (typeof more === 'string') owner[member] = (asString(owner[member]) ?? '') + more
}

/** The list `name`, which the events may change: it was parsed for this alone. */
export function listIn(owner: Fields, name: string): unknown[] {
  const list = owner[name]
  if (Array.isArray(list)) return list
  const created: unknown[] = []
  owner[name] = created
  return created
}

export function objectIn(owner: Fields, name: string): Fields {
  const copy: Fields = { ...asObject(owner[name]) }
  owner[name] = copy
  return copy
}

export function elementIn(owner: Fields, name: string, index: unknown, type?: string): Fields {
  const list = listIn(owner, name)
  const at = position(index, list.length)
  const element: Fields = asObject(list[at]) ? (list[at] as Fields) : defined({ type })
  list[at] = element
  return element
}

/** An index that is missing, or cannot be one, means the last element. */
export function position(index: unknown, length: number): number {
  const isIndex = Number.isInteger(index) && Number(index) >= 0 && Number(index) <= indexMax
  return isIndex ? Number(index) : Math.max(0, length - 1)
}
