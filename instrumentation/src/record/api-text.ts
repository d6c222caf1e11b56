/** The text that is recorded of a value the app passes to the API: a prompt, an answer, arguments, a result. */
import { decodeText, viewOf } from '@turnlog/conventions/content/text'

export type ApiText =
  | { readonly text: string }
  /** A function, or an object that contains itself, has no JSON. */
  | { readonly omitted: 'not_json' }

/** A text as it is, bytes as text or base64, anything else as its JSON; `undefined` for nothing. Never throws. */
export function toApiText(value: unknown): ApiText | undefined {
  if (value === undefined) return undefined
  if (typeof value === 'string') return { text: value }
  try {
    if (value instanceof Uint8Array) return { text: bytesAsText(value) }
    const text: unknown = JSON.stringify(value, withoutLoss)
    return typeof text === 'string' ? { text } : { omitted: 'not_json' }
  } catch {
    return { omitted: 'not_json' }
  }
}

/** The same for a value that should be a text; `undefined` also for null, and for what has no JSON. */
export function textOf(value: unknown): string | undefined {
  const text = toApiText(value ?? undefined)
  return text !== undefined && 'text' in text ? text.text : undefined
}

/** Replaces values that JSON would write as `{}` or as a list of numbers, or would refuse. */
function withoutLoss(this: unknown, key: string, value: unknown): unknown {
  // `value` of a Buffer is what its `toJSON` returned.
  const own: unknown = typeof this === 'object' && this !== null ? Reflect.get(this, key) : value
  if (own instanceof Uint8Array) return bytesAsText(own)
  if (typeof value === 'bigint') return value.toString()
  if (value instanceof Error) return { name: value.name, message: value.message }
  if (value instanceof Map) return [...value]
  return value instanceof Set ? [...value] : value
}

function bytesAsText(bytes: Uint8Array): string {
  return decodeText(bytes) ?? `data:;base64,${viewOf(bytes).toString('base64')}`
}
