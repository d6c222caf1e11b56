import { expect, test } from 'vitest'
import { idsOf } from '../../src/events/event-ids.ts'
import { depthMax, readEvent } from '../../src/events/read-event.ts'
import { toRequests } from '../../src/events/to-requests.ts'

const now = new Date()
const period = { now, retentionDays: 30, purgedBefore: undefined }
const timestamp = now.toISOString()

function read(event: unknown) {
  return readEvent(event, { period })
}

function reasonOf(event: object): string | undefined {
  const result = read({ timestamp, ...event })
  return result.status === 'rejected' ? result.reason : undefined
}

function attributesOf(event: object): Record<string, unknown> {
  const result = read({ timestamp, ...event })
  if (result.status !== 'event') throw new Error(result.reason)
  const ids = idsOf(result.event, { teamId: 'default', userId: 'mara' })
  const { traces, logs } = toRequests([{ event: result.event, ids }])
  const [record] = [...traces.groups, ...logs.groups].flatMap(({ records }) => records as object[])
  return Object.fromEntries((record as { attributes: Map<string, unknown> }).attributes)
}

const tool = { type: 'ToolCall', toolName: 'x' }
const file = { type: 'FileOperation', opId: 'o', path: 'a', opType: 'edit' }

test.each([
  [{}, 'type is missing'],
  [{ type: 'chat' }, 'type must be one of SessionStart, ChatTurn, ToolCall'],
  [{ type: 7 }, 'type must be one of'],
  [{ type: 'toString' }, 'type must be one of'],
  [{ type: 'ChatTurn', eventType: 'ToolCall' }, 'type and eventType say different things'],
  [{ type: 'ToolCall' }, 'toolName is missing'],
  [{ ...tool, toolName: null }, 'toolName is missing'],
  [{ ...tool, toolName: ['x'] }, 'toolName must be a string'],
  [{ ...tool, durationMs: -1 }, 'durationMs must be milliseconds'],
  [{ ...tool, durationMs: 'fast' }, 'durationMs must be milliseconds'],
  [{ ...tool, durationMs: 1e300 }, 'durationMs must be milliseconds'],
  [{ ...tool, durationMs: 99 * 86_400_000 }, 'durationMs is too long: the start is older than'],
  [{ ...tool, error: 5 }, 'error must be a message'],
  [{ ...tool, sessionId: {} }, 'sessionId must be a string or an integer'],
  [{ ...tool, sessionId: 1.5 }, 'sessionId must be a string or an integer'],
  [{ ...tool, turnId: true }, 'turnId must be a string or an integer'],
  [{ ...file, opId: undefined }, 'opId is missing'],
  [{ ...file, opId: '' }, 'opId is missing'],
  [{ ...file, path: undefined }, 'path is missing'],
  [{ ...file, opType: 'touch' }, 'opType must be create, write, edit, delete or rename'],
  [{ ...file, locAdded: 1.5 }, 'locAdded must be an integer from 0 up'],
  [{ ...file, locRemoved: -1 }, 'locRemoved must be an integer from 0 up'],
  [{ ...file, beforeContent: 7 }, 'beforeContent must be a string'],
  [{ ...file, beforeContent: { ref: 'main' } }, 'beforeContent must be a string'],
  [{ ...file, afterContent: { base64: '%%' } }, 'afterContent must be a string'],
  [{ ...file, afterContent: { base64: 'AAECA' } }, 'afterContent must be a string'],
  [{ ...file, unifiedDiff: [] }, 'unifiedDiff must be a string'],
  [{ type: 'ChangeDecision', opId: 'o' }, 'decision is missing'],
  [{ type: 'ChangeDecision', opId: 'o', decision: 'maybe' }, 'decision must be accept, reject or'],
  [{ type: 'ChangeDecision', decision: 'accept' }, 'opId is missing'],
  [{ type: 'Error' }, 'message is missing'],
  [{ ...tool, timestamp: undefined }, 'timestamp is missing'],
  [{ ...tool, timestamp: 'yesterday' }, 'timestamp must be a time: ISO 8601, or milliseconds'],
  [
    { ...tool, timestamp: Math.round(now.getTime() / 1000) },
    'timestamp is older than 30 days (it means 1970-01-',
  ],
  [{ ...tool, timestamp: now.getTime() * 1000 }, 'timestamp is more than 2 days in the future'],
  [{ ...tool, timestamp: 0 }, 'timestamp has no time'],
] as const)('%j is rejected by the name of its member', (event, reason) => {
  expect(reasonOf(event)).toContain(reason)
})

test.each([5, 'x', null, true, [], [{}]])('%j is not an event', (value) => {
  expect(read(value)).toEqual({ status: 'rejected', reason: 'the event is not an object' })
})

test('a value nested too deeply is refused, one at the limit is read', () => {
  const nested = (depth: number): unknown => JSON.parse('['.repeat(depth) + ']'.repeat(depth))
  expect(reasonOf({ ...tool, args: nested(depthMax) })).toBe(
    `the event is nested deeper than ${depthMax} levels`,
  )
  expect(reasonOf({ ...tool, other: nested(100_000) })).toContain('nested deeper')
  expect(attributesOf({ ...tool, args: nested(depthMax - 1) })['gen_ai.tool.call.arguments']).toBe(
    '['.repeat(depthMax - 1) + ']'.repeat(depthMax - 1),
  )
})

test('numbers may come as text, ids as numbers, choices in any case', () => {
  expect(
    attributesOf({ ...file, locAdded: '3', locRemoved: 0, opType: 'EDIT', turnId: 12 }),
  ).toMatchObject({
    'turnlog.file_operation.lines_added': 3n,
    'turnlog.file_operation.lines_removed': 0n,
    'turnlog.file_operation.type': 'edit',
    'turnlog.turn.id': '12',
  })
})

test('null and an empty id are the same as absent', () => {
  const attributes = attributesOf({ ...file, locAdded: null, turnId: '', beforeContent: null })
  expect(new Set(Object.keys(attributes))).toEqual(
    new Set([
      'file.path',
      'turnlog.duration.unknown',
      'turnlog.file_operation.id',
      'turnlog.file_operation.source',
      'turnlog.file_operation.type',
    ]),
  )
})

test('an empty content is content', () => {
  expect(attributesOf({ ...file, beforeContent: '' })['turnlog.file_operation.before']).toBe('')
})

test('arguments stay as they are: a string is text, any other value its JSON', () => {
  const argumentsOf = (args: unknown) =>
    attributesOf({ ...tool, args })['gen_ai.tool.call.arguments']
  expect(argumentsOf('{"a": 1}')).toBe('{"a": 1}')
  expect(argumentsOf({ a: [1, null, { b: true }] })).toBe('{"a":[1,null,{"b":true}]}')
  expect(argumentsOf(0)).toBe('0')
  expect(argumentsOf(false)).toBe('false')
  expect(argumentsOf(12345678901234567890n)).toBe('12345678901234567890')
  // A tool may have an argument of its own named `ref`.
  expect(argumentsOf({ ref: 'main' })).toBe('{"ref":"main"}')
})

test('content may be a reference, with its size or without', () => {
  const hash = `sha256:${'ab'.repeat(32)}`
  expect(attributesOf({ ...tool, args: { ref: hash, size: 5 } })).toMatchObject({
    'gen_ai.tool.call.arguments.ref': hash,
    'gen_ai.tool.call.arguments.size': 5n,
  })
  const before = attributesOf({ ...file, beforeContent: { ref: hash.toUpperCase() } })
  expect(before).toMatchObject({ 'turnlog.file_operation.before.ref': hash })
  expect(before).not.toHaveProperty('turnlog.file_operation.before.size')
  expect(attributesOf({ type: 'ChatTurn', userPrompt: { ref: hash } })).toMatchObject({
    'gen_ai.input.messages': `[{"role":"user","parts":[{"type":"text","content.ref":"${hash}"}]}]`,
  })
})

test('a file that is not text is sent in base64', () => {
  expect(attributesOf({ ...file, afterContent: { base64: 'AAH/' } })).toMatchObject({
    'turnlog.file_operation.after': Buffer.from([0, 1, 255]),
  })
})

test.each([
  ['no such file', { type: 'tool_error', message: 'no such file' }],
  [
    { type: 'ENOENT', message: 'no such file' },
    { type: 'ENOENT', message: 'no such file' },
  ],
  [{ type: 404 }, { type: '404', message: '' }],
  [true, { type: 'tool_error', message: '' }],
  [false, undefined],
  ['', undefined],
  [null, undefined],
] as const)('the error %j is understood', (error, expected) => {
  const result = read({ timestamp, ...tool, error })
  if (result.status !== 'event') throw new Error(result.reason)
  const ids = idsOf(result.event, { teamId: 'default', userId: 'mara' })
  const span = toRequests([{ event: result.event, ids }]).traces.groups[0]?.records[0]
  expect(span?.statusCode).toBe(expected === undefined ? 0 : 2)
  expect(span?.statusMessage).toBe(expected?.message ?? '')
  expect(span?.attributes.get('error.type')).toBe(expected?.type)
})

test('further members of an error or system become attributes', () => {
  const error = { type: 'ENOENT', message: 'no such file', stack: 'at x' }
  expect(attributesOf({ ...tool, error })['turnlog.event.member.error']).toEqual(
    new Map(Object.entries(error)),
  )
  const os = { type: 'linux', version: '6.1', distribution: 'debian' }
  expect(attributesOf({ type: 'SessionStart', os })['turnlog.event.member.os']).toEqual(
    new Map(Object.entries(os)),
  )
})

test('members beyond the contract become an attribute each, many become one attribute', () => {
  expect(attributesOf({ ...tool, region: 'eu', retries: 2, flags: { a: [true] } })).toMatchObject({
    'turnlog.event.member.region': 'eu',
    'turnlog.event.member.retries': 2n,
    'turnlog.event.member.flags': new Map([['a', [true]]]),
  })
  const many = Object.fromEntries(Array.from({ length: 65 }, (_, index) => [`m${index}`, index]))
  const attributes = attributesOf({ ...tool, ...many })
  expect(JSON.parse(String(attributes['turnlog.event.members']))).toEqual(many)
  expect(attributes).not.toHaveProperty('turnlog.event.member.m0')
  const long = { ['n'.repeat(1_000)]: 1 }
  expect(JSON.parse(String(attributesOf({ ...tool, ...long })['turnlog.event.members']))).toEqual(
    long,
  )
})

test('names of JavaScript’s own members are ordinary names', () => {
  const event = JSON.parse(
    '{"type":"ToolCall","toolName":"x","__proto__":{"toolName":"y"},"constructor":1,"hasOwnProperty":2}',
  )
  const attributes = attributesOf(event)
  expect(attributes['gen_ai.tool.name']).toBe('x')
  expect(attributes['turnlog.event.member.constructor']).toBe(1n)
})
