import { ROOT_CONTEXT, trace } from '@opentelemetry/api'
import { afterEach, expect, test } from 'vitest'
import type { Candidate } from '../../src/record/candidate.ts'
import { ChildReports } from '../../src/record/child-report.ts'
import { contextWithCandidate } from '../../src/record/contexts.ts'
import {
  contextWithInheritedOwner,
  type InheritedOwner,
  inheritedFileOwner,
  ownerToHandOver,
  parseInheritedOwner,
  setInheritedOwner,
} from '../../src/record/inherited-owner.ts'
import { ToolCall } from '../../src/record/tool-call.ts'
import { makeWorkspace } from '../support/workspace.ts'

const call: InheritedOwner = {
  traceId: 'a'.repeat(32),
  spanId: 'b'.repeat(16),
  call: { name: 'edit', id: 'toolu_1' },
}
const turn: InheritedOwner = { traceId: call.traceId, spanId: 'c'.repeat(16), isShared: true }

afterEach(() => setInheritedOwner(undefined))

test('nothing is inherited where nothing was handed over', () => {
  expect(ownerToHandOver(ROOT_CONTEXT)).toBeUndefined()
  expect(inheritedFileOwner(ROOT_CONTEXT)).toBeUndefined()
})

test('the owner of a message counts more than that of the thread, and is handed on', () => {
  setInheritedOwner(turn)
  expect(ownerToHandOver(ROOT_CONTEXT)).toBe(turn)
  const context = contextWithInheritedOwner(ROOT_CONTEXT, call)
  expect(ownerToHandOver(context)).toBe(call)
  const found = inheritedFileOwner(context)
  expect(found?.span.spanContext()).toMatchObject({ spanId: call.spanId, isRemote: true })
  expect(found?.call).toMatchObject(call.call ?? {})
  expect(inheritedFileOwner(ROOT_CONTEXT)).toMatchObject({ isShared: true })
})

test('operations of one owner share what it has created', () => {
  setInheritedOwner(call)
  inheritedFileOwner(ROOT_CONTEXT)?.createdFiles.add('/w/a.txt')
  const again = inheritedFileOwner(contextWithInheritedOwner(ROOT_CONTEXT, { ...call }))
  expect(again?.createdFiles.has('/w/a.txt')).toBe(true)
})

test('an owner of another process holds while it is open there', () => {
  using workspace = makeWorkspace()
  const reports = new ChildReports(workspace.spool)
  const folder = reports.open(call.traceId, call.spanId)
  if (folder === undefined) throw new Error('no folder')
  setInheritedOwner({ ...call, reports: folder })
  expect(inheritedFileOwner(ROOT_CONTEXT)).toBeDefined()
  reports.ended(call.traceId, call.spanId)
  expect(inheritedFileOwner(ROOT_CONTEXT)).toBeUndefined()
  expect(ownerToHandOver(ROOT_CONTEXT)).toBeUndefined()
})

test.each([call, turn, { ...call, reports: '/spool/children/x' }])(
  'facts are read back',
  (facts) => {
    expect(parseInheritedOwner(JSON.stringify(facts))).toEqual(facts)
  },
)

test.each([
  '',
  'no JSON',
  '[]',
  '{"traceId":"x","spanId":"y"}',
  JSON.stringify({ ...call, spanId: 5 }),
  JSON.stringify({ ...call, traceId: `${call.traceId}/..` }),
])('other texts are no owner: %s', (text) => {
  expect(parseInheritedOwner(text)).toBeUndefined()
})

test('a context without a span of this thread names no parent', () => {
  expect(trace.getSpan(contextWithInheritedOwner(ROOT_CONTEXT, call))).toBeUndefined()
})

const spanOf = ({ traceId, spanId }: InheritedOwner) =>
  trace.wrapSpanContext({ traceId, spanId, traceFlags: 1 })
const openCall = (name: string, spanId: string) =>
  [name, new ToolCall({ name, id: `id of ${name}` }, spanOf({ ...call, spanId }))] as const

function contextOfTurn(...open: readonly (readonly [string, ToolCall])[]) {
  const candidate: Record<string, unknown> = { span: spanOf(turn), openTools: new Map(open) }
  candidate.turn = candidate
  candidate.workedFor = [candidate]
  return contextWithCandidate(ROOT_CONTEXT, candidate as unknown as Candidate)
}

test('a turn hands over its only open tool call, else itself, shared if several are open', () => {
  const { traceId, spanId } = turn
  const [one, two] = [openCall('one', 'd'.repeat(16)), openCall('two', 'e'.repeat(16))]
  expect(ownerToHandOver(contextOfTurn())).toEqual({ traceId, spanId })
  expect(ownerToHandOver(contextOfTurn(one))).toEqual({
    traceId,
    spanId: 'd'.repeat(16),
    call: { name: 'one', id: 'id of one' },
  })
  expect(ownerToHandOver(contextOfTurn(one, two))).toEqual({ traceId, spanId, isShared: true })
})

test('the tool call that the context is in is handed over, whatever else is open', () => {
  const [one, two] = [openCall('one', 'd'.repeat(16)), openCall('two', 'e'.repeat(16))]
  const context = trace.setSpan(contextOfTurn(one, two), two[1].span)
  expect(ownerToHandOver(context)).toMatchObject({ call: { name: 'two' } })
})
