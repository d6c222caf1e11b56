/** How much of a trace is shown, as an address asks for it. Pure. */
import { type ContentBudget, openContentBudget, wholeContents } from '../read/content-budget.ts'
import { parseInteger } from './moment.ts'
import { type QueryParameters, readParameter, type Word } from './query-parameters.ts'

/** `raw` shows all, whatever the limits; `maxAttributeBytes` is ours, and takes the place of the setting. */
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
  const asked = readParameter(parameters, {
    names: ['maxAttributeBytes'],
    word,
    parse: parseCount,
    expected: 'a number of bytes',
  })
  if (asked === undefined && isRaw) return wholeContents()
  return openContentBudget({ bytesMax: asked ?? attributeBytesMax, answerBytesMax })
}

function parseCount(text: string): number | undefined {
  const value = parseInteger(text)
  return value === undefined || value < 0n ? undefined : Number(value)
}
