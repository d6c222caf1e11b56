import { expect, test } from 'vitest'
import {
  countOf,
  isRange,
  joinRanges,
  type SequenceRange,
  withoutRanges,
} from '../src/sequence-ranges.ts'

test.for([
  [[], []],
  [
    [
      [3, 3],
      [1, 1],
      [2, 2],
    ],
    [[1, 3]],
  ],
  [
    [
      [1, 5],
      [2, 3],
    ],
    [[1, 5]],
  ],
  [
    [
      [1, 2],
      [4, 5],
    ],
    [
      [1, 2],
      [4, 5],
    ],
  ],
] as [SequenceRange[], SequenceRange[]][])('%j joined is %j', ([ranges, joined]) => {
  expect(joinRanges(ranges)).toEqual(joined)
})

test.for([
  [[[1, 10]], [], [[1, 10]]],
  [[[1, 10]], [[1, 10]], []],
  [[[1, 10]], [[0, 20]], []],
  [
    [[1, 10]],
    [
      [3, 4],
      [7, 7],
    ],
    [
      [1, 2],
      [5, 6],
      [8, 10],
    ],
  ],
  [
    [
      [1, 2],
      [5, 6],
    ],
    [[2, 5]],
    [
      [1, 1],
      [6, 6],
    ],
  ],
  [[[1, 2]], [[3, Number.POSITIVE_INFINITY]], [[1, 2]]],
  [[], [[1, 1]], []],
] as [SequenceRange[], SequenceRange[], SequenceRange[]][])(
  '%j without %j is %j',
  ([ranges, others, left]) => {
    expect(withoutRanges(ranges, others)).toEqual(left)
  },
)

test('ranges behave like sets', () => {
  const seed = Math.floor(Math.random() * 2 ** 31)
  let state = seed
  const below = (max: number): number => {
    state = (state * 48_271) % 2_147_483_647
    return state % max
  }
  const some = (): SequenceRange[] =>
    Array.from({ length: below(8) }, () => {
      const first = 1 + below(40)
      return [first, first + below(6)] as const
    })
  const toSet = (ranges: readonly SequenceRange[]): number[] => {
    const set = new Set<number>()
    for (const [first, last] of ranges) for (let n = first; n <= last; n += 1) set.add(n)
    return [...set].sort((a, b) => a - b)
  }
  for (let round = 0; round < 2_000; round += 1) {
    const [a, b] = [some(), some()]
    const [left, right] = [joinRanges(a), joinRanges(b)]
    const without = new Set(toSet(right))
    expect(toSet(left), `seed ${seed}`).toEqual(toSet(a))
    expect(toSet(withoutRanges(left, right)), `seed ${seed}`).toEqual(
      toSet(left).filter((n) => !without.has(n)),
    )
    expect(countOf(left), `seed ${seed}`).toBe(toSet(a).length)
  }
})

test.each([
  [[1, 2], true],
  [[2, 1], false],
  [[1], false],
  [[1, '2'], false],
  [[1, 1.5], false],
  ['12', false],
  [null, false],
])('%j is a range: %s', (value, is) => {
  expect(isRange(value)).toBe(is)
})
