/** Turns that wait for a person, in virtual time: how they begin to wait, are continued, and are given up. */
import { ROOT_CONTEXT, type Span } from '@opentelemetry/api'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Candidate } from '../../src/record/candidate.ts'
import type { Recorder } from '../../src/record/recorder.ts'
import { ToolCalls } from '../../src/record/tool-calls.ts'
import { createCandidates } from './candidate-source.ts'

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000 })
})
afterEach(() => {
  vi.useRealTimers()
})

function startRecorder() {
  const seen: string[] = []
  let spans = 0
  const nameOf = (span: Span): string => span.spanContext().spanId
  const recorder = {
    tracer: {
      startSpan(name: string) {
        spans += 1
        const spanId = `${name.split(' ')[0]}-${spans}`
        const attributes: Record<string, unknown> = {}
        return {
          spanContext: () => ({ traceId: `t${spans}`, spanId }),
          setAttribute: (key: string, value: unknown) => (attributes[key] = value),
          setAttributes: (given: object) => Object.assign(attributes, given),
          setStatus: () => undefined,
          addLink: ({ context }: { context: { spanId: string } }) =>
            seen.push(`${spanId} links ${context.spanId}`),
          end: (at?: number) =>
            seen.push(`${spanId} ends at ${at} ${attributes['turnlog.turn.outcome'] ?? ''}`.trim()),
        }
      },
    },
    note: () => undefined,
    content: () => undefined,
    interim: (span: Span, at: number) => seen.push(`${nameOf(span)} waits since ${at}`),
    discard: (id: string) => seen.push(`${id} is discarded`),
    merge: (from: Span, to: Span) => seen.push(`${nameOf(from)} is ${nameOf(to)}`),
  } as unknown as Recorder
  const toolCalls = new ToolCalls(recorder, () => 0)
  const candidates = createCandidates(recorder)
  return {
    seen,
    ...candidates,
    toolCalls,
    /** A request whose answer asks for a tool, and that has been answered. */
    asks(id: string, more: { isForced?: boolean } = {}): Candidate {
      const candidate = candidates.open()
      candidate.hold()
      candidate.promote()
      candidate.decide()
      toolCalls.begin({ id, name: 'write', ...more }, { parent: ROOT_CONTEXT, owner: candidate })
      candidate.release()
      return candidate
    },
  }
}

const passes = (ms: number): void => void vi.advanceTimersByTime(ms)
const day = 24 * 3_600_000

test('a turn with open tool calls is recorded after two seconds, and given up after a day', () => {
  const { asks, seen, toolCalls } = startRecorder()
  const turn = asks('a')
  passes(1_999)
  expect(seen).toEqual([])
  passes(1)
  expect(seen.splice(0)).toEqual([
    'invoke_agent-1 waits since 1000',
    'execute_tool-2 waits since 1000',
  ])
  passes(day - 1)
  expect([seen, turn.isEnded, toolCalls.size]).toEqual([[], false, 1])
  passes(1)
  expect(seen).toEqual(['execute_tool-2 is discarded', 'invoke_agent-1 is discarded'])
  expect([turn.isEnded, toolCalls.size]).toEqual([true, 0])
})

test('the exit of the process gives up turns that wait: what is recorded of them stays', () => {
  const { asks, seen, delayedEnds } = startRecorder()
  asks('a')
  passes(2_000)
  seen.splice(0)
  delayedEnds.endAll()
  expect(seen).toEqual(['execute_tool-2 is discarded', 'invoke_agent-1 is discarded'])
})

test('at most fifty turns wait: the oldest is given up', () => {
  const { asks, open } = startRecorder()
  const turns = Array.from({ length: 51 }, (_, index) => asks(`call ${index}`))
  passes(2_000)
  expect(turns.map(({ isEnded }) => isEnded)).toEqual(turns.map((_, index) => index === 0))
  expect(open().canContinue(turns[1] as Candidate)).toBe(true)
  expect(open().canContinue(turns[0] as Candidate)).toBe(false)
})

test('a turn that is continued ends with the request that continues it, at any time of its wait', () => {
  for (const waits of [500, 5_000, day - 1]) {
    const { asks, seen, open, toolCalls } = startRecorder()
    const turn = asks('a')
    passes(waits)
    seen.splice(0)
    const start = Date.now()
    const request = open()
    request.hold()
    request.promote()
    expect(request.canContinue(turn)).toBe(true)
    request.continueTurn(turn)
    expect(request.span).toBe(turn.span)
    toolCalls.finish('a', { spanContext: () => ({ spanId: 'chat' }) } as Span, 1)
    passes(day)
    expect(seen.splice(0)).toEqual([
      'invoke_agent-3 is invoke_agent-1',
      `wait_for_user-4 ends at ${start}`,
      'execute_tool-2 ends at undefined',
    ])
    request.release()
    expect(seen).toEqual([`invoke_agent-1 ends at ${Date.now()} completed`])
  }
})

test('a turn waits again when the answer to an approval asks for another tool', () => {
  const { asks, seen, open, toolCalls } = startRecorder()
  const turn = asks('a')
  const request = open()
  request.hold()
  request.continueTurn(turn)
  toolCalls.finish('a', { spanContext: () => ({ spanId: 'chat' }) } as Span, 1)
  toolCalls.begin({ id: 'b', name: 'write' }, { parent: ROOT_CONTEXT, owner: request.turn })
  passes(100)
  request.release()
  passes(2_000)
  expect(seen.filter((line) => line.includes('waits'))).toEqual([
    'invoke_agent-1 waits since 1100',
    'execute_tool-4 waits since 1100',
  ])
  expect(open().canContinue(turn)).toBe(true)
})

test('a turn waits once when the request that approves its call runs nothing', () => {
  const { asks, approvals, seen, open, delayedEnds } = startRecorder()
  const turn = asks('a')
  passes(2_000)
  approvals.read = (request) => request.continueTurn(turn)
  const request = open()
  request.hold()
  request.release()
  seen.splice(0)
  passes(2_000)
  expect(seen.splice(0)).toEqual([
    'invoke_agent-1 waits since 3000',
    'execute_tool-2 waits since 3000',
  ])
  delayedEnds.endAll()
  expect(seen).toEqual(['execute_tool-2 is discarded', 'invoke_agent-1 is discarded'])
})

test('a turn does not wait if its tool was forced, it failed, or the app declares it; a client that leaves does not end a waiting one', () => {
  const { asks, seen, open, toolCalls } = startRecorder()
  asks('forced', { isForced: true })
  passes(2_000)
  expect(seen.splice(0).at(-1)).toBe('invoke_agent-1 ends at 1000 completed')

  const failed = open()
  failed.hold()
  failed.promote()
  toolCalls.begin({ id: 'f', name: 'write' }, { parent: ROOT_CONTEXT, owner: failed })
  failed.conclude('failed')
  failed.release()
  passes(2_000)
  expect(seen.splice(0).at(-1)).toMatch(/ failed$/)

  const declared = open()
  declared.hold()
  declared.declare({})
  toolCalls.begin({ id: 'd', name: 'write' }, { parent: ROOT_CONTEXT, owner: declared })
  declared.finish()
  declared.release()
  expect(seen.splice(0).at(-1)).toMatch(/ completed$/)

  const left = asks('left')
  passes(2_000)
  seen.splice(0)
  left.conclude('aborted')
  passes(10_000)
  expect([seen, left.isEnded]).toEqual([[], false])
})

test('a turn that is at work is not continued, and a decided one continues no other', () => {
  const { asks, open } = startRecorder()
  const turn = asks('a')
  const decided = open()
  decided.promote()
  decided.decide()
  const declared = open()
  declared.declare({})
  expect([decided.canContinue(turn), declared.canContinue(turn)]).toEqual([false, false])
  turn.hold()
  expect(open().canContinue(turn)).toBe(false)
  turn.release()
  expect([open().canContinue(turn), turn.canContinue(turn)]).toEqual([true, false])
})

test('if a turn was given up, its calls are remembered for links to it', () => {
  const { asks, waitingTurns } = startRecorder()
  const turn = asks('a')
  passes(2_000 + day)
  const [ended] = waitingTurns.endedCalls
  expect(ended).toMatchObject({ id: 'a', turn: turn.span?.spanContext() })
})
