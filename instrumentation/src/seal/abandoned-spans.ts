/**
 * What is said of a dead recorder: what it lost and had not declared, what it left open, and that it ended. Numbered on
 * from its last sequence: first the declarations, then the abandoned ends in the order of their starts, then the
 * session's. Pure, and the same each time.
 */
import { isTurn, type OpenStart } from './open-starts.ts'
import type { MissingRange } from './sequences.ts'

export type Closing = { readonly sequence: number } & (
  | { readonly kind: 'drop'; readonly range: MissingRange }
  | { readonly kind: 'abandoned'; readonly start: OpenStart }
  | { readonly kind: 'session' }
)

export interface DeadRecorder {
  readonly through: number
  readonly undeclared: readonly MissingRange[]
  /** In the order they were journaled, whatever the clock said. */
  readonly starts: readonly OpenStart[]
  /** It ended in good order: then only what it lost is left to say. */
  readonly isEnded: boolean
}

/** In the order they are to be sealed: a turn sums its model calls up, so it comes after them, whatever its number. */
export function closingOf({ through, undeclared, starts, isEnded }: DeadRecorder): Closing[] {
  let sequence = through
  const drops = undeclared.map((range) => {
    sequence += 1
    return { kind: 'drop', range, sequence } as const
  })
  if (isEnded) return drops
  const abandoned = starts.map((start) => {
    sequence += 1
    return { kind: 'abandoned', start, sequence } as const
  })
  const turnsLast = abandoned.toSorted(
    (a, b) => Number(isTurn(a.start.span)) - Number(isTurn(b.start.span)),
  )
  // A recorder that never recorded anything has nothing to end.
  if (sequence === 0) return []
  return [...drops, ...turnsLast, { kind: 'session', sequence: sequence + 1 }]
}
