/** The parts of a streamed answer, of APIs that stream a text as many small parts of one kind: pure. */
import { asString } from '@turnlog/conventions/plain'
import type { Part } from './model-api.ts'

/**
 * Adds a part. A text or a reasoning continues the last part if that is of the same kind and no member of it would be
 * lost. A text that is empty and has no other members is left out.
 */
export function appendPart(parts: Part[], part: Part): void {
  const { type, content, ...others } = part
  const isText = (type === 'text' || type === 'reasoning') && typeof content === 'string'
  if (!isText) {
    parts.push(part)
    return
  }
  const last = parts.at(-1)
  const lastContent = asString(last?.content)
  if (last?.type === type && lastContent !== undefined && !overwrites(others, last)) {
    parts[parts.length - 1] = { ...last, ...others, content: lastContent + content }
  } else if (content !== '' || Object.keys(others).length > 0) parts.push(part)
}

function overwrites(members: object, part: Part): boolean {
  return Object.keys(members).some((name) => Object.hasOwn(part, name))
}
