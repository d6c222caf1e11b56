/** How many records one request may hold: they need some kilobytes each until they have landed. */

export const recordsMax = 100_000

/** Thrown while decoding, before the record that is one too many is read. */
export class TooManyRecords extends Error {
  constructor() {
    super(`more than ${recordsMax} records`)
    this.name = 'TooManyRecords'
  }
}

export interface RecordLimit {
  add(count: number): void
}

/** Counts records of one request; throws `TooManyRecords`. */
export function openRecordLimit(): RecordLimit {
  let total = 0
  return {
    add(count) {
      total += count
      if (total > recordsMax) throw new TooManyRecords()
    },
  }
}
