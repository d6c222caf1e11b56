import { expect, test } from 'vitest'
import { joinRanges } from '../../src/sequence-ranges.ts'
import type { SentSegment } from '../../src/spool/unconfirmed-segments.ts'
import type { LedgerAnswers } from '../../src/upload/ask-ledger.ts'
import { ConfirmPolicy, resendsMax } from '../../src/upload/confirm-policy.ts'
import { sentSegment } from './sent-segment.ts'

const resendAfterMs = 1_000
const minute = 60_000

/** A ledger of one recorder that has these sequences. */
function has(...sequences: number[]): LedgerAnswers {
  const settled = joinRanges(sequences.map((sequence) => [sequence, sequence] as const))
  const ledger = { settled, dropped: [], through: Number.POSITIVE_INFINITY }
  return { recorders: new Map([['recorder', ledger]]), contents: new Map() }
}

/** A segment with one sequence, taken at that time. */
function segmentOf(sequence: number, changes: Partial<SentSegment> = {}): SentSegment {
  return sentSegment([[sequence, sequence]], { takenAt: sequence, ...changes })
}

test('landed segments are confirmed, dropped ones are set aside', () => {
  const policy = new ConfirmPolicy({ resendAfterMs })
  const [one, two, three] = [segmentOf(1), segmentOf(2), segmentOf(3)]
  const answers = has(1)
  const ledger = answers.recorders.get('recorder')
  if (ledger !== undefined) answers.recorders.set('recorder', { ...ledger, dropped: [[2, 2]] })
  expect(policy.judge([one, two, three], answers, 10)).toEqual([
    { segment: one, action: 'confirm' },
    { segment: two, action: 'set_aside' },
  ])
})

test('a missing segment is sent again some time after a segment that was taken later has landed', () => {
  const policy = new ConfirmPolicy({ resendAfterMs })
  const [one, two] = [segmentOf(1), segmentOf(2)]
  expect(policy.judge([one, two], has(2), 10)).toEqual([{ segment: two, action: 'confirm' }])
  expect(policy.judge([one], has(2), 10 + resendAfterMs - 1)).toEqual([])
  expect(policy.judge([one], has(2), 10 + resendAfterMs)).toEqual([
    { segment: one, action: 'send_again' },
  ])
})

test('a segment that was taken earlier, or has another signal, overtakes nothing', () => {
  const policy = new ConfirmPolicy({ resendAfterMs })
  const missing = segmentOf(5)
  const earlier = segmentOf(4)
  const log = segmentOf(6, { signal: 'logs' })
  policy.judge([earlier, missing, log], has(4, 6), 10)
  expect(policy.judge([missing], has(4, 6), 10 + 4 * resendAfterMs)).toEqual([])
})

test('a segment that was sent twice overtakes nothing: its first sending may have landed', () => {
  const policy = new ConfirmPolicy({ resendAfterMs })
  const missing = segmentOf(5)
  const again = segmentOf(4, { times: 2, takenAt: 9 })
  policy.judge([missing, again], has(4), 10)
  expect(policy.judge([missing], has(4), 10 + 4 * resendAfterMs)).toEqual([])
})

test('each wait is twice as long, and after the last the segment is lost', () => {
  const policy = new ConfirmPolicy({ resendAfterMs })
  const waits: number[] = []
  let now = 0
  for (let times = 1; times <= resendsMax + 1; times += 1) {
    const missing = segmentOf(1, { times, takenAt: now })
    const takenAt = now
    // A newer segment lands at every moment.
    const judge = () => {
      now += 100
      const newer = segmentOf(now, { takenAt: now })
      return policy
        .judge([missing, newer], has(now), now)
        .filter((each) => each.segment === missing)
    }
    let [verdict] = judge()
    while (verdict === undefined) [verdict] = judge()
    waits.push(now - takenAt - 100)
    expect(verdict).toMatchObject(
      times > resendsMax
        ? { action: 'lose', missing: { sequences: [[1, 1]], contents: [] } }
        : { action: 'send_again' },
    )
  }
  expect(waits).toEqual([1_000, 2_000, 4_000, 8_000])
})

test('a segment overtaken shortly before the Collector lost its receiver is not declared lost', () => {
  const policy = new ConfirmPolicy({ resendAfterMs })
  const missing = segmentOf(1, { times: resendsMax + 1 })
  policy.judge([missing, segmentOf(2)], has(2), 10)
  expect(policy.judge([missing], has(2), 100 * minute)).toEqual([])
  const newer = segmentOf(3, { takenAt: 8 * resendAfterMs + 1 })
  expect(policy.judge([missing, newer], has(2, 3), 101 * minute)).toMatchObject([
    { segment: newer, action: 'confirm' },
    { segment: missing, action: 'lose' },
  ])
})

test('a segment that was sent again has to be overtaken again', () => {
  const policy = new ConfirmPolicy({ resendAfterMs })
  policy.judge([segmentOf(1), segmentOf(2)], has(2), 10)
  const again = segmentOf(1, { times: 2, takenAt: 2_000 })
  expect(policy.judge([again], has(2), 2_000 + 4 * resendAfterMs)).toEqual([])
})

test('an answer without a segment’s recorder decides nothing about it', () => {
  const policy = new ConfirmPolicy({ resendAfterMs })
  policy.judge([segmentOf(1), segmentOf(2)], has(2), 10)
  const silent: LedgerAnswers = { recorders: new Map(), contents: new Map() }
  expect(policy.judge([segmentOf(1)], silent, 100 * minute)).toEqual([])
})

/**
 * A Collector cannot reach the receiver for three days; everything stays in its queue. Sending it all again would
 * make the queue several times as long, and declaring it lost would be wrong.
 */
test('a Collector that is offline for days gets a few probes, and nothing is declared lost', () => {
  const policy = new ConfirmPolicy({ resendAfterMs: 2 * minute })
  const kept = new Map<number, SentSegment>()
  let sentAgain = 0
  let next = 1
  for (let now = 0; now < 3 * 24 * 60 * minute; now += minute) {
    const isAtWork: boolean = now % (24 * 60 * minute) < 8 * 60 * minute
    if (isAtWork) {
      kept.set(next, segmentOf(next, { takenAt: now }))
      next += 1
    }
    for (const { segment, action } of policy.judge([...kept.values()], has(), now)) {
      expect(action).toBe('send_again')
      sentAgain += 1
      const [[sequence] = [0]] = segment.sequences
      kept.set(sequence, segmentOf(sequence, { times: segment.times + 1, takenAt: now }))
    }
  }
  expect(kept.size).toBe(3 * 8 * 60)
  expect(sentAgain).toBeGreaterThan(5)
  expect(sentAgain).toBeLessThan(25)
})

/**
 * A crash loop lost the last segments, and the app records nothing since. They are sent again one after another; each that
 * lands lets the next one follow sooner.
 */
test('when nothing new is sent, a lost tail is sent again, one segment after another', () => {
  const policy = new ConfirmPolicy({ resendAfterMs })
  const lost = new Map(Array.from({ length: 10 }, (_, n) => [n + 1, segmentOf(n + 1)]))
  const landed: number[] = []
  let now = 0
  while (lost.size > 0 && now < 100 * resendAfterMs) {
    now += 100
    for (const { segment, action } of policy.judge([...lost.values()], has(...landed), now)) {
      const [[sequence] = [0]] = segment.sequences
      if (action === 'confirm') lost.delete(sequence)
      else {
        lost.set(sequence, segmentOf(sequence, { times: 2, takenAt: now }))
        landed.push(sequence)
      }
    }
  }
  expect(landed).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
  expect(now).toBeLessThan(5 * resendAfterMs + 10 * (resendAfterMs + 200))
})

/**
 * A Collector with an ordered queue loses one request in five, delays the others, and is offline for a while. In the end
 * every segment has landed, and none that was only late was declared lost.
 */
test('random Collectors: a segment either lands or is declared lost', () => {
  for (let round = 0; round < 15; round += 1) {
    const seed = Math.floor(Math.random() * 2 ** 31) || 1
    let state = seed
    const chance = (): number => {
      state = (state * 48_271) % 2_147_483_647
      return state / 2_147_483_647
    }
    const policy = new ConfirmPolicy({ resendAfterMs })
    const cursed = new Set(Array.from({ length: 3 }, () => 1 + Math.floor(chance() * 60)))
    const kept = new Map<number, SentSegment>()
    const landed = new Set<number>()
    const lost = new Set<number>()
    let queue: { readonly sequence: number; readonly at: number }[] = []
    const [awayFrom, awayTo] = [20_000 + 40_000 * chance(), 60_000 + 40_000 * chance()]
    const take = (sequence: number, times: number, now: number): void => {
      kept.set(sequence, segmentOf(sequence, { times, takenAt: now }))
      const isLost = cursed.has(sequence) || chance() < 0.2
      if (!isLost) queue.push({ sequence, at: now + 2_000 * chance() * chance() })
    }
    // Newer segments until the end, so that each missing one is overtaken.
    for (let now = 0; now < 600_000; now += 250) {
      if (now % 1_000 === 0) take(now / 1_000 + 1, 1, now)
      const isAway = now > awayFrom && now < awayTo
      if (!isAway) {
        for (const { sequence, at } of queue) if (at <= now) landed.add(sequence)
        queue = queue.filter(({ at }) => at > now)
      }
      for (const { segment, action } of policy.judge([...kept.values()], has(...landed), now)) {
        const [[sequence] = [0]] = segment.sequences
        kept.delete(sequence)
        if (action === 'lose') lost.add(sequence)
        if (action === 'send_again') take(sequence, segment.times + 1, now)
      }
    }
    const early = [...kept.keys()].filter((sequence) => sequence <= 300)
    expect(early, `seed ${seed}`).toEqual([])
    for (const sequence of cursed) expect(lost.has(sequence), `seed ${seed}`).toBe(true)
    expect(
      [...lost].filter((sequence) => landed.has(sequence)),
      `seed ${seed}`,
    ).toEqual([])
  }
})
