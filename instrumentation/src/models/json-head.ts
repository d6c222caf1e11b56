/** The beginning of a JSON text, looked at without parsing it: which members its outermost object has. Pure. */
import { endOfString } from '@turnlog/conventions/otlp/json-scan'

/**
 * The names of the outermost object's members, as far as the text goes; of a list, those of its first object. Empty if the
 * text is something else.
 */
export function outerMembers(head: string): ReadonlySet<string> {
  const names = new Set<string>()
  const start = /^\s*(?:\[\s*)?\{/.exec(head)
  if (start === null) return names
  let depth = 1
  for (let at = start[0].length; at < head.length && depth > 0; at += 1) {
    const sign = head[at]
    if (sign === '"') {
      const end = endOfString(head, at)
      if (end === undefined) return names
      if (depth === 1 && /^\s*:/.test(head.slice(end, end + 16))) {
        names.add(head.slice(at + 1, end - 1))
      }
      at = end - 1
    } else if (sign === '{' || sign === '[') depth += 1
    else if (sign === '}' || sign === ']') depth -= 1
  }
  return names
}
