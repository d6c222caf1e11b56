/** Finds the elements of a JSON array that may have been cut off: pure, in linear time. */
import { endOfString } from '@turnlog/conventions/otlp/json-scan'

/** The texts of the elements that are complete objects or arrays; other elements are left out. */
export function arrayElements(text: string): string[] {
  const elements: string[] = []
  let depth = 0
  let start = 0
  for (let at = text.indexOf('[') + 1; at < text.length; at += 1) {
    const sign = text[at]
    if (sign === '"') {
      const end = endOfString(text, at)
      if (end === undefined) break
      at = end - 1
    } else if (sign === '{' || sign === '[') {
      if (depth === 0) start = at
      depth += 1
    } else if (sign === '}' || sign === ']') {
      depth -= 1
      if (depth < 0) break
      if (depth === 0) elements.push(text.slice(start, at + 1))
    }
  }
  return elements
}
