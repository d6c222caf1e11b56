/** The entries of a streamed answer of Mistral's conversations, put together from their events as a JSON answer has them. */
import { asArray, asObject, asString, isObject, type JsonObject } from '@turnlog/conventions/plain'

/** What an event says about itself, not about its entry. */
const eventMembers = ['type', 'output_index', 'content_index', 'content', 'arguments']

/** Adds an event to the entry that its earlier events have made; `undefined`: it belongs to no entry. */
export function addToEntry(
  entry: JsonObject | undefined,
  event: JsonObject,
): JsonObject | undefined {
  const type = typeOfEntry(event)
  if (type === undefined) return undefined
  const others = Object.entries(event).filter(
    ([name, value]) => !eventMembers.includes(name) && value !== null,
  )
  const whole = { ...entry, type: asString(entry?.type) ?? type, ...Object.fromEntries(others) }
  if (type === 'message.output')
    return { ...whole, content: addChunk(entry?.content, event.content) }
  if (event.arguments === undefined) return withMember(whole, 'arguments', entry?.arguments)
  const earlier = asString(entry?.arguments)
  const more = asString(event.arguments)
  return {
    ...whole,
    arguments: more === undefined ? event.arguments : `${earlier ?? ''}${more}`,
  }
}

/** `message.output.delta` → `message.output`. */
export function typeOfEntry({ type }: JsonObject): string | undefined {
  const [, name] = /^(.+)\.(?:delta|started|done)$/.exec(asString(type) ?? '') ?? []
  return name === undefined || name.startsWith('conversation.') ? undefined : name
}

function withMember(object: JsonObject, name: string, value: unknown): JsonObject {
  return value === undefined ? object : { ...object, [name]: value }
}

/** Texts and thoughts that follow each other are one chunk. */
function addChunk(content: unknown, more: unknown): readonly unknown[] {
  const chunks = asArray(content) ?? []
  if (more === undefined || more === null) return chunks
  const chunk = typeof more === 'string' ? { type: 'text', text: more } : more
  const last = asObject(chunks.at(-1))
  const joined = last !== undefined && isObject(chunk) ? join(last, chunk) : undefined
  return joined === undefined ? [...chunks, chunk] : [...chunks.slice(0, -1), joined]
}

function join(last: JsonObject, chunk: JsonObject): JsonObject | undefined {
  if (last.type !== chunk.type) return undefined
  const { text, thinking } = chunk
  if (chunk.type === 'text' && typeof text === 'string') {
    return { ...last, ...chunk, text: `${asString(last.text) ?? ''}${text}` }
  }
  const thoughts = asArray(thinking)
  if (chunk.type !== 'thinking' || thoughts === undefined) return undefined
  return { ...last, ...chunk, thinking: [...(asArray(last.thinking) ?? []), ...thoughts] }
}
