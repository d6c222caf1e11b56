/**
 * The messages of a conversation, as JSON text: split so that each is stored once, and read.
 *
 * Splitting never parses: a JSON array is cut at the commas of its top level and each piece keeps
 * its exact text, so that `[` + pieces joined by `,` + `]` is the very text that came.
 */

import { type ContentReference, memberReference } from './references.ts'

/** An array with more pieces is not a conversation; it is stored whole. */
export const messagesMax = 10_000

const quote = 0x22
const backslash = 0x5c
const comma = 0x2c

/** The pieces of a non-empty JSON array; undefined when the text is none, or has too many. */
export function splitMessages(text: string): readonly string[] | undefined {
  if (text.length < 3 || !text.startsWith('[') || !text.endsWith(']')) return undefined
  const pieces: string[] = []
  const end = text.length - 1
  let depth = 0
  let start = 1
  for (let index = 1; index < end; index += 1) {
    const code = text.charCodeAt(index)
    if (code === quote) {
      index = endOfString(text, index)
      if (index < 0 || index >= end) return undefined
    } else if (code === 0x7b || code === 0x5b) {
      depth += 1
    } else if (code === 0x7d || code === 0x5d) {
      depth -= 1
      if (depth < 0) return undefined
    } else if (code === comma && depth === 0) {
      pieces.push(text.slice(start, index))
      if (pieces.length >= messagesMax) return undefined
      start = index + 1
    }
  }
  if (depth !== 0) return undefined
  pieces.push(text.slice(start, end))
  return pieces
}

/** Where the string that begins at `start` ends, -1 when it does not. */
function endOfString(text: string, start: number): number {
  let index = start
  for (;;) {
    index = text.indexOf('"', index + 1)
    if (index < 0) return -1
    let backslashes = 0
    while (text.charCodeAt(index - 1 - backslashes) === backslash) backslashes += 1
    if (backslashes % 2 === 0) return index
  }
}

/** What somebody said in messages, as far as the messages themselves tell. */
export type Said =
  | { readonly kind: 'text'; readonly text: string }
  /** All of it is one content, which comes by itself. */
  | { readonly kind: 'content'; readonly reference: ContentReference }
  /** Parts of it come by themselves. */
  | { readonly kind: 'in parts' }

/** The text of the last message with text, of `role` when there is one: a turn's prompt, or its answer. */
export function lastSaid(messages: string, role: string): Said | undefined {
  let parsed: unknown
  try {
    parsed = JSON.parse(messages)
  } catch {
    return undefined
  }
  if (!Array.isArray(parsed)) return undefined
  let last: Said | undefined
  let lastOfRole: Said | undefined
  for (const message of parsed) {
    const said = saidIn(message)
    if (said === undefined) continue
    last = said
    if (message.role === role) lastOfRole = said
  }
  return lastOfRole ?? last
}

/** GenAI's `parts`, or the older `content`, a string or a list of parts. */
function saidIn(message: unknown): Said | undefined {
  if (typeof message !== 'object' || message === null) return undefined
  if ('parts' in message) return saidInParts(message.parts)
  if (!('content' in message)) return wholeReference(message)
  return typeof message.content === 'string'
    ? { kind: 'text', text: message.content }
    : saidInParts(message.content)
}

function saidInParts(parts: unknown): Said | undefined {
  if (!Array.isArray(parts)) return undefined
  const said = parts.map(saidInPart).filter((each) => each !== undefined)
  const texts = said.flatMap((each) => (each.kind === 'text' ? [each.text] : []))
  if (texts.length < said.length) return said.length === 1 ? said[0] : { kind: 'in parts' }
  return texts.length === 0 ? undefined : { kind: 'text', text: texts.join('\n') }
}

function saidInPart(part: unknown): Said | undefined {
  if (typeof part !== 'object' || part === null) return undefined
  if (!('type' in part) || part.type !== 'text') return undefined
  if ('content' in part && typeof part.content === 'string') {
    return { kind: 'text', text: part.content }
  }
  if ('text' in part && typeof part.text === 'string') return { kind: 'text', text: part.text }
  return wholeReference(part)
}

function wholeReference(said: object): Said | undefined {
  const reference = memberReference(said, 'content') ?? memberReference(said, 'text')
  if (reference === undefined) return undefined
  // Its content is JSON: the text is in it.
  const isJson = 'content.media_type' in said || 'text.media_type' in said
  return isJson ? { kind: 'in parts' } : { kind: 'content', reference }
}
