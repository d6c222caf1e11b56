/**
 * Ids are part of the contract: a client may compute them. So this test computes them in a second way, from their
 * definition.
 */
import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { idsOf } from '../../src/events/event-ids.ts'
import { hashOfEvent } from '../../src/events/identity.ts'
import { readEvent } from '../../src/events/read-event.ts'

const now = new Date()
const period = { now, retentionDays: 30, purgedBefore: undefined }
const timestamp = now.toISOString()

function idsOfEvent(event: object, userId: string | undefined = 'mara') {
  const result = readEvent({ timestamp, ...event }, { period })
  if (result.status !== 'event') throw new Error(result.reason)
  return idsOf(result.event, { teamId: 'default', userId })
}

function digest(json: string, bytes: number): string {
  return createHash('sha256').update(json, 'utf8').digest().subarray(0, bytes).toString('hex')
}

test('a turn’s ids are the hashes of the contract', () => {
  const made = idsOfEvent({ type: 'ChatTurn', sessionId: 's-1', turnId: 't-1', eventId: 'e-1' })
  expect(made).toMatchObject({
    eventId: 'e-1',
    traceId: digest('["default","mara","s-1","t-1"]', 16),
    spanId: digest('["default","mara","s-1","ChatTurn","turnId","t-1"]', 8),
    parentSpanId: '',
    claim: digest('["default","mara","s-1","ChatTurn","eventId","e-1"]', 32),
  })
})

test('different ids never give the same hash, whatever characters they have', () => {
  const odd = idsOfEvent({ type: 'ChatTurn', sessionId: 's","x', turnId: '\u0001ü\ud800' })
  expect(odd.traceId).toBe(digest('["default","mara","s\\",\\"x","\\u0001ü\\ud800"]', 16))
  const left = idsOfEvent({ type: 'ChatTurn', sessionId: 'a', turnId: 'bc' })
  const right = idsOfEvent({ type: 'ChatTurn', sessionId: 'ab', turnId: 'c' })
  expect(left.traceId).not.toBe(right.traceId)
})

test('parents of tool calls and file operations follow from their ids alone', () => {
  const ids = { sessionId: 's-1', turnId: 't-1', toolCallId: 'call-1' }
  const turn = idsOfEvent({ type: 'ChatTurn', ...ids })
  const tool = idsOfEvent({ type: 'ToolCall', toolName: 'x', ...ids })
  const file = idsOfEvent({ type: 'FileOperation', opId: 'o-1', path: 'a', opType: 'edit', ...ids })
  const decision = idsOfEvent({ type: 'ChangeDecision', opId: 'o-1', decision: 'accept', ...ids })
  const error = idsOfEvent({ type: 'Error', message: 'x', ...ids })
  expect(new Set([turn, tool, file, decision, error].map(({ traceId }) => traceId)).size).toBe(1)
  expect(tool.parentSpanId).toBe(turn.spanId)
  expect(file.parentSpanId).toBe(tool.spanId)
  expect(decision.spanId).toBe(file.spanId)
  expect(error.spanId).toBe(tool.spanId)
})

test('without a tool call a file operation belongs to its turn', () => {
  const ids = { sessionId: 's-1', turnId: 't-1' }
  const turn = idsOfEvent({ type: 'ChatTurn', ...ids })
  const file = idsOfEvent({ type: 'FileOperation', opId: 'o-1', path: 'a', opType: 'edit', ...ids })
  expect([file.traceId, file.parentSpanId]).toEqual([turn.traceId, turn.spanId])
})

test('without a turn a tool call and its file operations are one trace', () => {
  const ids = { sessionId: 's-1', toolCallId: 'call-1' }
  const tool = idsOfEvent({ type: 'ToolCall', toolName: 'x', ...ids })
  const file = idsOfEvent({ type: 'FileOperation', opId: 'o-1', path: 'a', opType: 'edit', ...ids })
  expect([tool.parentSpanId, file.traceId, file.parentSpanId]).toEqual([
    '',
    tool.traceId,
    tool.spanId,
  ])
  expect(tool.traceId).toBe(
    digest('["default","mara","s-1",["ToolCall","toolCallId","call-1"]]', 16),
  )
})

test('an event without ids is a trace of its own', () => {
  const one = idsOfEvent({ type: 'ChatTurn', userPrompt: 'a' })
  const other = idsOfEvent({ type: 'ChatTurn', userPrompt: 'b' })
  expect(one.traceId).not.toBe(other.traceId)
  expect(one.traceId).toBe(
    digest(`["default","mara",null,["ChatTurn","hash","${one.eventId}"]]`, 16),
  )
  expect(idsOfEvent({ type: 'Error', message: 'x' })).toMatchObject({ traceId: '', spanId: '' })
  // A decision without a turn id does not show whether its operation was in a turn.
  expect(idsOfEvent({ type: 'ChangeDecision', opId: 'o', decision: 'accept' })).toMatchObject({
    traceId: '',
    spanId: '',
  })
})

test('one event id on events of two types is two events', () => {
  const turn = idsOfEvent({ type: 'ChatTurn', eventId: 'e' })
  const tool = idsOfEvent({ type: 'ToolCall', toolName: 'x', eventId: 'e' })
  expect(turn.claim).not.toBe(tool.claim)
  expect(turn.spanId).not.toBe(tool.spanId)
})

test('the same call id in two turns is two calls', () => {
  const ids = { type: 'ToolCall', toolName: 'x', sessionId: 's', toolCallId: '1' }
  expect(idsOfEvent({ ...ids, turnId: 't-1' }).traceId).not.toBe(
    idsOfEvent({ ...ids, turnId: 't-2' }).traceId,
  )
})

test('the user is the token’s, behind a gateway the event’s; an id may be a number', () => {
  const event = { type: 'ChatTurn', userId: 7, sessionId: 8, turnId: 9 }
  expect(idsOfEvent(event).traceId).toBe(digest('["default","mara","8","9"]', 16))
  const result = readEvent({ timestamp, ...event }, { period })
  if (result.status !== 'event') throw new Error(result.reason)
  const behindGateway = idsOf(result.event, { teamId: 'default', userId: undefined })
  expect(behindGateway.traceId).toBe(digest('["default","7","8","9"]', 16))
})

test('an event’s hash is that of its canonical JSON (RFC 8785)', () => {
  const event = { b: [1, 1e21, 'ü\n'], a: { z: null, y: true }, '10': 'x', '9': 'y' }
  const canonical = '{"10":"x","9":"y","a":{"y":true,"z":null},"b":[1,1e+21,"ü\\n"]}'
  expect(hashOfEvent(event)).toBe(digest(canonical, 32))
  const reordered = JSON.parse(
    '{"a":{"y":true,"z":null},"9":"y","b":[1.0,1e21,"\\u00fc\\n"],"10":"x"}',
  )
  expect(hashOfEvent(reordered)).toBe(hashOfEvent(event))
  expect(hashOfEvent({ large: 'x'.repeat(200_000) })).toBe(
    digest(`{"large":"${'x'.repeat(200_000)}"}`, 32),
  )
})
