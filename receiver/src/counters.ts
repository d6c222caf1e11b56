/** The receiver's own counts: received = landed + duplicate + rejected, at every moment. */

export type Counts = Readonly<Record<'received' | 'landed' | 'duplicate' | 'rejected', number>>

export function openCounters() {
  let counts: Counts = { received: 0, landed: 0, duplicate: 0, rejected: 0 }
  return {
    add(result: Counts) {
      counts = combined(counts, result, (left, right) => left + right)
    },
    counts: () => counts,
  }
}
export type Counters = ReturnType<typeof openCounters>

export function combined(
  left: Counts,
  right: Counts,
  combine: (left: number, right: number) => number,
): Counts {
  return {
    received: combine(left.received, right.received),
    landed: combine(left.landed, right.landed),
    duplicate: combine(left.duplicate, right.duplicate),
    rejected: combine(left.rejected, right.rejected),
  }
}
