/**
 * The chain of each path: an operation's before is what the operation or revert before it left there. Where it is not,
 * something else changed the file in between. Pure.
 */
import { counts, type FileState, isRawHash } from './change.ts'
import type { StoredChange } from './store.ts'

interface Step {
  readonly at: string
  readonly opId?: string
  readonly reads: readonly (readonly [path: string, state: FileState])[]
  readonly leaves: readonly (readonly [path: string, state: FileState])[]
}

/** The ids of the operations that something unrecorded precedes. A state that is not known shows nothing. */
export function gapsOf(changes: readonly StoredChange[]): ReadonlySet<string> {
  const steps = changes.flatMap((stored) => [stepOf(stored), ...revertsOf(stored)])
  steps.sort((one, other) => (one.at < other.at ? -1 : one.at > other.at ? 1 : 0))
  const states = new Map<string, FileState>()
  const gaps = new Set<string>()
  for (const { opId, reads, leaves } of steps) {
    const isGap = reads.some(([path, state]) => {
      const left = states.get(path)
      return left !== undefined && left !== 'unknown' && state !== 'unknown' && left !== state
    })
    if (isGap && opId !== undefined) gaps.add(opId)
    for (const [path, state] of leaves) states.set(path, state)
  }
  return gaps
}

function stepOf({ change }: StoredChange): Step {
  const { opId, startedAt: at, absolutePath: path, before, after, overwritten } = change
  const previous = change.previousAbsolutePath
  if (change.opType !== 'rename' || previous === undefined) {
    return { at, opId, reads: [[path, before]], leaves: [[path, after]] }
  }
  return {
    at,
    opId,
    reads: [
      [previous, before],
      [path, overwritten ?? 'absent'],
    ],
    leaves: [
      [previous, 'absent'],
      [path, after],
    ],
  }
}

/** A revert changes the file, too. */
function revertsOf({ change, decisions }: StoredChange): Step[] {
  const reverts = decisions.filter((decision) => decision.type === 'revert' && counts(decision))
  return reverts.map(({ decidedAt, resultSha256 }) => {
    const result = isRawHash(resultSha256) ? resultSha256 : 'absent'
    const { absolutePath: path, previousAbsolutePath: previous, overwritten } = change
    return previous === undefined || change.opType !== 'rename'
      ? { at: decidedAt, reads: [], leaves: [[path, result]] }
      : {
          at: decidedAt,
          reads: [],
          leaves: [
            [previous, result],
            [path, overwritten ?? 'absent'],
          ],
        }
  })
}
