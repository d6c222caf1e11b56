/** Which turn a model call belongs to. */
import type { Context } from '@opentelemetry/api'
import { candidateOf, toldCallOf } from '../record/candidate-context.ts'
import type { Candidate } from '../record/turn.ts'

/**
 * The candidate the call is made in, which is a turn from now on; `undefined` outside of any, and inside of a tool call
 * that the app has told of in no turn: that is what the call is part of then.
 */
export function turnOfCall(active: Context): Candidate | undefined {
  const candidate = candidateOf(active) as Candidate | undefined
  if (candidate === undefined) return undefined
  if (candidate.span === undefined && toldCallOf(active) !== undefined) return undefined
  candidate.promote()
  return candidate
}
