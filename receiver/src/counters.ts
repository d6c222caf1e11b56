/** The receiver's own counts: received = landed + duplicate + rejected, at every moment. */

export interface Counts {
  readonly received: number
  readonly landed: number
  readonly duplicate: number
  readonly rejected: number
}

export function openCounters() {
  let counts: Counts = { received: 0, landed: 0, duplicate: 0, rejected: 0 }
  return {
    add(result: Counts) {
      counts = {
        received: counts.received + result.received,
        landed: counts.landed + result.landed,
        duplicate: counts.duplicate + result.duplicate,
        rejected: counts.rejected + result.rejected,
      }
    },
    counts: () => counts,
  }
}
export type Counters = ReturnType<typeof openCounters>
