/** What to ask the ledger, and how a segment stands by its word: pure. */
import { joinRanges, type SequenceRange, withoutRanges } from '../sequence-ranges.ts'
import type { KeptSegment, Missing } from '../spool/unconfirmed-segments.ts'
import type { RecorderLedger } from './completeness-answer.ts'
import type { CompletenessQuestion } from './completeness-transport.ts'

/** What a proxy takes in one line at the very least, with room for the rest of the address. */
const queryBytesMax = 6_000
/** As many as the receiver takes at once. */
const namesMax = 100

/** All that is to be known of `kept`, in as few questions as go: the oldest first. */
export function questionsOf(kept: readonly KeptSegment[]): CompletenessQuestion[] {
  const firstOf = new Map<string, number>()
  for (const { recorder, sequences } of kept) {
    const first = sequences[0]?.[0]
    if (first === undefined) continue
    firstOf.set(recorder, Math.min(first, firstOf.get(recorder) ?? first))
  }
  const recorders = inChunks([...firstOf], ([recorder]) => 3 * recorder.length + 40)
  const contents = inChunks([...new Set(kept.flatMap((each) => each.contents))], () => 84)
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

/** What the ledger has said in one look. */
export interface Learnt {
  readonly recorders: Map<string, RecorderLedger>
  /** Of each content that was asked for, whether it is missing. */
  readonly contents: Map<string, boolean>
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

export type Standing =
  /** All of it has landed or was refused for good. */
  | { readonly status: 'confirmed' }
  /** So has all of it, or it was declared dropped. */
  | { readonly status: 'dropped' }
  | ({ readonly status: 'missing' } & Missing)
  /** The ledger has not said. */
  | { readonly status: 'unknown' }

export function standingOf(segment: KeptSegment, learnt: Learnt): Standing {
  const { sequences, contents, recorder } = segment
  const ledger = learnt.recorders.get(recorder)
  const last = sequences.at(-1)?.[1]
  // It could not be read when it was sent: nothing can confirm it.
  if (last === undefined && contents.length === 0) return { status: 'unknown' }
  if (last !== undefined && (ledger === undefined || ledger.through < last)) {
    return { status: 'unknown' }
  }
  if (!contents.every((content) => learnt.contents.has(content))) return { status: 'unknown' }
  const unsettled = withoutRanges(sequences, ledger?.settled ?? [])
  const missing: SequenceRange[] = withoutRanges(unsettled, ledger?.dropped ?? [])
  const missingContents = contents.filter((content) => learnt.contents.get(content))
  if (missing.length > 0 || missingContents.length > 0) {
    return { status: 'missing', sequences: missing, contents: missingContents }
  }
  return { status: unsettled.length === 0 ? 'confirmed' : 'dropped' }
}
