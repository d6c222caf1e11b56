/**
 * The records that close a dead recorder: declarations of what it lost, the ends of the spans it left open, and the end of
 * its session. They are numbered on from its last sequence in this order, the spans in the order they began. Pure; the same
 * input gives the same records, so adopting a recorder twice does no harm.
 */
import type { JournaledSpan } from '../journal/span-head.ts'
import { isTurn } from './open-starts.ts'
import type { MissingRange } from './sequences.ts'

export type Closing = { readonly sequence: number } & (
  | { readonly kind: 'drop'; readonly range: MissingRange }
  | { readonly kind: 'abandoned'; readonly span: JournaledSpan }
  | { readonly kind: 'session' }
)

export interface DeadRecorder {
  readonly through: number
  readonly undeclared: readonly MissingRange[]
  /** In the order they were journaled, whatever the clock said. */
  readonly starts: readonly JournaledSpan[]
  /** It ended in good order: only its losses remain to be declared. */
  readonly isEnded: boolean
}

/** In the order they are to be sealed: a turn is sealed after its model calls, whose sums it needs, whatever its number. */
export function closingOf({ through, undeclared, starts, isEnded }: DeadRecorder): Closing[] {
  let sequence = through
  const drops = undeclared.map((range) => {
    sequence += 1
    return { kind: 'drop', range, sequence } as const
  })
  if (isEnded) return drops
  const abandoned = starts.map((span) => {
    sequence += 1
    return { kind: 'abandoned', span, sequence } as const
  })
  const turnsLast = abandoned.toSorted((a, b) => Number(isTurn(a.span)) - Number(isTurn(b.span)))
  // A recorder that never recorded anything has nothing to end.
  if (sequence === 0) return []
  return [...drops, ...turnsLast, { kind: 'session', sequence: sequence + 1 }]
}
