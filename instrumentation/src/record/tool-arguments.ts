/** The arguments of a tool call, which are JSON as the model wrote it, or a text of the app. */
import { isDeepStrictEqual } from 'node:util'
import { parseJson } from '@turnlog/conventions/plain'

/** Longer arguments are searched as text: parsing them would delay the host. */
const parsedArgumentsLengthMax = 64 * 1024
/** Some words. */
const phraseLengthMin = 8

export class ToolArguments {
  readonly #text: string
  /** The strings in them; `undefined` until they are needed. */
  #strings: ReadonlySet<string> | undefined

  constructor(text: string) {
    this.#text = text
  }

  /** Whether `text` is one of the strings in them. */
  names(text: string): boolean {
    const json = this.#text
    // A quote inside a string is escaped, so a quoted text is a whole string.
    if (json.length > parsedArgumentsLengthMax) return json.includes(JSON.stringify(text))
    this.#strings ??= stringsIn(json)
    return this.#strings.has(text)
  }

  /** Whether there are strings in them, and all of these are among `texts`. */
  areAmong(texts: ReadonlySet<string>): boolean {
    if (this.#text.length > parsedArgumentsLengthMax) return false
    this.#strings ??= stringsIn(this.#text)
    return this.#strings.size > 0 && [...this.#strings].every((each) => texts.has(each))
  }

  /** Whether `text` quotes one of the strings in them: a phrase, or what comes after a colon at the end of a line. */
  isQuotedIn(text: string): boolean {
    if (this.#text.length > parsedArgumentsLengthMax) return false
    this.#strings ??= stringsIn(this.#text)
    return [...this.#strings].some((each) => {
      if (!text.includes(each)) return false
      const isPhrase = each.length >= phraseLengthMin && /\s/.test(each)
      return isPhrase || (each !== '' && `${text}\n`.includes(`: ${each}\n`))
    })
  }

  /** Whether one of these messages, which are JSON, has them. `undefined`: they are too long to be searched for. */
  isWrittenIn(messages: readonly string[]): boolean | undefined {
    if (this.#text.length > parsedArgumentsLengthMax) return undefined
    const value = parseJson(this.#text)
    if (value === undefined) return false
    const json = JSON.stringify(value)
    return messages.some((message) => message.includes(json))
  }

  /** Whether `given` is equal JSON. */
  equal(given: string | undefined): boolean {
    return given !== undefined && isEqualJson(this.#text, given)
  }
}

function isEqualJson(one: string, other: string): boolean {
  if (one === other) return true
  if (Math.max(one.length, other.length) > parsedArgumentsLengthMax) return false
  const [a, b] = [parseJson(one), parseJson(other)]
  return a !== undefined && isDeepStrictEqual(a, b)
}

function stringsIn(json: string): ReadonlySet<string> {
  const found = new Set<string>()
  const collect = (value: unknown, depth: number): void => {
    if (typeof value === 'string') {
      if (value.length < 4_096) found.add(value)
    } else if (typeof value === 'object' && value !== null && depth < 4) {
      for (const member of Object.values(value)) collect(member, depth + 1)
    }
  }
  collect(parseJson(json), 0)
  return found
}
