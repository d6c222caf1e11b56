/**
 * Parameters of an address, as Go's `url.Values` reads them: the first of several counts, and an empty one is absent. A
 * parameter that cannot be read refuses the request. Pure.
 */
import { parseObject } from '@turnlog/conventions/plain'
import { malformed } from '../../http/refuse.ts'
import { type ContentBudget, openContentBudget } from '../read/content-budget.ts'
import { cleanName } from './attribute-conditions.ts'
import {
  parseBoolean,
  parseDuration,
  parseInteger,
  parseRfc3339,
  parseUnixMilliseconds,
  parseUnixTime,
} from './parameter-values.ts'

export type QueryParameters = ReturnType<typeof openParameters>

interface Form<Value> {
  /** Undefined for a text of another form. */
  parse(text: string): Value | undefined
  /** For the complaint. */
  readonly expected: string
}

export const forms = {
  boolean: { parse: parseBoolean, expected: 'true or false' },
  integer: { parse: parseInteger, expected: 'an integer' },
  bytes: { parse: parseCount, expected: 'a number of bytes' },
  duration: { parse: parseDuration, expected: 'a duration such as 1.2s' },
  microseconds: { parse: parseUnixTime, expected: 'a time in microseconds' },
  milliseconds: { parse: parseUnixMilliseconds, expected: 'milliseconds' },
  time: { parse: parseRfc3339, expected: 'a time such as 2026-07-31T12:00:00Z' },
  texts: { parse: parseTexts, expected: 'a JSON object of strings' },
} as const satisfies Readonly<Record<string, Form<unknown>>>

/** `word` words the complaint that a parameter cannot be read, as the version of the API does. */
export function openParameters(url: string, word: (name: string, reason: string) => string) {
  const start = url.indexOf('?')
  const values = new URLSearchParams(start < 0 ? '' : url.slice(start + 1))

  /** The first present one of a name and its older names. */
  function find(names: readonly string[]): string | undefined {
    return names.find((name) => values.get(name))
  }

  return {
    all: (name: string): readonly string[] => values.getAll(name).filter((text) => text !== ''),

    name(...names: readonly string[]): string | undefined {
      const name = find(names)
      return name && cleanName(values.get(name) ?? '')
    },

    read<Value>({ parse, expected }: Form<Value>, ...names: readonly string[]): Value | undefined {
      const name = find(names)
      if (name === undefined) return undefined
      const text = values.get(name) ?? ''
      const value = parse(text)
      if (value !== undefined) return value
      throw malformed(word(name, `${JSON.stringify(shown(text))} is not ${expected}`))
    },
  }
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
    readonly attributeBytesMax: number
    readonly answerBytesMax: number
  },
): ContentBudget {
  const { isRaw, attributeBytesMax, answerBytesMax } = options
  const bytesMax = parameters.read(forms.bytes, 'maxAttributeBytes')
  if (bytesMax === undefined && isRaw) {
    return openContentBudget({ bytesMax: Infinity, answerBytesMax: Infinity })
  }
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
