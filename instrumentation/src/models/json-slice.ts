/**
 * The text of one value inside a JSON text, exactly as it was written: pure.
 *
 * Parsing and writing again would change numbers, spaces and escapes. Expects valid JSON (it was parsed
 * before); on anything else it gives undefined or some slice, but ends, in linear time.
 */

/** The value of a member of an object; `{"a":1}`, `a` → `1`. */
export function sliceMember(text: string, name: string): string | undefined {
  const start = memberOf(text, skipBlanks(text, 0), name)
  if (start === undefined) return undefined
  const end = endOfValue(text, start)
  return end > start ? text.slice(start, end) : undefined
}

/** All elements of an array, in one pass; none where the text is no array. */
export function sliceElements(text: string): string[] {
  const elements: string[] = []
  let at = skipBlanks(text, 0)
  if (text[at] !== '[') return elements
  at = skipBlanks(text, at + 1)
  while (at < text.length && text[at] !== ']') {
    const end = endOfValue(text, at)
    elements.push(text.slice(at, end))
    at = skipBlanks(text, end)
    if (text[at] !== ',') break
    at = skipBlanks(text, at + 1)
  }
  return elements
}

function memberOf(text: string, start: number, name: string): number | undefined {
  if (text[start] !== '{') return undefined
  /** As `JSON.parse` has it, the last of equal names wins. */
  let found: number | undefined
  let at = skipBlanks(text, start + 1)
  while (text[at] === '"') {
    const nameEnd = endOfString(text, at)
    const value = skipBlanks(text, skipBlanks(text, nameEnd) + 1)
    if (isNamed(text.slice(at, nameEnd), name)) found = value
    at = skipBlanks(text, endOfValue(text, value))
    if (text[at] !== ',') break
    at = skipBlanks(text, at + 1)
  }
  return found
}

function isNamed(written: string, name: string): boolean {
  if (!written.includes('\\')) return written === `"${name}"`
  try {
    return JSON.parse(written) === name
  } catch {
    return false
  }
}

function endOfValue(text: string, start: number): number {
  const first = text[start]
  if (first === '"') return endOfString(text, start)
  if (first !== '{' && first !== '[') {
    let at = start
    while (at < text.length && !/[,\]}\s]/.test(text[at] ?? '')) at += 1
    return at
  }
  let depth = 0
  for (let at = start; at < text.length; at += 1) {
    const character = text[at]
    if (character === '"') at = endOfString(text, at) - 1
    else if (character === '{' || character === '[') depth += 1
    else if (character === '}' || character === ']') {
      depth -= 1
      if (depth === 0) return at + 1
    }
  }
  return text.length
}

function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at += 1) {
    const unit = text.charCodeAt(at)
    if (unit === 0x5c) at += 1
    else if (unit === 0x22) return at + 1
  }
  return text.length
}

function skipBlanks(text: string, start: number): number {
  let at = start
  while (at < text.length && /[ \t\n\r]/.test(text[at] ?? '')) at += 1
  return at
}
