/** Finds the open tool calls whose results a request brings: in its bytes, without parsing it. */
import { viewOf } from '@turnlog/conventions/content/text'
import type { OpenToolCall } from './model-api.ts'

const quote = 0x22
const colon = 0x3a

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
  if (bytes[at] !== colon) return false
  at = skipBlanksBack(bytes, at - 1)
  if (bytes[at] !== quote) return false
  return bytes.toString('latin1', at - name.length - 1, at) === `"${name}`
}

function skipBlanksBack(bytes: Buffer, from: number): number {
  let at = from
  while (at >= 0 && isBlank(bytes[at])) at -= 1
  return at
}

function isBlank(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d
}
