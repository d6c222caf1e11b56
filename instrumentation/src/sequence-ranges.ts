/** Sequences as ranges: first and last, both included; in order, none touching the next. Pure. */

export type SequenceRange = readonly [first: number, last: number]

export function joinRanges(ranges: readonly SequenceRange[]): SequenceRange[] {
  const joined: [number, number][] = []
  for (const [first, last] of ranges.toSorted(([a], [b]) => a - b)) {
    const previous = joined.at(-1)
    if (previous === undefined || first > previous[1] + 1) joined.push([first, last])
    else previous[1] = Math.max(previous[1], last)
  }
  return joined
}

/** The sequences in `ranges` that are not in `others`; both are in order. */
export function withoutRanges(
  ranges: readonly SequenceRange[],
  others: readonly SequenceRange[],
): SequenceRange[] {
  const left: SequenceRange[] = []
  let index = 0
  for (const [first, last] of ranges) {
    let from = first
    // In order: a range that ends before this one also ends before all later ones.
    while ((others[index]?.[1] ?? Number.POSITIVE_INFINITY) < first) index += 1
    for (let next = index; from <= last; next += 1) {
      const [otherFirst, otherLast] = others[next] ?? [Number.POSITIVE_INFINITY, 0]
      if (otherFirst > last) {
        left.push([from, last])
        break
      }
      if (otherFirst > from) left.push([from, otherFirst - 1])
      from = otherLast + 1
    }
  }
  return left
}

export function countOf(ranges: readonly SequenceRange[]): number {
  return ranges.reduce((sum, [first, last]) => sum + last - first + 1, 0)
}

export function isRange(value: unknown): value is SequenceRange {
  if (!Array.isArray(value) || value.length !== 2) return false
  const [first, last]: unknown[] = value
  return Number.isSafeInteger(first) && Number.isSafeInteger(last) && Number(first) <= Number(last)
}
