/** Which open tool calls a request tells the model about: by bytes, without parsing the request. */
import { viewOf } from '@turnlog/conventions/content/text'

const quote = 0x22
const colon = 0x3a

/** The ids that stand in `body` as `"tool_use_id": "<id>"`, in the order asked. */
export function findToolResults(body: Uint8Array, openIds: Iterable<string>): string[] {
  const bytes = viewOf(body)
  return [...openIds].filter((id) => id !== '' && hasToolResult(bytes, id))
}

function hasToolResult(bytes: Buffer, id: string): boolean {
  const written = JSON.stringify(id)
  for (let at = bytes.indexOf(written); at !== -1; at = bytes.indexOf(written, at + 1)) {
    if (isValueOfToolUseId(bytes, at)) return true
  }
  return false
}

function isValueOfToolUseId(bytes: Buffer, valueStart: number): boolean {
  let at = skipBlanksBack(bytes, valueStart - 1)
  if (bytes[at] !== colon) return false
  at = skipBlanksBack(bytes, at - 1)
  if (bytes[at] !== quote) return false
  const name = 'tool_use_id'
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
