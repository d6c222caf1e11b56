/** What the receiver's answer about completeness says: pure. */
import { isObject, parseObject } from '@turnlog/conventions/plain'
import { isRange, joinRanges, type SequenceRange } from '../sequence-ranges.ts'

export interface RecorderLedger {
  /** Landed, or refused for good. */
  readonly settled: readonly SequenceRange[]
  /** Declared dropped. */
  readonly dropped: readonly SequenceRange[]
  /** What is said holds up to this sequence; what is beyond has to be asked for again. */
  readonly through: number
}

export interface CompletenessAnswer {
  readonly recorders: ReadonlyMap<string, RecorderLedger>
  readonly missingContents: ReadonlySet<string>
}

/** Undefined for anything else, such as a login page. Members that are not known may stand beside the known ones. */
export function parseCompleteness(body: string | undefined): CompletenessAnswer | undefined {
  const answer = parseObject(body ?? '')
  if (answer === undefined) return undefined
  const { recorders, missing_contents: missing } = answer
  if (!Array.isArray(recorders) || !isTexts(missing)) return undefined
  const ledgers = recorders.map(parseRecorder)
  if (!ledgers.every((ledger) => ledger !== undefined)) return undefined
  return { recorders: new Map(ledgers), missingContents: new Set(missing) }
}

function parseRecorder(value: unknown): [string, RecorderLedger] | undefined {
  if (!isObject(value)) return undefined
  const { recorder, landed, rejected, dropped, through } = value
  if (typeof recorder !== 'string') return undefined
  if (!isRanges(landed) || !isRanges(rejected) || !isRanges(dropped)) return undefined
  if (through !== undefined && !Number.isSafeInteger(through)) return undefined
  const ledger = {
    settled: joinRanges([...landed, ...rejected]),
    dropped: joinRanges(dropped),
    through: typeof through === 'number' ? through : Number.POSITIVE_INFINITY,
  }
  return [recorder, ledger]
}

function isRanges(value: unknown): value is SequenceRange[] {
  return Array.isArray(value) && value.every(isRange)
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'string')
}
