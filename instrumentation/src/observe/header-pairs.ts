/** Headers as clients give them. */
import { isObject } from '@turnlog/conventions/plain'

/**
 * The names in lower case, each with its value. Clients give a list of name, value, name, value …, of texts or bytes, or an object
 * with one or several values for each name; of anything else nothing is known.
 */
export function headerPairs(headers: unknown): (readonly [string, string])[] {
  if (isObject(headers)) {
    return Object.entries(headers).flatMap(([name, value]) => pairsOf(name, value))
  }
  if (!Array.isArray(headers)) return []
  const pairs: (readonly [string, string])[] = []
  for (let index = 0; index + 1 < headers.length; index += 2) {
    const name = textOf(headers[index])
    if (name !== undefined) pairs.push(...pairsOf(name, headers[index + 1]))
  }
  return pairs
}

/** Names that begin with a colon are HTTP/2's own. */
function pairsOf(name: string, value: unknown): (readonly [string, string])[] {
  if (name.startsWith(':')) return []
  const values: readonly unknown[] = Array.isArray(value) ? value : [value]
  return values.flatMap((each) => {
    const text = textOf(each)
    return text === undefined ? [] : [[name.toLowerCase(), text] as const]
  })
}

function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  return value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : undefined
}
