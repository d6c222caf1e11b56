/**
 * Finds the last text of a role in a list of messages: a turn's prompt, or its answer. Pure.
 *
 * A message's text is that of its text parts, one below the other. The SQL function `turnlog_said` gives the same text; a
 * test compares the two.
 */
import { isObject } from '../plain.ts'
import { type ContentReference, findReference } from './references.ts'

export type Said =
  | { readonly kind: 'text'; readonly text: string }
  /** The whole text is one content, which travels apart. */
  | { readonly kind: 'content'; readonly reference: ContentReference }
  /** Some of its parts travel apart. */
  | { readonly kind: 'in parts' }

/** The last message of `role` that has text, else the last message that has text. */
export function lastSaid(messages: unknown, role: string): Said | undefined {
  if (!Array.isArray(messages)) return undefined
  let last: Said | undefined
  let lastOfRole: Said | undefined
  for (const message of messages) {
    const said = saidIn(message)
    if (said === undefined) continue
    last = said
    if (message.role === role) lastOfRole = said
  }
  return lastOfRole ?? last
}

/** GenAI's `parts`, or the older `content`; either is a string or a list of parts. */
function saidIn(message: unknown): Said | undefined {
  if (!isObject(message)) return undefined
  const parts = 'parts' in message ? message.parts : message.content
  if (typeof parts === 'string') return { kind: 'text', text: parts }
  if (parts === undefined) return saidApart(message)
  if (!Array.isArray(parts)) return undefined
  const said = parts.map(saidInPart).filter((each) => each !== undefined)
  const texts = said.flatMap((each) => (each.kind === 'text' ? [each.text] : []))
  if (texts.length < said.length) return said.length === 1 ? said[0] : { kind: 'in parts' }
  return texts.length === 0 ? undefined : { kind: 'text', text: texts.join('\n') }
}

function saidInPart(part: unknown): Said | undefined {
  if (!isObject(part) || part.type !== 'text') return undefined
  const text = [part.content, part.text].find((each) => typeof each === 'string')
  return text === undefined ? saidApart(part) : { kind: 'text', text }
}

function saidApart(object: object): Said | undefined {
  const members = new Map<string, unknown>(Object.entries(object))
  const reference = findReference(members, 'content') ?? findReference(members, 'text')
  if (reference === undefined) return undefined
  // Such a content is JSON, and the text is inside it.
  const isJson = members.has('content.media_type') || members.has('text.media_type')
  return isJson ? { kind: 'in parts' } : { kind: 'content', reference }
}
