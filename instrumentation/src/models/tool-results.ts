/** Finds the open tool calls whose results a request brings: in its bytes, in one pass, without parsing it. */
import { viewOf } from '@turnlog/conventions/content/text'
import type { OpenToolCall } from './model-api.ts'

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
  const found = new Set<Call>()
  for (const written of stringsOf(viewOf(body), JSON.stringify(memberName))) {
    for (const call of byWritten.get(written) ?? []) found.add(call)
  }
  return [...byWritten.values()].flat().filter((call) => found.has(call))
}

/** The strings, with their quotes, that are values of the members `key`. */
function* stringsOf(bytes: Buffer, key: string): Generator<string> {
  for (let at = bytes.indexOf(key); at !== -1; at = bytes.indexOf(key, at + 1)) {
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
