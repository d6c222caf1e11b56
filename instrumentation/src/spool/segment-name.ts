/**
 * The name of a segment, one sealed OTLP/JSON request on disk:
 *
 *     {first sequence, 12 digits}-{last}-{records}[+{sequences it declares dropped}].{traces|logs}.json.gz
 *     {first}-{last}-{parts}.{number, 4 digits}.contents.json.gz
 *
 * A segment is complete if and only if a file has such a name.
 */

export type Signal = 'traces' | 'logs'

export interface SegmentName {
  readonly name: string
  readonly first: number
  readonly last: number
  readonly records: number
  /** Sequences that its records declare dropped. */
  readonly declares: number
  /** Parts of contents; then there are no records. */
  readonly parts: number
  readonly signal: Signal
}

export function parseSegmentName(name: string): SegmentName | undefined {
  const match =
    /^(\d{12,})-(\d{12,})-(\d+)(?:(?:\+(\d+))?\.(traces|logs)|\.\d{4,}\.(contents))\.json\.gz$/.exec(
      name,
    )
  if (match === null) return undefined
  const [, first, last, count, declares = '0', signal, contents] = match
  const isContents = contents !== undefined
  return {
    name,
    first: Number(first),
    last: Number(last),
    records: isContents ? 0 : Number(count),
    declares: Number(declares),
    parts: isContents ? Number(count) : 0,
    signal: signal === 'traces' ? 'traces' : 'logs',
  }
}

/** The order of sending: oldest journal file first; of one file its contents, then traces, then logs. */
export function compareSegments(a: SegmentName, b: SegmentName): number {
  if (a.first !== b.first) return a.first - b.first
  const [left, right] = [rankOf(a), rankOf(b)]
  if (left !== right) return left - right
  return a.parts > 0 ? partsNumberOf(a) - partsNumberOf(b) : 0
}

function rankOf({ parts, signal }: SegmentName): number {
  return parts > 0 ? 0 : signal === 'traces' ? 1 : 2
}

function partsNumberOf({ name }: SegmentName): number {
  return Number(/\.(\d+)\.contents\./.exec(name)?.[1])
}
