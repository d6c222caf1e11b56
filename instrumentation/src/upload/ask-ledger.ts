/** Asks the receiver's ledger about sent segments, in as few questions as possible, and collects its answers. */
import { joinRanges } from '../sequence-ranges.ts'
import type { SentSegment } from '../spool/unconfirmed-segments.ts'
import type {
  CompletenessQuestion,
  CompletenessResult,
  CompletenessTransport,
  RecorderLedger,
} from './completeness.ts'

/** The least that every proxy takes in one line, less the rest of the address. */
const queryBytesMax = 6_000
/** The receiver takes no more at once. */
const namesMax = 100
/** In one look; the rest is asked in the next one. */
const questionsMax = 50

/** The ledger's answers of one look. */
export interface LedgerAnswers {
  readonly recorders: Map<string, RecorderLedger>
  /** For each content that was asked for: whether it is missing. */
  readonly contents: Map<string, boolean>
}

export type Refusal = Exclude<CompletenessResult, { status: 'answered' }>

/** Stops at the first refusal; the answers before it still apply. */
export async function askLedger(
  ask: CompletenessTransport['ask'],
  segments: readonly SentSegment[],
  signal: AbortSignal,
): Promise<{ readonly answers: LedgerAnswers; readonly refusal?: Refusal }> {
  const answers: LedgerAnswers = { recorders: new Map(), contents: new Map() }
  const questions = questionsOf(segments)
  for (let asked = 0; asked < questionsMax; asked += 1) {
    const question = questions.shift()
    if (question === undefined) break
    const result = await ask(question, signal)
    if (result.status !== 'answered') return { answers, refusal: result }
    for (const { recorder } of question.recorders) {
      const ledger = result.recorders.get(recorder)
      if (ledger === undefined) continue
      answers.recorders.set(recorder, addLedger(answers.recorders.get(recorder), ledger))
      const { through } = ledger
      const isAfter = ({ sequences }: SentSegment) => (sequences.at(-1)?.[1] ?? 0) > through
      const isCut = segments.some((each) => each.recorder === recorder && isAfter(each))
      if (isCut) questions.push({ recorders: [{ recorder, from: through + 1 }], contents: [] })
    }
    for (const content of question.contents) {
      answers.contents.set(content, result.missingContents.has(content))
    }
  }
  return { answers }
}

/** A second answer about a recorder begins where the first one ended. */
export function addLedger(known: RecorderLedger | undefined, more: RecorderLedger): RecorderLedger {
  if (known === undefined) return more
  return {
    settled: joinRanges([...known.settled, ...more.settled]),
    dropped: joinRanges([...known.dropped, ...more.dropped]),
    through: more.through,
  }
}

/** The oldest segments first. */
export function questionsOf(segments: readonly SentSegment[]): CompletenessQuestion[] {
  const firstOf = new Map<string, number>()
  for (const { recorder, sequences } of segments) {
    const first = sequences[0]?.[0]
    if (first === undefined) continue
    firstOf.set(recorder, Math.min(first, firstOf.get(recorder) ?? first))
  }
  const recorders = inChunks([...firstOf], ([recorder]) => 3 * recorder.length + 40)
  const contents = inChunks([...new Set(segments.flatMap((each) => each.contents))], () => 84)
  return Array.from({ length: Math.max(recorders.length, contents.length) }, (_, index) => ({
    recorders: (recorders[index] ?? []).map(([recorder, from]) => ({ recorder, from })),
    contents: contents[index] ?? [],
  }))
}

/** Half of a question each. */
function inChunks<Name>(names: readonly Name[], bytesOf: (name: Name) => number): Name[][] {
  const chunks: Name[][] = []
  let bytes = Number.POSITIVE_INFINITY
  for (const name of names) {
    bytes += bytesOf(name)
    const chunk = chunks.at(-1)
    if (chunk !== undefined && bytes <= queryBytesMax / 2 && chunk.length < namesMax) {
      chunk.push(name)
      continue
    }
    chunks.push([name])
    bytes = bytesOf(name)
  }
  return chunks
}
