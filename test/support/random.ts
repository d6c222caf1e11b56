/** Pseudo-random numbers, the same for the same seed (mulberry32). */
export function openRandom(seed: number) {
  let state = seed
  /** At least 0, below 1. */
  function next(): number {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (count: number): number => Math.floor(next() * count)
  function pick<Value>(values: readonly Value[]): Value {
    if (values.length === 0) throw new Error('Nothing to pick from.')
    return values[below(values.length)] as Value
  }
  return { next, below, pick }
}

export type Random = ReturnType<typeof openRandom>
