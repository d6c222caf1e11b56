/**
 * Finds members, elements and strings in JSON text without parsing or copying it, so that they are known exactly as they
 * were written: parsing and writing again would change numbers, spaces and escapes. Pure, in linear time.
 *
 * Every function returns undefined where the text is not what it asks for. Malformed JSON is not always noticed.
 */

const quote = 0x22
const backslash = 0x5c
const comma = 0x2c

/** The position after the string that begins at `start`. The text may also be its UTF-8: JSON's signs are ASCII. */
export function endOfString(json: string | Buffer, start: number): number | undefined {
  const unitAt = (at: number) => (typeof json === 'string' ? json.charCodeAt(at) : json[at])
  for (let at = json.indexOf('"', start + 1); at !== -1; at = json.indexOf('"', at + 1)) {
    let backslashes = 0
    while (unitAt(at - 1 - backslashes) === backslash) backslashes += 1
    if (backslashes % 2 === 0) return at + 1
  }
  return undefined
}

/** The elements of an array with the blanks around them: joined by commas they are the text between its brackets. */
export function elementsOf(
  text: string,
  countMax = Number.POSITIVE_INFINITY,
): readonly string[] | undefined {
  if (text.length < 2 || !text.startsWith('[') || !text.endsWith(']')) return undefined
  const elements: string[] = []
  const end = text.length - 1
  let depth = 0
  let start = 1
  for (let at = 1; at < end; at += 1) {
    const code = text.charCodeAt(at)
    if (code === quote) {
      const stringEnd = endOfString(text, at)
      if (stringEnd === undefined || stringEnd > end) return undefined
      at = stringEnd - 1
    } else if (isOpening(code)) {
      depth += 1
    } else if (isClosing(code)) {
      depth -= 1
      if (depth < 0) return undefined
    } else if (code === comma && depth === 0) {
      elements.push(text.slice(start, at))
      if (elements.length >= countMax) return undefined
      start = at + 1
    }
  }
  if (depth !== 0) return undefined
  const last = text.slice(start, end)
  if (elements.length > 0 || last.trim() !== '') elements.push(last)
  return elements
}

/** The value of a member of an object; of equal names the last one's, as `JSON.parse` has it. */
export function memberOf(text: string, name: string): string | undefined {
  let at = skipBlanks(text, 0)
  if (text[at] !== '{') return undefined
  let found: string | undefined
  do {
    at = skipBlanks(text, at + 1)
    const nameEnd = text[at] === '"' ? endOfString(text, at) : undefined
    if (nameEnd === undefined) return found
    const start = skipBlanks(text, skipBlanks(text, nameEnd) + 1)
    const end = endOfValue(text, start)
    if (end === undefined) return found
    if (isNamed(text.slice(at, nameEnd), name)) found = text.slice(start, end)
    at = skipBlanks(text, end)
  } while (text[at] === ',')
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

function endOfValue(text: string, start: number): number | undefined {
  const first = text.charCodeAt(start)
  if (first === quote) return endOfString(text, start)
  let at = start
  if (!isOpening(first)) {
    while (at < text.length && !/[,\]}\s]/.test(text[at] ?? '')) at += 1
    return at > start ? at : undefined
  }
  for (let depth = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    if (code === quote) {
      const stringEnd = endOfString(text, at)
      if (stringEnd === undefined) return undefined
      at = stringEnd - 1
    } else if (isOpening(code)) depth += 1
    else if (isClosing(code)) {
      depth -= 1
      if (depth === 0) return at + 1
    }
  }
  return undefined
}

export interface StringMember {
  /** As it is written, without its quotes. */
  readonly name: string
  /** Positions: the name's first quote, the value's first quote, after the value's last quote. */
  readonly start: number
  readonly valueStart: number
  readonly end: number
}

/** At any depth, in their order: the members of objects whose value is a string written in at least `lengthMin` characters. */
export function stringMembers(text: string, lengthMin: number): StringMember[] | undefined {
  const members: StringMember[] = []
  /** For each open bracket, whether it is an object's. */
  const open: boolean[] = []
  let isName = false
  let name: { readonly start: number; readonly end: number } | undefined
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    if (code === quote) {
      const end = endOfString(text, at)
      if (end === undefined) return undefined
      if (isName) name = { start: at, end }
      else if (name !== undefined && end - at >= lengthMin) {
        const written = text.slice(name.start + 1, name.end - 1)
        members.push({ name: written, start: name.start, valueStart: at, end })
      }
      isName = false
      at = end - 1
    } else if (isOpening(code) || code === comma) {
      if (code !== comma) open.push(code === 0x7b)
      isName = open.at(-1) === true
      name = undefined
    } else if (isClosing(code)) {
      if (open.pop() !== (code === 0x7d)) return undefined
      name = undefined
      isName = false
    }
  }
  return open.length === 0 ? members : undefined
}

function isOpening(code: number): boolean {
  return code === 0x7b || code === 0x5b
}

function isClosing(code: number): boolean {
  return code === 0x7d || code === 0x5d
}

function skipBlanks(text: string, start: number): number {
  let at = start
  while (/[ \t\n\r]/.test(text[at] ?? '')) at += 1
  return at
}
