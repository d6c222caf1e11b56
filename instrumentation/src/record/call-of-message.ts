/**
 * Which open tool call a message to a worker is about: the one whose id, or all of whose arguments' texts, are in it. A pool keeps
 * its jobs in a queue, and posts one in the context of whoever woke the queue: another call, of another user maybe.
 */
import { types } from 'node:util'
import { innermost } from './call-of-file.ts'
import type { ToolCall } from './tool-call.ts'

/** Of a message, so many values are searched: a job is small, and the host waits. */
const valuesMax = 500
const depthMax = 6

/** `own`: the call in whose context the message is posted. `undefined`: nothing but the context shows whose the message is. */
export function callOfMessage(
  message: unknown,
  calls: Iterable<ToolCall>,
  own: { readonly traceId: string; readonly spanId: string } | undefined,
): ToolCall | undefined {
  const open = innermost([...calls])
  if (open.length === 0) return undefined
  const texts = textsIn(message)
  const named = open.filter(
    ({ id, arguments: given }) => (id !== undefined && texts.has(id)) || given.areAmong(texts),
  )
  const isOwn = ({ span }: ToolCall): boolean => span.spanContext().spanId === own?.spanId
  if (named.length <= 1 || named.some(isOwn)) return named.find(isOwn) ?? named[0]
  const ofTurn = named.filter(({ span }) => span.spanContext().traceId === own?.traceId)
  return ofTurn.length === 1 ? ofTurn[0] : undefined
}

/** The texts in objects and lists. Nothing of the host is called: no getter, no proxy. */
function textsIn(message: unknown): ReadonlySet<string> {
  const found = new Set<string>()
  let left = valuesMax
  const collect = (value: unknown, depth: number): void => {
    left -= 1
    if (typeof value === 'string') found.add(value)
    if (typeof value !== 'object' || value === null || depth >= depthMax) return
    if (types.isProxy(value) || ArrayBuffer.isView(value)) return
    // A list may be long, and would be copied as a whole.
    const keys = Array.isArray(value)
      ? numbersBelow(Math.min(value.length, left))
      : Object.keys(value)
    for (const key of keys) {
      if (left <= 0) return
      collect(Object.getOwnPropertyDescriptor(value, key)?.value, depth + 1)
    }
  }
  collect(message, 0)
  return found
}

function numbersBelow(length: number): number[] {
  return Array.from({ length }, (_, index) => index)
}
