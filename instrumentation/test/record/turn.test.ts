/** When a turn ends, in virtual time: its holds, its waiting, and the exit of the process. */
import { type Span, SpanStatusCode } from '@opentelemetry/api'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { CandidateFacts } from '../../src/record/candidate-facts.ts'
import type { Recorder } from '../../src/record/recorder.ts'
import type { ToolCall } from '../../src/record/tool-call.ts'
import { createCandidates } from './candidate-source.ts'

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000 })
})
afterEach(() => {
  vi.useRealTimers()
})

function open(facts: Partial<CandidateFacts> = {}) {
  const ended: { at: number; outcome: unknown; status: unknown }[] = []
  const started: { startTime: unknown; links: readonly unknown[] }[] = []
  const contents: string[] = []
  const attributes: Record<string, unknown> = {}
  let status: unknown
  const span = {
    setAttributes: (given: object) => Object.assign(attributes, given),
    spanContext: () => ({ traceId: 't', spanId: 's' }),
    setStatus: (given: { code: SpanStatusCode }) => (status = given.code),
    end: (at: number) => ended.push({ at, outcome: attributes['turnlog.turn.outcome'], status }),
  } as unknown as Span
  const recorder = {
    tracer: {
      startSpan: (_name: string, options: (typeof started)[number]) => {
        started.push(options)
        return span
      },
    },
    note: () => undefined,
    content: (_span: Span, slot: string, value: string) => contents.push(`${slot} ${value}`),
  } as unknown as Recorder
  const { delayedEnds, open: openCandidate } = createCandidates(recorder)
  const candidate = openCandidate(facts)
  const tool = (id: string): void => {
    const leaveUnfinished = (): void => void candidate.openTools.delete(id)
    candidate.openTools.set(id, { id, leaveUnfinished } as ToolCall)
  }
  return { candidate, ended, started, contents, delayedEnds, tool }
}

const passes = (ms: number): void => void vi.advanceTimersByTime(ms)

test('a candidate that no model call begins in is never a turn', () => {
  const { candidate, started, ended } = open()
  candidate.hold()
  candidate.release()
  passes(3_600_000)
  expect([started, ended]).toEqual([[], []])
})

test('a turn starts when its candidate did, with the request that came before it', () => {
  const { candidate, started, contents } = open()
  candidate.request('{"message":')
  passes(50)
  candidate.request('"hi"}')
  candidate.promote()
  candidate.promote()
  candidate.request('more')
  expect(started).toMatchObject([{ startTime: 1_000 }])
  expect(contents).toEqual(['turn.request {"message":', 'turn.request "hi"}', 'turn.request more'])
})

test('a response that is finished ends its turn with the last open call', () => {
  const { candidate, ended } = open()
  candidate.hold()
  candidate.promote()
  candidate.hold()
  candidate.release()
  passes(500)
  expect(ended).toEqual([])
  candidate.release()
  expect(ended).toMatchObject([{ at: 1_500, outcome: 'completed' }])
})

test('a listener that returned nothing is waited for, and its turn ends when it was last at work', () => {
  const { candidate, ended } = open({ endIsKnown: false })
  candidate.promote()
  candidate.hold()
  passes(100)
  candidate.release()
  passes(1_999)
  expect(ended).toEqual([])
  candidate.hold()
  passes(100)
  candidate.release()
  passes(2_000)
  expect(ended).toMatchObject([{ at: 3_199 }])
})

test('open tool calls are waited for: two seconds after a known end, ten minutes without one', () => {
  const known = open()
  known.candidate.hold()
  known.candidate.promote()
  known.tool('a')
  known.candidate.release()
  passes(1_999)
  expect(known.ended).toEqual([])
  passes(1)
  expect(known.ended).toHaveLength(1)

  const unknown = open({ endIsKnown: false })
  unknown.candidate.hold()
  unknown.candidate.promote()
  unknown.tool('a')
  unknown.candidate.release()
  passes(599_999)
  expect(unknown.ended).toEqual([])
  unknown.candidate.toolEnded('a')
  passes(2_000)
  expect(unknown.ended).toHaveLength(1)
})

test('work that can only be checked holds its turn open until it is done', () => {
  let isPending = true
  const { candidate, ended, tool } = open({ endIsKnown: false })
  candidate.hold()
  candidate.promote()
  candidate.addWorkCheck(() => isPending)
  tool('a')
  candidate.release()
  passes(60_000)
  expect(ended).toEqual([])
  isPending = false
  passes(2_000)
  expect(ended).toHaveLength(1)
})

test('an app that answers first and works then has no known end', () => {
  const { candidate, ended, tool } = open()
  candidate.hold()
  candidate.release()
  candidate.promote()
  candidate.hold()
  tool('a')
  candidate.release()
  passes(60_000)
  expect(ended).toEqual([])
  candidate.toolEnded('a')
  passes(2_000)
  expect(ended).toHaveLength(1)
})

test('a client that leaves aborts a turn at work, not an answered one', () => {
  const atWork = open({ endIsKnown: false })
  atWork.candidate.hold()
  atWork.candidate.promote()
  atWork.candidate.conclude('aborted')
  atWork.candidate.release()
  expect(atWork.ended).toMatchObject([{ outcome: 'aborted' }])

  const answered = open({ endIsKnown: false })
  answered.candidate.hold()
  answered.candidate.promote()
  answered.candidate.release()
  answered.candidate.conclude('aborted')
  expect(answered.ended).toMatchObject([{ outcome: 'completed' }])
})

test('a turn has failed if its last call has, not if only an earlier one has', () => {
  for (const [calls, outcome, status] of [
    [[true, false], 'completed', undefined],
    [[false, true], 'failed', SpanStatusCode.ERROR],
  ] as const) {
    const { candidate, ended } = open()
    candidate.hold()
    candidate.promote()
    for (const isFailed of calls)
      candidate.callEnded({ isFailed, isAborted: false, repeatsPrompt: undefined })
    candidate.release()
    expect(ended).toMatchObject([{ outcome, status }])
  }
})

test('the end of the process ends turns that only wait, and no others', () => {
  const waiting = open({ endIsKnown: false })
  waiting.candidate.hold()
  waiting.candidate.promote()
  waiting.candidate.release()
  passes(500)
  waiting.delayedEnds.endAll()
  expect(waiting.ended).toMatchObject([{ at: 1_000, outcome: 'completed' }])

  const inTool = open({ endIsKnown: false })
  inTool.candidate.hold()
  inTool.candidate.promote()
  inTool.tool('a')
  inTool.candidate.release()
  inTool.delayedEnds.endAll()
  expect(inTool.ended).toEqual([])
})

test('a large body is released when its request was no turn', () => {
  for (const [length, kept] of [
    [64 * 1024, 1],
    [64 * 1024 + 1, 0],
  ] as const) {
    const { candidate, contents } = open()
    candidate.hold()
    candidate.request('x'.repeat(length))
    candidate.release()
    candidate.promote()
    expect(contents).toHaveLength(kept)
  }
})

test.each([
  ['00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00', 1],
  ['00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', 1],
  ['00-00000000000000000000000000000000-b7ad6b7169203331-01', 0],
  ['00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01', 0],
  ['garbage', 0],
  [undefined, 0],
])('traceparent %s gives %i links', (traceparent, count) => {
  const { candidate, started } = open({ traceparent })
  candidate.promote()
  expect(started[0]?.links).toHaveLength(count)
})
