/** A message's content, as most APIs write it, becomes parts of the GenAI convention; `toPart` is what each API says of one block. */
import { asArray, asString, isObject } from '@turnlog/conventions/plain'
import type { Message, Part } from './model-api.ts'

/** `content`: a text, a list of blocks, one block, or nothing. */
export function partsOf(content: unknown, toPart: (block: unknown) => Part): Part[] {
  if (content === undefined || content === null) return []
  if (typeof content === 'string') return [{ type: 'text', content }]
  return (asArray(content) ?? [content]).map(toPart)
}

/** A message that has a role and a content; its other members stay as they are. */
export function messageOf(message: unknown, toParts: (content: unknown) => Part[]): Message {
  if (!isObject(message)) return { role: 'unknown', parts: toParts(message) }
  const { role, content, ...others } = message
  return { role: asString(role) ?? 'unknown', parts: toParts(content), ...others }
}
