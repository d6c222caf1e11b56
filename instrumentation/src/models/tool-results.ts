/** Finds the open tool calls whose results a request brings: in its bytes, without parsing it. */
import { viewOf } from '@turnlog/conventions/content/text'
import type { OpenToolCall } from './model-api.ts'

const blanks = Buffer.from(' \t\n\r')

/** Those of `open` whose id is the value of a member `memberName` somewhere in the JSON text `body`. */
export function findCallsById<Call extends OpenToolCall>(
  body: Uint8Array,
  memberName: string,
  open: Iterable<Call>,
): Call[] {
  const bytes = viewOf(body)
  return [...open].filter(
    ({ id }) => id !== undefined && id !== '' && hasMember(bytes, memberName, id),
  )
}

function hasMember(bytes: Buffer, name: string, value: string): boolean {
  const written = JSON.stringify(value)
  for (let at = bytes.indexOf(written); at !== -1; at = bytes.indexOf(written, at + 1)) {
    if (isValueOf(bytes, name, at)) return true
  }
  return false
}

function isValueOf(bytes: Buffer, name: string, valueStart: number): boolean {
  let at = skipBlanksBack(bytes, valueStart - 1)
  if (bytes[at] !== 0x3a /* : */) return false
  at = skipBlanksBack(bytes, at - 1)
  return bytes.toString('latin1', at - name.length - 1, at + 1) === `"${name}"`
}

function skipBlanksBack(bytes: Buffer, from: number): number {
  let at = from
  while (at >= 0 && blanks.includes(bytes[at] ?? 0)) at -= 1
  return at
}
