/** Finds variables whose names are nearly those of settings: they have no effect, and were meant to have one. Pure. */

const prefix = 'TELEMETRY_'
/** How many letters may be wrong, missing, too many, or swapped with the next. */
const distanceMax = 2
/** A shorter name may as well be another program's. */
const lengthMin = 4

/** A sentence for each. */
export function misspeltSettings(names: readonly string[], known: readonly string[]): string[] {
  const ours = known.filter((name) => name.startsWith(prefix))
  return names.flatMap((name) => {
    if (!name.toUpperCase().startsWith(prefix) || known.includes(name)) return []
    const meant = nearest(name.toUpperCase().slice(prefix.length), ours)
    return meant === undefined ? [] : [`${name} is no setting, ${meant} is.`]
  })
}

function nearest(written: string, known: readonly string[]): string | undefined {
  if (written.length < lengthMin) return undefined
  const rated = known.map((name) => [name, ratingOf(written, name.slice(prefix.length))] as const)
  const [best] = rated.toSorted(([, a], [, b]) => a - b)
  return best !== undefined && best[1] <= distanceMax ? best[0] : undefined
}

/** Cut short, or with a further word, it is as good as a name with one wrong letter. */
function ratingOf(written: string, name: string): number {
  if (name.startsWith(written) || written.startsWith(`${name}_`)) return 1
  return distance(written, name)
}

/** The number of edits between two texts, of which one swaps neighbours (optimal string alignment). */
function distance(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > distanceMax) return Number.POSITIVE_INFINITY
  let before: readonly number[] = []
  let row: readonly number[] = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i]
    for (let j = 1; j <= b.length; j += 1) {
      const isEqual = a[i - 1] === b[j - 1]
      const isSwapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      next[j] = Math.min(
        (row[j] ?? 0) + 1,
        (next[j - 1] ?? 0) + 1,
        (row[j - 1] ?? 0) + (isEqual ? 0 : 1),
        isSwapped ? (before[j - 2] ?? 0) + 1 : Number.POSITIVE_INFINITY,
      )
    }
    before = row
    row = next
  }
  return row[b.length] ?? 0
}
