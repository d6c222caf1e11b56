/**
 * Parameters of an address, as Go's `url.Values` reads them: the first of several counts, and an empty one is absent. A
 * parameter that cannot be read is a complaint and has no value; the client is given the first complaint. Pure.
 */
import { parseObject } from '@turnlog/conventions/plain'
import { type ContentBudget, openContentBudget, wholeContents } from '../read/content-budget.ts'
import { cleanName } from './attribute-conditions.ts'
import { parseBoolean, parseDuration, parseInteger } from './parameter-values.ts'

export interface Parameter {
  readonly name: string
  readonly text: string
}

export interface QueryParameters {
  /** The first present one of a name and its older names. */
  find(...names: readonly string[]): Parameter | undefined
  all(name: string): readonly string[]
  complain(problem: string): void
  problem(): string | undefined
}

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

/** Words the complaint that a parameter cannot be read, as the version of the API does. */
export type Word = (name: string, reason: string) => string

interface Reading<Value> {
  readonly names: readonly string[]
  readonly word: Word
  /** Undefined for a text of another form. */
  parse(text: string): Value | undefined
  /** The form, for the complaint. */
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

/** A JSON object of texts. Other values become their JSON text, since a person may write `{"n": 1}`. */
export function parseTexts(text: string): ReadonlyMap<string, string> | undefined {
  const parsed = parseObject(text)
  if (parsed === undefined) return undefined
  const texts = new Map<string, string>()
  for (const [key, value] of Object.entries(parsed)) {
    if (value === null) continue
    texts.set(key, typeof value === 'string' ? value : JSON.stringify(value))
  }
  return texts
}

/** `raw` shows everything, without limits; our own parameter `maxAttributeBytes` overrides the setting. */
export function readContentBudget(
  parameters: QueryParameters,
  options: {
    readonly isRaw: boolean
    readonly word: Word
    readonly attributeBytesMax: number
    readonly answerBytesMax: number
  },
): ContentBudget {
  const { isRaw, word, attributeBytesMax, answerBytesMax } = options
  const bytesMax = readParameter(parameters, {
    names: ['maxAttributeBytes'],
    word,
    parse: parseCount,
    expected: 'a number of bytes',
  })
  if (bytesMax === undefined && isRaw) return wholeContents()
  return openContentBudget({ bytesMax: bytesMax ?? attributeBytesMax, answerBytesMax })
}

function parseCount(text: string): number | undefined {
  const value = parseInteger(text)
  return value === undefined || value < 0n ? undefined : Number(value)
}

const shownLengthMax = 100

function shown(text: string): string {
  return text.length > shownLengthMax ? `${text.slice(0, shownLengthMax)}…` : text
}
