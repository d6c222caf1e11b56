/**
 * Accounts for the sequences of one recorder while its journal is read in order. Pure.
 *
 * A sequence is in one of these states:
 *
 *     state       meaning                                           next
 *     ahead       above `through`: not reached yet                  taken, or missing when something later is reached
 *     taken       a record with this sequence was read              missing, if it cannot be sealed or is lost when sent
 *     undeclared  missing, and no record says so yet                declared, by a record that names it
 *     declared    missing, and a record says so                     undeclared, if that record is lost when sent
 *
 * Law: 1 … `through` = taken + declared + `undeclared`. A gap between two records is missing unless the later one declares
 * it. So is a gap before the sequence that a file's header names as the last one given before it.
 */
import { isObject } from '@turnlog/conventions/plain'

export interface SequenceBounds {
  readonly first: number
  readonly last: number
}

export interface MissingRange extends SequenceBounds {
  /** Why, in the words of `turnlog.drop.reason`. */
  readonly reason: string
}

export function isMissingRange(value: unknown): value is MissingRange {
  if (!isObject(value) || typeof value.reason !== 'string') return false
  return Number.isSafeInteger(value.first) && Number.isSafeInteger(value.last)
}

export class Sequences {
  #through: number
  #undeclared: readonly MissingRange[]
  /** The last sequence given before the current file, as its header says. */
  #givenBefore = 0

  constructor(begin: { readonly through: number; readonly undeclared: readonly MissingRange[] }) {
    this.#through = begin.through
    this.#undeclared = begin.undeclared
  }

  /** Every sequence up to here is accounted for. */
  get through(): number {
    return this.#through
  }

  /** Ranges without a record, which no record has declared. */
  get undeclared(): readonly MissingRange[] {
    return this.#undeclared
  }

  /** The header of a file: `given` is the last sequence given before it. */
  header(given: number): void {
    this.#givenBefore = Math.max(this.#givenBefore, given)
  }

  /** A record with a sequence, and the range it declares dropped. False if it was taken before. */
  take(sequence: number, drop?: SequenceBounds): boolean {
    const isNew = sequence > this.#through
    if (isNew) {
      this.#advance(sequence - 1, 'journal_corrupt')
      this.#through = sequence
    }
    if (drop !== undefined) {
      this.#undeclared = this.#undeclared.flatMap((range) => without(range, drop))
    }
    return isNew
  }

  /** A record that was taken cannot be sealed. */
  spoil(sequence: number, reason: string): void {
    this.#undeclared = [...this.#undeclared, { first: sequence, last: sequence, reason }]
  }

  /** Sealed records were lost when they were sent. */
  lose(ranges: readonly MissingRange[]): void {
    this.#undeclared = withMissing(this.#undeclared, ranges)
  }

  /** The end of a file: sequences that its header names and no record had are missing. */
  endFile(): void {
    this.#advance(this.#givenBefore, 'journal_corrupt')
  }

  /** The recorder had given this many sequences when it could write no more. */
  mark(given: number): void {
    this.#advance(given, 'journal_unwritable')
  }

  /** Every missing range is declared; the last declaration has the sequence `last`. */
  close(last: number): void {
    this.#through = last
    this.#undeclared = []
  }

  /** Accounts for everything up to `last`; sequences not taken by then are missing. */
  #advance(last: number, reason: string): void {
    if (last <= this.#through) return
    this.#undeclared = [...this.#undeclared, { first: this.#through + 1, last, reason }]
    this.#through = last
  }
}

/** The union of both; adjacent ranges with one reason are joined. */
export function withMissing(
  known: readonly MissingRange[],
  more: readonly MissingRange[],
): MissingRange[] {
  const all = [...known]
  for (const range of more) {
    let parts = [range]
    for (const each of all) parts = parts.flatMap((part) => without(part, each))
    for (const { first, last, reason } of parts) {
      const index = all.findIndex((each) => each.last + 1 === first && each.reason === reason)
      const before = all[index]
      if (before === undefined) all.push({ first, last, reason })
      else all[index] = { ...before, last }
    }
  }
  return all
}

function without(range: MissingRange, drop: SequenceBounds): MissingRange[] {
  const left = { ...range, last: Math.min(range.last, drop.first - 1) }
  const right = { ...range, first: Math.max(range.first, drop.last + 1) }
  return [left, right].filter(({ first, last }) => first <= last)
}
