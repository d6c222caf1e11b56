/** Model calls hold their turn while they are open. The span of a call is known before it is certain whose call it is. */
import type { Candidate } from './candidate.ts'

const held = new WeakMap<object, Candidate>()
/** Calls that failed, may be sent again, and hold nothing meanwhile. */
const paused = new WeakSet<object>()

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
  if (!paused.delete(span)) before?.release()
}

/** The call failed at `at`, and may be sent again. It holds its turn only if nothing else does. */
export function pauseHold(span: object, at: number): void {
  const turn = held.get(span)
  if (turn === undefined || paused.has(span)) return
  if (turn.holds > 1) {
    paused.add(span)
    turn.release()
  } else turn.idleSince(at)
}

/** It is sent again. */
export function resumeHold(span: object): void {
  const turn = held.get(span)
  if (paused.delete(span)) turn?.hold()
  else turn?.idleSince(undefined)
}
