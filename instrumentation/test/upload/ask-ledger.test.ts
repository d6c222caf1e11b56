import { expect, test } from 'vitest'
import { addLedger, type LedgerAnswers, questionsOf } from '../../src/upload/ask-ledger.ts'
import { queryOf } from '../../src/upload/completeness.ts'
import { standingOf } from '../../src/upload/confirm-policy.ts'
import { sentSegment } from './sent-segment.ts'

const content = (n: number) => `2026-11-23/${String(n).padStart(64, '0')}`
const everything = Number.POSITIVE_INFINITY

function answersOf(
  ledger: { settled?: [number, number][]; dropped?: [number, number][]; through?: number } = {},
  contents: [string, boolean][] = [],
): LedgerAnswers {
  const { settled = [], dropped = [], through = everything } = ledger
  return {
    recorders: new Map([['recorder', { settled, dropped, through }]]),
    contents: new Map(contents),
  }
}

test('one question asks for each recorder once, from its first sequence on', () => {
  const kept = [
    sentSegment([[7, 9]]),
    sentSegment([[3, 4]], { contents: [content(1)] }),
    sentSegment([[1, 1]], { recorder: 'other', contents: [content(1), content(2)] }),
    sentSegment([], { contents: [content(3)] }),
  ]
  expect(questionsOf(kept)).toEqual([
    {
      recorders: [
        { recorder: 'recorder', from: 3 },
        { recorder: 'other', from: 1 },
      ],
      contents: [content(1), content(2), content(3)],
    },
  ])
})

test('without segments there are no questions', () => {
  expect(questionsOf([])).toEqual([])
})

test('many recorders and contents are asked for in questions that fit into a line', () => {
  const kept = Array.from({ length: 500 }, (_, n) =>
    sentSegment([[1, 1]], { recorder: `recorder-${n}-${'é'.repeat(20)}`, contents: [content(n)] }),
  )
  const questions = questionsOf(kept)
  for (const question of questions) expect(queryOf(question).length).toBeLessThan(8_000)
  expect(questions.flatMap((each) => each.recorders)).toHaveLength(500)
  expect(questions.flatMap((each) => each.contents)).toHaveLength(500)
  expect(questions.length).toBeLessThan(40)
})

test.for([
  ['all landed', { settled: [[1, 9]] }, 'confirmed'],
  ['more landed', { settled: [[1, 90]] }, 'confirmed'],
  [
    'the exact ones landed, with a hole',
    {
      settled: [
        [1, 3],
        [7, 9],
      ],
    },
    'confirmed',
  ],
  ['some dropped', { settled: [[1, 3]], dropped: [[7, 9]] }, 'dropped'],
  ['all dropped', { dropped: [[1, 9]] }, 'dropped'],
  ['nothing', {}, 'missing'],
  ['only what is between', { settled: [[4, 6]] }, 'missing'],
  ['as far as was said', { settled: [[1, 3]], through: 8 }, 'unknown'],
] as [string, Parameters<typeof answersOf>[0], string][])(
  'a segment of 1-3 and 7-9, %s, is %3$s',
  ([, ledger, status]) => {
    const segment = sentSegment([
      [1, 3],
      [7, 9],
    ])
    expect(standingOf(segment, answersOf(ledger)).status).toBe(status)
  },
)

test('missing sequences and contents are named exactly', () => {
  const segment = sentSegment([[1, 9]], { contents: [content(1), content(2)] })
  const ledger = {
    settled: [[1, 3]] as [number, number][],
    dropped: [[9, 9]] as [number, number][],
  }
  const said = answersOf(ledger, [
    [content(1), true],
    [content(2), false],
  ])
  expect(standingOf(segment, said)).toEqual({
    status: 'missing',
    sequences: [[4, 8]],
    contents: [content(1)],
  })
})

test('a segment that has only contents is confirmed by them', () => {
  const segment = sentSegment([], { contents: [content(1)] })
  expect(standingOf(segment, answersOf({}, [[content(1), false]])).status).toBe('confirmed')
  expect(standingOf(segment, answersOf({}, [[content(1), true]])).status).toBe('missing')
  expect(standingOf(segment, answersOf()).status).toBe('unknown')
})

test('a segment that could not be read is never confirmed', () => {
  expect(standingOf(sentSegment([]), answersOf({ settled: [[1, 9]] })).status).toBe('unknown')
})

test('a recorder that was not answered is unknown, not missing', () => {
  const nothing: LedgerAnswers = { recorders: new Map(), contents: new Map() }
  expect(standingOf(sentSegment([[1, 1]]), nothing).status).toBe('unknown')
})

test('a second answer continues where the first one ended', () => {
  const first = { settled: [[1, 4]] as const, dropped: [[5, 5]] as const, through: 5 }
  const second = { settled: [[6, 7]] as const, dropped: [] as const, through: everything }
  expect(addLedger(undefined, first)).toBe(first)
  expect(addLedger(first, second)).toEqual({
    settled: [
      [1, 4],
      [6, 7],
    ],
    dropped: [[5, 5]],
    through: everything,
  })
})
