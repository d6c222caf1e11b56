/**
 * Parameters of an address, as Go's `url.Values` reads them: of several the first counts, an empty one is absent. What
 * cannot be read is complained of, and stands for nothing; the first complaint is what the client is told. Pure.
 */
import { cleanName, parseBoolean } from './attribute-conditions.ts'
import { parseDuration } from './duration.ts'

export interface Parameter {
  readonly name: string
  readonly text: string
}

export interface QueryParameters {
  /** The first that is there, of a name and its older names. */
  find(...names: readonly string[]): Parameter | undefined
  all(name: string): readonly string[]
  complain(problem: string): void
  problem(): string | undefined
}

/** `malformed` words a complaint, as the version of the API does. */
export function openParameters(url: string): QueryParameters {
  const start = url.indexOf('?')
  const values = new URLSearchParams(start < 0 ? '' : url.slice(start + 1))
  const problems: string[] = []
  return {
    find(...names) {
      for (const name of names) {
        const text = values.get(name)
        if (text !== null && text !== '') return { name, text }
      }
      return undefined
    },
    all: (name) => values.getAll(name).filter((text) => text !== ''),
    complain: (problem) => void problems.push(problem),
    problem: () => problems[0],
  }
}

/** How a version of the API words that a parameter cannot be read. */
export type Word = (name: string, reason: string) => string

interface Reading<Value> {
  readonly names: readonly string[]
  readonly word: Word
  /** Undefined for what is none. */
  parse(text: string): Value | undefined
  /** What it should have been. */
  readonly expected: string
}

export function readParameter<Value>(
  parameters: QueryParameters,
  { names, word, parse, expected }: Reading<Value>,
): Value | undefined {
  const parameter = parameters.find(...names)
  if (parameter === undefined) return undefined
  const value = parse(parameter.text)
  if (value === undefined) {
    parameters.complain(
      word(parameter.name, `${JSON.stringify(shown(parameter.text))} is not ${expected}`),
    )
  }
  return value
}

export function readName(
  parameters: QueryParameters,
  ...names: readonly string[]
): string | undefined {
  const parameter = parameters.find(...names)
  return parameter && cleanName(parameter.text)
}

export function readBoolean(
  parameters: QueryParameters,
  options: { readonly names: readonly string[]; readonly word: Word },
): boolean {
  const expected = 'true or false'
  return readParameter(parameters, { ...options, parse: parseBoolean, expected }) ?? false
}

export function readDuration(
  parameters: QueryParameters,
  options: { readonly names: readonly string[]; readonly word: Word },
): bigint | undefined {
  const expected = 'a duration such as 1.2s'
  return readParameter(parameters, { ...options, parse: parseDuration, expected })
}

/** A JSON object of texts; other values as their text, since a person may write `{"n": 1}`. */
export function parseTexts(text: string): ReadonlyMap<string, string> | undefined {
  const texts = new Map<string, string>()
  try {
    const parsed: unknown = JSON.parse(text)
    if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return undefined
    for (const [key, value] of Object.entries(parsed)) {
      if (value === null) continue
      texts.set(key, typeof value === 'string' ? value : JSON.stringify(value))
    }
    return texts
  } catch {
    return undefined
  }
}

const shownLengthMax = 100

function shown(text: string): string {
  return text.length > shownLengthMax ? `${text.slice(0, shownLengthMax)}…` : text
}
