/**
 * Finds the open tool calls whose results a request brings. By id: in its bytes, in one pass, without parsing it. By name,
 * for APIs and clients that give no ids: in the order of the calls.
 */
import { viewOf } from '@turnlog/conventions/content/text'
import type { OpenToolCall, ToolResult } from './model-api.ts'

const blanks = Buffer.from(' \t\n\r')
const quote = 0x22
const backslash = 0x5c
const colon = 0x3a
/** Longer ids are not looked at. */
const idBytesMax = 1_024

/** Those of `open` whose id is the value of a member `memberName` somewhere in the JSON text `body`. */
export function findCallsById<Call extends OpenToolCall>(
  body: Uint8Array,
  memberName: string,
  open: Iterable<Call>,
): Call[] {
  const byWritten = new Map<string, Call[]>()
  for (const call of open) {
    if (!call.id) continue
    const written = JSON.stringify(call.id)
    byWritten.set(written, [...(byWritten.get(written) ?? []), call])
  }
  if (byWritten.size === 0) return []
  const found = new Set<string>()
  for (const written of lastStringsOf(viewOf(body), JSON.stringify(memberName))) {
    if (byWritten.has(written)) found.add(written)
    if (found.size === byWritten.size) break
  }
  return [...byWritten].flatMap(([written, calls]) => (found.has(written) ? calls : []))
}

/**
 * The calls that `results` answer by their names. Of the calls of one turn with one name, the oldest is answered first.
 * `answered` are the calls whose results were found by id. A call that has an id may be answered by a result without one, and the
 * reverse, because some clients leave out the id or invent one; results and calls with different ids do not belong together.
 */
export function findCallsByName<Call extends OpenToolCall>(
  results: readonly ToolResult[],
  open: readonly Call[],
  answered: readonly Call[],
): Call[] {
  const ids = new Set(answered.map(({ id }) => id))
  const unmatched = results.filter(({ callId }) => callId === undefined || !ids.has(callId))
  if (unmatched.length === 0) return []
  const byOwner = Map.groupBy(
    open.filter((call) => !answered.includes(call)),
    ({ owner }) => owner,
  )
  return [...byOwner.values()].flatMap((calls) =>
    unmatched.flatMap((result) => {
      const at = calls.findIndex(
        ({ id, name }) => name === result.name && (id === undefined || result.callId === undefined),
      )
      return at === -1 ? [] : calls.splice(at, 1)
    }),
  )
}

/** How many of `calls` come after the one at `index` and have its name. */
export function countLater(calls: readonly Pick<OpenToolCall, 'name'>[], index: number): number {
  return calls.slice(index + 1).filter(({ name }) => name === calls[index]?.name).length
}

/**
 * The result of a call, of all `results` of a conversation: by its id, else by its name. Of the results with its name it is
 * the one before `later` others, because the newest results are the last ones.
 */
export function findResult(
  results: readonly ToolResult[],
  { id, name }: OpenToolCall,
  later: number,
): ToolResult | undefined {
  const byId = id === undefined ? undefined : results.find(({ callId }) => callId === id)
  if (byId !== undefined) return byId
  const named = results.filter((result) => result.name === name)
  const withoutId = named.filter(({ callId }) => callId === undefined)
  return (withoutId.length > 0 || id !== undefined ? withoutId : named).at(-1 - later)
}

/** The strings, with their quotes, that are values of the members `key`: the last one first, since new results come last. */
function* lastStringsOf(bytes: Buffer, key: string): Generator<string> {
  let at = bytes.length
  // A negative offset would count from the end.
  while (at >= key.length) {
    at = bytes.lastIndexOf(key, at - key.length)
    if (at === -1) return
    const afterKey = skipBlanks(bytes, at + key.length)
    if (bytes[afterKey] !== colon) continue
    const start = skipBlanks(bytes, afterKey + 1)
    if (bytes[start] !== quote) continue
    const end = endOfString(bytes, start)
    if (end !== undefined) yield bytes.toString('utf8', start, end)
  }
}

function endOfString(bytes: Buffer, start: number): number | undefined {
  for (let at = start + 1; at < bytes.length && at < start + idBytesMax; at += 1) {
    if (bytes[at] === quote) return at + 1
    if (bytes[at] === backslash) at += 1
  }
  return undefined
}

function skipBlanks(bytes: Buffer, from: number): number {
  let at = from
  while (at < bytes.length && blanks.includes(bytes[at] ?? 0)) at += 1
  return at
}
