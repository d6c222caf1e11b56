/** What an app tells as a prompt, an answer, arguments or a result, as the text that is recorded of it. */
import { decodeText, viewOf } from '@turnlog/conventions/content/text'

export type ToldText =
  | { readonly text: string }
  /** A function, or an object that leads back to itself: there is no text that says it. */
  | { readonly omitted: 'not_json' }

/** A text as it is, bytes as text or base64, anything else as its JSON; undefined for nothing. Never throws. */
export function toldText(value: unknown): ToldText | undefined {
  if (value === undefined) return undefined
  if (typeof value === 'string') return { text: value }
  try {
    if (value instanceof Uint8Array) return { text: decodeText(value) ?? asDataUrl(value) }
    const text: unknown = JSON.stringify(value, withoutLoss)
    return typeof text === 'string' ? { text } : { omitted: 'not_json' }
  } catch {
    return { omitted: 'not_json' }
  }
}

/** What JSON would make `{}` of, or a list of numbers, or refuse. */
function withoutLoss(this: unknown, key: string, value: unknown): unknown {
  // A Buffer has made itself JSON already.
  const own: unknown = typeof this === 'object' && this !== null ? Reflect.get(this, key) : value
  if (own instanceof Uint8Array) return decodeText(own) ?? asDataUrl(own)
  if (typeof value === 'bigint') return value.toString()
  if (value instanceof Error) return { name: value.name, message: value.message }
  if (value instanceof Map) return [...value]
  return value instanceof Set ? [...value] : value
}

function asDataUrl(bytes: Uint8Array): string {
  return `data:;base64,${viewOf(bytes).toString('base64')}`
}
