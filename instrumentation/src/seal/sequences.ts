/**
 * Which sequences of one recorder are accounted for, as its journal is read in order: pure.
 *
 * Law: 1 … `through` = records taken + ranges declared dropped + `undeclared`. A hole is what lies between a record and
 * the last before it and is not what that record itself declares, and what a file's header says was given before it.
 */

export interface MissingRange {
  readonly first: number
  readonly last: number
  /** Why, in the words of `turnlog.drop.reason`. */
  readonly reason: string
}

export interface DeclaredRange {
  readonly first: number
  readonly last: number
}

export type Sequences = ReturnType<typeof createSequences>

export function createSequences(begin: {
  readonly through: number
  readonly undeclared: readonly MissingRange[]
}) {
  let { through } = begin
  let undeclared = [...begin.undeclared]
  /** What the header of the file at hand says was given before it. */
  let given = 0

  function miss(first: number, last: number, reason: string): void {
    if (first <= last) undeclared.push({ first, last, reason })
  }

  return {
    /** Everything up to here is accounted for. */
    get through() {
      return through
    },
    /** Ranges of which no record is left and no declaration has been seen. */
    get undeclared(): readonly MissingRange[] {
      return undeclared
    },
    /** The recorder had given that many in the end, and could write no more. */
    marked(given: number): void {
      miss(through + 1, given, 'journal_unwritable')
      through = Math.max(through, given)
    },
    header(givenBefore: number): void {
      given = Math.max(given, givenBefore)
    },
    /** A record that lands, and what it declares; false when it has been taken before. */
    take(sequence: number, drop?: DeclaredRange): boolean {
      const isNew = sequence > through
      if (isNew) {
        miss(through + 1, sequence - 1, 'journal_corrupt')
        through = sequence
      }
      if (drop !== undefined) {
        undeclared = undeclared.flatMap((range) => without(range, drop))
      }
      return isNew
    },
    /** A record that was taken cannot be sealed. */
    spoil(sequence: number, reason: string): void {
      miss(sequence, sequence, reason)
    },
    /** Records that were sealed are gone after all. */
    lose(ranges: readonly MissingRange[]): void {
      undeclared = withMissing(undeclared, ranges)
    },
    /** The end of a file: what its header tells of and it did not have is missing. */
    endFile(): void {
      if (given <= through) return
      miss(through + 1, given, 'journal_corrupt')
      through = given
    },
    /** All of it is declared, the last in the record `last`. */
    close(last: number): void {
      through = last
      undeclared = []
    },
  }
}

/** Both, what they share once. Neighbours that were lost for one reason are one range. */
export function withMissing(
  known: readonly MissingRange[],
  more: readonly MissingRange[],
): MissingRange[] {
  const all = [...known]
  for (const range of more) {
    const isNew = (left: MissingRange[], each: MissingRange) =>
      left.flatMap((r) => without(r, each))
    for (const part of all.reduce(isNew, [range])) {
      const index = all.findIndex(
        ({ last, reason }) => last + 1 === part.first && reason === part.reason,
      )
      const before = all[index]
      if (before === undefined) all.push(part)
      else all[index] = { ...before, last: part.last }
    }
  }
  return all
}

function without(range: MissingRange, drop: DeclaredRange): MissingRange[] {
  const left = { ...range, last: Math.min(range.last, drop.first - 1) }
  const right = { ...range, first: Math.max(range.first, drop.last + 1) }
  return [left, right].filter(({ first, last }) => first <= last)
}
