/** A segment that was sent, for tests that need no disk. */
import type { SequenceRange } from '../../src/sequence-ranges.ts'
import type { SentSegment } from '../../src/spool/unconfirmed-segments.ts'

export function sentSegment(
  sequences: readonly SequenceRange[],
  changes: Partial<SentSegment> = {},
): SentSegment {
  return {
    folder: '/spool/destination/recorder',
    name: `${sequences[0]?.[0]}.traces.json.gz`,
    recorder: 'recorder',
    signal: 'traces',
    bytes: 1_000,
    sequences,
    contents: [],
    declares: 0,
    times: 1,
    takenAt: 0,
    knownAt: 0,
    isInQueue: false,
    ...changes,
  }
}
