import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { SentSegment } from '../../src/spool/unconfirmed-segments.ts'
import type { CompletenessQuestion, CompletenessResult } from '../../src/upload/completeness.ts'
import { Confirmer, type ConfirmSource } from '../../src/upload/confirmer.ts'
import type { DeliveryHealth } from '../../src/upload/loop.ts'
import { sentSegment } from './sent-segment.ts'

/** Sent segments without a disk, and what was done with each. */
function openSource(...first: SentSegment[]) {
  const kept = new Set(first)
  const done: string[] = []
  const take = (verb: string) => (segment: SentSegment) => {
    kept.delete(segment)
    done.push(`${verb} ${segment.name}`)
  }
  const source: ConfirmSource = {
    all: () => [...kept].sort((a, b) => a.takenAt - b.takenAt),
    confirm: take('confirm'),
    sendAgain: take('again'),
    lose: take('lose'),
    setAside: take('aside'),
    limit: () => 0,
  }
  return { kept, done, source }
}

const everything = Number.POSITIVE_INFINITY

/** Answers that these sequences of every recorder have landed. */
function landed(...sequences: number[]) {
  return ({ recorders, contents }: CompletenessQuestion): CompletenessResult => ({
    status: 'answered',
    recorders: new Map(
      recorders.map(({ recorder }) => [
        recorder,
        {
          settled: sequences.map((sequence) => [sequence, sequence] as const),
          dropped: [],
          through: everything,
        },
      ]),
    ),
    missingContents: new Set(contents),
  })
}

function start(
  first: readonly SentSegment[],
  answer: (question: CompletenessQuestion) => CompletenessResult,
  changes: { source?: Partial<ConfirmSource>; resendAfterMs?: number } = {},
) {
  const { kept, done, source } = openSource(...first)
  const questions: CompletenessQuestion[] = []
  const states: DeliveryHealth['state'][] = []
  const state = { answer }
  let wakes = 0
  const confirmer = new Confirmer({
    source: { ...source, ...changes.source },
    transport: {
      ask: async (question) => {
        questions.push(question)
        return state.answer(question)
      },
    },
    resendAfterMs: changes.resendAfterMs ?? 20,
    random: () => 0.5,
    onSentAgain: () => {
      wakes += 1
    },
    onHealth: (health) => states.push(health.state),
  })
  return {
    kept,
    done,
    questions,
    states,
    confirmer,
    wakes: () => wakes,
    answerWith(next: typeof answer): void {
      state.answer = next
    },
    [Symbol.asyncDispose]: () => confirmer.close().then(() => undefined),
  }
}

test('a segment in the ledger is confirmed, and without segments nothing is asked', async () => {
  const now = performance.now()
  await using at = start([sentSegment([[1, 1]], { takenAt: now })], landed(1))
  await expect.poll(() => at.done).toEqual(['confirm 1.traces.json.gz'])
  await expect.poll(() => at.confirmer.health.state).toBe('idle')
  const asked = at.questions.length
  await sleep(100)
  expect(at.questions.length).toBe(asked)
  at.kept.add(sentSegment([[1, 1]], { name: 'new', takenAt: performance.now() }))
  at.confirmer.wake()
  await expect.poll(() => at.done).toContain('confirm new')
  expect(at.confirmer.health).toMatchObject({ counts: { confirmed: 2 }, reason: undefined })
})

test('while nothing is confirmed the ledger is asked ever more rarely', async () => {
  const now = performance.now()
  await using at = start([sentSegment([[1, 1]], { takenAt: now + 3_600_000 })], landed(), {
    resendAfterMs: 100_000,
  })
  await expect.poll(() => at.questions.length).toBe(1)
  // The second look is 5 s away; a wake-up never shortens the wait below the first one's.
  at.confirmer.wake()
  at.confirmer.wake()
  await sleep(200)
  expect(at.questions.length).toBe(1)
})

test('sending again wakes the uploader; lost segments are given up', async () => {
  const now = performance.now()
  const old = sentSegment([[1, 1]], { takenAt: now - 1_000 })
  const often = sentSegment([[2, 2]], { takenAt: now - 1_000, times: 4 })
  const newer = sentSegment([[3, 3]], { takenAt: now })
  await using at = start([old, often, newer], landed(3))
  await expect
    .poll(() => at.done)
    .toEqual(['confirm 3.traces.json.gz', 'again 1.traces.json.gz', 'lose 2.traces.json.gz'])
  expect(at.wakes()).toBe(1)
  expect(at.confirmer.health).toMatchObject({ counts: { confirmed: 1, sentAgain: 1, lost: 1 } })
})

test.each([
  [{ status: 'retry', reason: 'ECONNREFUSED' }, 'offline'],
  [{ status: 'unauthorized', reason: 'HTTP 401' }, 'unauthorized'],
  [{ status: 'unsupported', reason: 'HTTP 404' }, 'unsupported'],
] as const)('%j decides nothing and is named', async (result, state) => {
  const now = performance.now()
  const old = sentSegment([[1, 1]], { takenAt: now - 1_000_000, times: 4 })
  await using at = start([old], () => result)
  await expect.poll(() => at.confirmer.health).toMatchObject({ state, reason: result.reason })
  at.confirmer.wake()
  await sleep(100)
  expect([at.done, at.questions.length]).toEqual([[], 1])
})

test('the answers before a failed one still apply', async () => {
  const many = Array.from({ length: 200 }, (_, n) =>
    sentSegment([[1, 1]], { recorder: `recorder-${n}`, name: String(n) }),
  )
  let answers = 0
  await using at = start(many, (question) => {
    answers += 1
    return answers === 1 ? landed(1)(question) : { status: 'retry', reason: 'HTTP 503' }
  })
  await expect.poll(() => at.confirmer.health.state).toBe('offline')
  expect(at.done.length).toBeGreaterThan(10)
  expect(at.done.length).toBeLessThan(200)
})

test('a ledger that answers in parts is asked for the next part, but not without end', async () => {
  const segment = sentSegment([[1, 100]])
  const parts = (question: CompletenessQuestion): CompletenessResult => {
    const [{ from } = { from: 0 }] = question.recorders
    const said = { settled: [[from, from + 9] as const], dropped: [], through: from + 9 }
    return {
      status: 'answered',
      recorders: new Map([['recorder', said]]),
      missingContents: new Set(),
    }
  }
  await using at = start([segment], parts)
  await expect.poll(() => at.done).toEqual(['confirm 1.traces.json.gz'])
  expect(at.questions.map(({ recorders }) => recorders[0]?.from)).toEqual([
    1, 11, 21, 31, 41, 51, 61, 71, 81, 91,
  ])

  const mad = { settled: [], dropped: [], through: 0 }
  await using other = start(
    [sentSegment([[1, 1]])],
    () => ({
      status: 'answered',
      recorders: new Map([['recorder', mad]]),
      missingContents: new Set(),
    }),
    { resendAfterMs: 100_000 },
  )
  await sleep(200)
  expect(other.questions.length).toBe(50)
})

test('a disk that refuses is tried again in the next look', async () => {
  let refusals = 0
  const { source, kept, done } = openSource(sentSegment([[1, 1]]))
  await using at = start([], landed(1), {
    source: {
      ...source,
      confirm: (segment) => {
        refusals += 1
        if (refusals < 3) throw new Error('EROFS')
        source.confirm(segment)
      },
    },
  })
  await expect.poll(() => done).toEqual(['confirm 1.traces.json.gz'])
  expect([refusals, kept.size]).toEqual([3, 0])
  expect(at.confirmer.health.counts.confirmed).toBe(1)
})

test('no segment is given up for its age before the ledger was asked', async () => {
  const verdicts: boolean[] = []
  const now = performance.now()
  const old = sentSegment([[1, 1]], { knownAt: now, takenAt: now + 3_600_000 })
  const { source } = openSource(old)
  await using at = start([], landed(), {
    source: {
      ...source,
      limit: (mayGo) => {
        verdicts.push(mayGo(old, 'kept_days_max'))
        expect(mayGo(old, 'kept_bytes_max')).toBe(true)
        return 0
      },
    },
  })
  await expect.poll(() => at.questions.length).toBeGreaterThan(1)
  expect([verdicts[0], verdicts.at(-1)]).toEqual([false, true])
})

test('the limits hold also while nobody answers', async () => {
  let limits = 0
  const { source } = openSource(sentSegment([[1, 1]]))
  const limit = () => {
    limits += 1
    return 1
  }
  await using at = start([], () => ({ status: 'unsupported', reason: 'HTTP 404' }), {
    source: { ...source, limit },
  })
  await expect.poll(() => at.confirmer.health.state).toBe('unsupported')
  const before = limits
  at.confirmer.wake()
  expect(limits).toBe(before + 1)
  expect(at.confirmer.health.counts.unconfirmed).toBe(limits)
})

test('a close ends a question at once, and may be called again', async () => {
  const { source } = openSource(sentSegment([[1, 1]]))
  const confirmer = new Confirmer({
    source,
    transport: {
      ask: (_question, signal) =>
        new Promise((resolve) => {
          const end = () => resolve({ status: 'retry', reason: 'AbortError' })
          signal?.addEventListener('abort', end)
        }),
    },
    resendAfterMs: 20,
    onSentAgain: () => undefined,
  })
  expect((await confirmer.close()).state).toBe('closed')
  expect((await confirmer.close()).state).toBe('closed')
})
