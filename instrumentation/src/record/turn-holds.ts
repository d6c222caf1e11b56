/** Model calls hold their turn while they are open. The span of a call is known before it is certain whose call it is. */
import type { Candidate } from './candidate.ts'

const held = new WeakMap<object, Candidate>()

/** The turn that the open model call with this span holds. */
export function turnHeldBy(span: object): Candidate | undefined {
  return held.get(span)
}

/** The model call holds `turn` from now on, and no other one. */
export function holdWhileOpen(span: object, turn: Candidate | undefined): void {
  const before = held.get(span)
  if (before === turn) return
  turn?.hold()
  if (turn === undefined) held.delete(span)
  else held.set(span, turn)
  before?.release()
}
