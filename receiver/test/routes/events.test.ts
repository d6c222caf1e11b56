import { createHash } from 'node:crypto'
import { deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { expect, test } from 'vitest'
import {
  type Event,
  type EventAnswer,
  eventsOfTurn,
  postEvents,
  sendEvents,
} from '../../../test/support/plain-events.ts'
import { withDatabase } from '../../../test/support/postgres.ts'
import {
  startReceiver,
  startReceiverProcess,
  withReceiver,
} from '../../../test/support/receiver.ts'

const { database, receiver } = await withReceiver()

async function rows(view: string, sessionId: string): Promise<Record<string, unknown>[]> {
  return database.query(`select * from ${view} where session_id = $1`, [sessionId])
}

function statuses({ results }: EventAnswer): string[] {
  return results.map(({ status }) => status)
}

const views = ['turns', 'tool_calls', 'file_operations', 'change_decisions', 'errors'] as const

test('the six events become a session, a turn, and the steps of the turn', async () => {
  const events = eventsOfTurn({ sessionId: 's-six', turnId: 't-1' })
  const answer = await sendEvents(receiver, Object.values(events))
  expect(answer).toMatchObject({ received: 6, landed: 6, duplicate: 0, rejected: 0 })
  expect(await rows('sessions', 's-six')).toMatchObject([
    {
      user_id: 'mara',
      service_version: '1.4.0',
      host_id: 'b3c1f0',
      os_type: 'linux',
      recorders: null,
      turns: 1,
      tool_calls: 1,
      file_operations: 1,
      change_decisions: 1,
    },
  ])
  const [turn] = await rows('turns', 's-six')
  expect(turn).toMatchObject({
    user_id: 'mara',
    conversation_id: 'c-1',
    prompt: 'Rename foo to bar.',
    answer: 'Done.',
    model: 'claude-sonnet-4-5',
    tool_calls: 1,
    file_operations: 1,
    duration: { seconds: 5, milliseconds: 250 },
    ended_at: new Date(String(events.turn.timestamp)),
    trace_id: answer.results[1]?.traceId,
    span_id: answer.results[1]?.spanId,
  })
  const [call] = await rows('tool_calls', 's-six')
  expect(call).toMatchObject({
    tool: 'write_file',
    call_id: 'call-of-t-1',
    arguments: '{"path":"src/foo.ts"}',
    result: 'ok',
    error_type: null,
    file_operations: 1,
    parent_span_id: turn?.span_id,
    trace_id: turn?.trace_id,
  })
  const [operation] = await rows('file_operations', 's-six')
  expect(operation).toMatchObject({
    operation_id: 'op-of-t-1',
    type: 'edit',
    path: 'src/foo.ts',
    before: 'let foo = 1\n',
    after: 'let bar = 1\n',
    lines_added: 1,
    lines_removed: 1,
    tool: 'write_file',
    decision: 'reject',
    parent_span_id: call?.span_id,
  })
  expect(operation?.diff).toContain('+let bar = 1')
  expect(await rows('change_decisions', 's-six')).toMatchObject([
    {
      operation_id: 'op-of-t-1',
      decision: 'reject',
      reason: 'not this one',
      source: null,
      span_id: operation?.span_id,
    },
  ])
  expect(await rows('errors', 's-six')).toMatchObject([
    { kind: 'exception', message: 'x is not a function', span_id: turn?.span_id },
  ])
  const [error] = await database.query<{ context: string }>(
    `select turnlog_text(team_id, turnlog_day(time), attributes -> 'turnlog.error.context') as context
       from log_records where session_id = 's-six' and event_name = 'exception'`,
  )
  expect(error).toEqual({ context: '{"phase":"startup"}' })
})

test('the events give the same rows when each is sent alone, in any order', async () => {
  const { session, turn, tool, file, decision, error } = eventsOfTurn({
    sessionId: 's-order',
    turnId: 't-2',
  })
  for (const event of [decision, file, error, tool, turn, session]) {
    expect(statuses(await sendEvents(receiver, event))).toEqual(['landed'])
  }
  const [call] = await rows('tool_calls', 's-order')
  expect(await rows('turns', 's-order')).toMatchObject([{ span_id: call?.parent_span_id }])
  expect(await rows('file_operations', 's-order')).toMatchObject([
    { parent_span_id: call?.span_id, tool: 'write_file', decision: 'reject' },
  ])
  expect(await rows('sessions', 's-order')).toMatchObject([{ service_version: '1.4.0' }])
})

test('events that are sent again, all or some, are duplicates and change nothing', async () => {
  const events = Object.values(eventsOfTurn({ sessionId: 's-again', turnId: 't-3' }))
  const first = await sendEvents(receiver, events)
  const count = async () =>
    Promise.all(views.map(async (view) => (await rows(view, 's-again')).length))
  const before = await count()
  const again = await sendEvents(receiver, [...events, ...events])
  expect(again).toMatchObject({ received: 12, landed: 0, duplicate: 12 })
  expect(again.results.every(({ reason }) => reason === undefined)).toBe(true)
  expect(again.results.slice(0, 6).map(({ spanId }) => spanId)).toEqual(
    first.results.map(({ spanId }) => spanId),
  )
  expect(await count()).toEqual(before)
})

test('the same events from several clients at once land once', async () => {
  const events = Array.from({ length: 40 }, (_, index) => ({
    type: index % 2 === 0 ? 'ToolCall' : 'Error',
    toolName: 'x',
    message: 'm',
    timestamp: new Date().toISOString(),
    sessionId: 's-race',
    eventId: `e-${index}`,
  }))
  // The same event with another time has another key: only its id identifies it.
  const later = events.map((event) => ({ ...event, timestamp: Date.now() }))
  const answers = await Promise.all(
    [events, [...events].reverse(), later, [...later].reverse()].map((some) =>
      sendEvents(receiver, some),
    ),
  )
  const landed = answers.reduce((sum, answer) => sum + answer.landed, 0)
  expect(landed).toBe(40)
  expect((await rows('tool_calls', 's-race')).length).toBe(20)
  expect((await rows('log_records', 's-race')).length).toBe(20)
})

test('an event with a known id is a duplicate, whatever else has changed, and the answer says so', async () => {
  const event = {
    type: 'ToolCall',
    toolName: 'x',
    sessionId: 's-id',
    eventId: 'e-1',
    timestamp: new Date(Date.now() - 60_000).toISOString(),
  }
  expect(statuses(await sendEvents(receiver, event))).toEqual(['landed'])
  const changed = { ...event, timestamp: Date.now(), result: 'other' }
  const again = await sendEvents(receiver, [changed, event])
  expect(again.results).toMatchObject([
    { status: 'duplicate', eventId: 'e-1', reason: expect.stringContaining('another event') },
    { status: 'duplicate', eventId: 'e-1' },
  ])
  expect(again.results[1]).not.toHaveProperty('reason')
  expect((await rows('tool_calls', 's-id')).length).toBe(1)
})

test('one event id twice in a request is one event, and the answer says so of the second', async () => {
  const event = { type: 'Error', sessionId: 's-twice', eventId: 'e', timestamp: Date.now() }
  const answer = await sendEvents(receiver, [
    { ...event, message: 'one' },
    { ...event, message: 'two' },
    { ...event, message: 'one' },
  ])
  expect(statuses(answer)).toEqual(['landed', 'duplicate', 'duplicate'])
  expect(answer.results.map(({ reason }) => reason !== undefined)).toEqual([false, true, false])
  expect(await rows('errors', 's-twice')).toMatchObject([{ message: 'one' }])
})

test('equal ids of different users, sessions or teams are different events', async () => {
  const nils = { url: receiver.url, token: await receiver.newToken({ user: 'nils' }) }
  const event = {
    type: 'Error',
    message: 'm',
    eventId: 'e',
    sessionId: 's-whose',
    timestamp: Date.now(),
  }
  expect(statuses(await sendEvents(receiver, event))).toEqual(['landed'])
  expect(statuses(await sendEvents(nils, event))).toEqual(['landed'])
  expect(statuses(await sendEvents(nils, { ...event, sessionId: 's-whose-2' }))).toEqual(['landed'])
})

test('a patch to two files under one operation id is two operations', async () => {
  const timestamp = Date.now()
  const edit = {
    type: 'FileOperation',
    opId: 'o-patch',
    opType: 'edit',
    sessionId: 's-patch',
    turnId: 't',
    timestamp,
  }
  const answer = await sendEvents(receiver, [
    { ...edit, path: 'a' },
    { ...edit, path: 'b' },
  ])
  expect(statuses(answer)).toEqual(['landed', 'landed'])
  const paths = (await rows('file_operations', 's-patch')).map(({ path }) => path)
  expect(new Set(paths)).toEqual(new Set(['a', 'b']))
})

test('another event with the key of a landed one is a duplicate with a reason', async () => {
  const call = {
    type: 'ToolCall',
    toolName: 'x',
    toolCallId: 'c',
    sessionId: 's-place',
    timestamp: Date.now(),
  }
  await sendEvents(receiver, { ...call, eventId: 'attempt-1' })
  const again = await sendEvents(receiver, { ...call, eventId: 'attempt-2' })
  expect(again.results).toMatchObject([
    { status: 'duplicate', reason: expect.stringContaining('with the same key') },
  ])
  expect((await rows('tool_calls', 's-place')).length).toBe(1)
})

test('a wrong event is rejected alone, with its reason', async () => {
  const { turn, tool } = eventsOfTurn({ sessionId: 's-wrong', turnId: 't' })
  const answer = await sendEvents(receiver, [
    turn,
    { type: 'ToolCall', timestamp: Date.now() },
    { type: 'Typo', timestamp: Date.now() },
    5,
    tool,
  ])
  expect(answer).toMatchObject({ received: 5, landed: 2, duplicate: 0, rejected: 3 })
  expect(answer.results).toMatchObject([
    { index: 0, status: 'landed' },
    { index: 1, status: 'rejected', reason: 'toolName is missing' },
    { index: 2, status: 'rejected', reason: expect.stringContaining('type must be one of') },
    { index: 3, status: 'rejected', reason: 'the event is not an object' },
    { index: 4, status: 'landed' },
  ])
  const named = await sendEvents(receiver, { type: 'Error', eventId: 7, timestamp: Date.now() })
  expect(named.results).toEqual([
    { index: 0, status: 'rejected', eventId: '7', reason: 'message is missing' },
  ])
})

test('another method than POST is 405', async () => {
  for (const path of ['events', 'attachments']) {
    for (const method of ['GET', 'PUT', 'DELETE']) {
      const answer = await fetch(`${receiver.url}/api/v1/${path}`, { method })
      expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'POST'])
    }
  }
})

test('an event of days ago lands; ones of months ago or next week are rejected alone', async () => {
  const error = { type: 'Error', message: 'm', sessionId: 's-clock' }
  const days = (count: number) => new Date(Date.now() + count * 86_400_000).toISOString()
  const answer = await sendEvents(receiver, [
    { ...error, timestamp: days(-29) },
    { ...error, timestamp: days(-60) },
    { ...error, timestamp: days(1) },
    { ...error, timestamp: days(7) },
  ])
  expect(statuses(answer)).toEqual(['landed', 'rejected', 'landed', 'rejected'])
  expect(answer.results[1]?.reason).toMatch(/^timestamp is older than 30 days/)
  expect(answer.results[3]?.reason).toMatch(/^timestamp is more than 2 days in the future/)
})

test('an event without a session has none; a SessionStart without one starts a session', async () => {
  const timestamp = Date.now()
  const answer = await sendEvents(receiver, [
    { type: 'ChatTurn', userPrompt: 'lonely', timestamp, latencyMs: 5 },
    { type: 'SessionStart', eventId: 'opens', timestamp, os: { type: 'darwin', version: '24.6' } },
  ])
  expect(statuses(answer)).toEqual(['landed', 'landed'])
  const [turn] = await database.query('select * from turns where trace_id = $1', [
    answer.results[0]?.traceId,
  ])
  expect(turn).toMatchObject({ prompt: 'lonely', session_id: null, answer: null })
  expect(answer.results[1]?.sessionId).toBe('opens')
  expect(await rows('sessions', 'opens')).toMatchObject([
    { os_type: 'darwin', os_version: '24.6', started_at: new Date(timestamp) },
  ])
})

test('turns without an id do not share a trace', async () => {
  const timestamp = Date.now()
  const answer = await sendEvents(
    receiver,
    ['a', 'b'].map((userPrompt) => ({
      type: 'ChatTurn',
      userPrompt,
      sessionId: 's-two',
      timestamp,
    })),
  )
  expect(new Set(answer.results.map(({ traceId }) => traceId)).size).toBe(2)
  expect((await rows('turns', 's-two')).length).toBe(2)
})

test('a duration that was not sent is null', async () => {
  const { file } = eventsOfTurn({ sessionId: 's-null', turnId: 't' })
  const timestamp = Date.now()
  await sendEvents(receiver, [
    file,
    { type: 'ToolCall', toolName: 'x', sessionId: 's-null', timestamp },
    { type: 'ChatTurn', sessionId: 's-null', timestamp },
  ])
  for (const view of ['turns', 'tool_calls', 'file_operations']) {
    expect(await rows(view, 's-null')).toMatchObject([{ duration: null }])
  }
})

test('errors of turns, tools and file operations are in the view of errors', async () => {
  const common = { sessionId: 's-err', timestamp: Date.now() }
  await sendEvents(receiver, [
    { ...common, type: 'ChatTurn', error: 'aborted' },
    { ...common, type: 'ToolCall', toolName: 'x', error: { type: 'ENOENT', message: 'no file' } },
    { ...common, type: 'FileOperation', opId: 'o-err', opType: 'write', path: 'a', error: true },
  ])
  const errors = await rows('errors', 's-err')
  const byKind = Object.fromEntries(
    errors.map(({ kind, type, message }) => [kind, [type, message]]),
  )
  expect(byKind).toEqual({
    file_operation: ['_OTHER', null],
    tool_call: ['ENOENT', 'no file'],
    turn: ['_OTHER', 'aborted'],
  })
})

test('text that PostgreSQL refuses lands as it was sent', async () => {
  const strange = 'nul \0, lone \ud800, ok'
  const body = JSON.stringify([
    {
      type: 'FileOperation',
      opId: 'o-strange',
      opType: 'write',
      path: `a${strange}`,
      afterContent: strange,
      sessionId: 's-strange\0',
      timestamp: Date.now(),
      [`member${strange}`]: strange,
    },
    { type: 'ChatTurn', userPrompt: strange, timestamp: Date.now(), sessionId: 's-strange\0' },
  ])
  const answer = await postEvents(receiver, body)
  expect(await answer.json()).toMatchObject({ landed: 2 })
  const [operation] = await database.query<{ after_bytes: Buffer; path: string }>(
    `select * from file_operations where operation_id = 'o-strange'`,
  )
  expect(operation?.after_bytes).toEqual(
    Buffer.concat([
      Buffer.from('nul \0, lone '),
      Buffer.from([0xed, 0xa0, 0x80]),
      Buffer.from(', ok'),
    ]),
  )
  expect(operation?.path).toBe('anul \ufffd, lone \ufffd, ok')
  const [turn] = await rows('turns', 's-strange\ufffd')
  expect(turn?.prompt_bytes).toEqual(operation?.after_bytes)
})

test('bytes that are not UTF-8 land as they were sent', async () => {
  const [head = '', tail = ''] = JSON.stringify({
    type: 'FileOperation',
    opId: 'o-bytes',
    opType: 'write',
    path: 'a',
    afterContent: 'xSPLITy',
    timestamp: Date.now(),
  }).split('SPLIT')
  const body = Buffer.concat([Buffer.from(head), Buffer.from([0xff, 0xfe]), Buffer.from(tail)])
  expect(await (await postEvents(receiver, body)).json()).toMatchObject({ landed: 1 })
  const [operation] = await database.query<{ after_bytes: Buffer }>(
    `select * from file_operations where operation_id = 'o-bytes'`,
  )
  expect(operation?.after_bytes).toEqual(Buffer.from([0x78, 0xff, 0xfe, 0x79]))
})

test('contents of 5 MB, files that are not text, and equal contents land whole', async () => {
  const large = 'ä0123456789'.repeat(450_000)
  const bytes = Buffer.from([0, 1, 2, 255])
  const common = {
    type: 'FileOperation',
    opType: 'write',
    sessionId: 's-large',
    timestamp: Date.now(),
  }
  await sendEvents(receiver, [
    { ...common, opId: 'o-1', path: 'a', beforeContent: large, afterContent: large },
    { ...common, opId: 'o-2', path: 'b', afterContent: { base64: bytes.toString('base64') } },
    {
      ...common,
      opId: 'o-3',
      path: 'c',
      afterContent: { base64: Buffer.from('text').toString('base64') },
    },
  ])
  const operations = await rows('file_operations', 's-large')
  const byId = new Map(operations.map((operation) => [operation.operation_id, operation]))
  expect(byId.get('o-1')?.before).toBe(large)
  expect(byId.get('o-1')?.after_sha256).toBe(
    `sha256:${createHash('sha256').update(large).digest('hex')}`,
  )
  expect(byId.get('o-2')).toMatchObject({ after: null, after_bytes: bytes, after_size: 4 })
  expect(byId.get('o-3')).toMatchObject({ after: 'text' })
})

test('an edit without a diff gets one, made from its contents', async () => {
  const common = { type: 'FileOperation', sessionId: 's-diff', timestamp: Date.now() }
  await sendEvents(receiver, [
    {
      ...common,
      opId: 'd-1',
      opType: 'edit',
      path: 'a',
      beforeContent: 'a\n',
      afterContent: 'b\n',
    },
    { ...common, opId: 'd-2', opType: 'create', path: 'b', afterContent: 'a\nb\n' },
    { ...common, opId: 'd-3', opType: 'edit', path: 'c', afterContent: 'a\n' },
  ])
  const operations = await rows('file_operations', 's-diff')
  const byId = new Map(operations.map((operation) => [operation.operation_id, operation]))
  expect(byId.get('d-1')).toMatchObject({
    diff: '--- a/a\n+++ b/a\n@@ -1,1 +1,1 @@\n-a\n+b\n',
    lines_added: 1,
    lines_removed: 1,
  })
  expect(byId.get('d-2')).toMatchObject({ lines_added: 2, lines_removed: 0 })
  expect(byId.get('d-3')).toMatchObject({ diff: null, lines_added: null, lines_removed: null })
})

test('ten thousand events in one body land, each with its answer', async () => {
  const at = Date.now()
  const events = Array.from({ length: 10_000 }, (_, index) => ({
    type: 'ToolCall',
    toolName: 'x',
    toolCallId: index,
    sessionId: 's-many',
    turnId: 't',
    timestamp: at + index / 1000,
    durationMs: 1,
  }))
  const answer = await sendEvents(receiver, events)
  expect([answer.received, answer.landed]).toEqual([10_000, 10_000])
  expect(
    answer.results.every(({ index, status }, place) => index === place && status === 'landed'),
  ).toBe(true)
  const [turn] = await database.query<{ count: number }>(
    `select count(*) as count from tool_calls where session_id = 's-many'`,
  )
  expect(turn?.count).toBe(10_000)
})

test('of equal members the last one counts', async () => {
  const body = `[{"type":"Error","message":"first","message":"last","timestamp":${Date.now()},"sessionId":"s-keys"}]`
  expect((await postEvents(receiver, body)).status).toBe(200)
  expect(await rows('errors', 's-keys')).toMatchObject([{ message: 'last' }])
})

test.each([
  ['nothing', ''],
  ['text', 'garbage'],
  ['half of an array', '[{"type":"Error"'],
  ['a string', '"x"'],
  ['a number', '5'],
  ['null', 'null'],
  ['gzip that says it is not', gzipSync('[]')],
])('%s is 400', async (_name, body) => {
  const answer = await postEvents(receiver, body)
  expect([answer.status, await answer.json()]).toMatchObject([400, { code: 3 }])
})

test('a body that cannot be read is refused with the reason; one with a byte order mark is read', async () => {
  const event = JSON.stringify({ type: 'Error', message: 'm', timestamp: Date.now() })
  for (const [body, message] of [
    [`${event}\n${event}\n`, 'An event on each line is not JSON'],
    ['[NaN]', 'The body is not JSON'],
    [Buffer.from('\u{feff}[]', 'utf16le'), 'The body is not JSON'],
    [Buffer.alloc(20_000, 0xff), 'The body is not UTF-8.'],
    ['5', 'neither an array of events nor an event'],
  ] as const) {
    const answer = await postEvents(receiver, body)
    expect([answer.status, await answer.json()]).toMatchObject([
      400,
      { message: expect.stringContaining(message) },
    ])
  }
  const marked = await postEvents(receiver, `\u{feff}[${event}]`)
  expect([marked.status, await marked.json()]).toMatchObject([200, { landed: 1 }])
})

test('a request without events has an answer without results', async () => {
  const answer = await sendEvents(receiver, [])
  expect(answer).toEqual({ received: 0, landed: 0, duplicate: 0, rejected: 0, results: [] })
})

test.each([
  ['gzip', gzipSync],
  ['zstd', zstdCompressSync],
  ['deflate', deflateSync],
])('%s is decompressed', async (encoding, compress) => {
  const body = compress(
    JSON.stringify([{ type: 'Error', message: 'm', timestamp: Date.now(), sessionId: encoding }]),
  )
  const answer = await postEvents(receiver, body, {
    'content-encoding': encoding,
    'content-type': 'application/json; charset=utf-8',
  })
  expect([answer.status, (await rows('errors', encoding)).length]).toEqual([200, 1])
})

test('broken gzip is 400, an unknown encoding or type 415', async () => {
  const half = gzipSync('[]').subarray(0, -4)
  expect((await postEvents(receiver, half, { 'content-encoding': 'gzip' })).status).toBe(400)
  expect((await postEvents(receiver, '[]', { 'content-encoding': 'br' })).status).toBe(415)
  const form = await postEvents(receiver, '[]', {
    'content-type': 'application/x-www-form-urlencoded',
  })
  expect([form.status, await form.json()]).toMatchObject([
    415,
    { message: 'The content type must be application/json.' },
  ])
})

test('the answer is 401 without a token, 403 with a token for reading', async () => {
  const none = await postEvents({ url: receiver.url, token: '' }, [])
  expect([none.status, none.headers.get('www-authenticate')]).toEqual([
    401,
    'Bearer realm="turnlog"',
  ])
  const read = await receiver.newToken({ scope: 'read' })
  expect((await postEvents({ url: receiver.url, token: read }, [])).status).toBe(403)
})

test('behind a gateway each event names its user', async () => {
  const gateway = { url: receiver.url, token: await receiver.newToken({ scope: 'gateway' }) }
  const events = Object.values(eventsOfTurn({ sessionId: 's-gate', turnId: 't' }))
  await sendEvents(
    gateway,
    events.map((event: Event) => ({ ...event, userId: 'nils' })),
  )
  for (const view of ['sessions', ...views]) {
    expect(await rows(view, 's-gate')).toMatchObject([{ user_id: 'nils' }])
  }
})

test('a body above the limit is 413, also when only its decompressed size is above', async () => {
  await using small = await startReceiver({ database, limits: { bodyBytesMax: 64 * 1024 } })
  const large = JSON.stringify([{ type: 'Error', message: 'x'.repeat(65 * 1024) }])
  expect((await postEvents(small, large)).status).toBe(413)
  const bomb = gzipSync(Buffer.alloc(50 * 1024 ** 2, ' '))
  expect((await postEvents(small, bomb, { 'content-encoding': 'gzip' })).status).toBe(413)
  expect((await postEvents(small, '[]')).status).toBe(200)
})

test('a body with too many values is 413 before it is parsed', async () => {
  const brackets = '['.repeat(5 * 1024 ** 2)
  const answer = await postEvents(receiver, brackets)
  expect([answer.status, await answer.json()]).toMatchObject([413, { code: 8 }])
})

test('a body that does not fit beside other requests is 503 with Retry-After', async () => {
  await using small = await startReceiver({ database, limits: { memoryBytesMax: 2 * 1024 ** 2 } })
  const event = { type: 'Error', message: 'x'.repeat(1024 ** 2), timestamp: Date.now() }
  const body = JSON.stringify([event])
  const answers = await Promise.all(Array.from({ length: 12 }, () => postEvents(small, body)))
  expect(answers.filter(({ status }) => status !== 200 && status !== 503)).toEqual([])
  const busy = answers.find(({ status }) => status === 503)
  if (busy) expect(busy.headers.get('retry-after')).toBe('1')
  expect((await postEvents(small, body)).status).toBe(200)
})

test('while the database is away the answer is 503 with Retry-After', async () => {
  const { database: lost, receiver: other } = await withReceiver()
  await lost.query('alter table spans rename to spans_away')
  const { turn } = eventsOfTurn({ sessionId: 's-away', turnId: 't' })
  const answer = await postEvents(other, [turn])
  expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '5'])
  await lost.query('alter table spans_away rename to spans')
  // The first attempt left nothing in the receiver.
  expect(statuses(await sendEvents(other, turn))).toEqual(['landed'])
})

/** A client sends, the receiver is killed, and the client sends every unanswered event again: each event lands once. */
test('when a receiver is killed while events arrive, each event lands once in the end', async () => {
  const other = await withDatabase()
  const requests = Array.from({ length: 60 }, (_, index) =>
    Array.from({ length: 20 }, (_unused, place) => ({
      type: place % 2 === 0 ? 'ToolCall' : 'Error',
      toolName: 'x',
      message: 'm',
      sessionId: 's-killed',
      eventId: `${index}/${place}`,
    })),
  )
  let first = await startReceiverProcess({ database: other })
  const { port, token } = first
  const target = { url: first.url, token }
  let answers = 0
  const sending = requests.map(async (events) => {
    for (;;) {
      try {
        // Each attempt has another time, as from a client that does not store the time of its events.
        const timestamp = Date.now()
        const sent = events.map((event) => ({ ...event, timestamp }))
        const answer = await sendEvents(target, sent)
        answers += 1
        return answer
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
    }
  })
  await expect.poll(() => answers, { interval: 1 }).toBeGreaterThan(0)
  await first.kill('SIGKILL')
  first = await startReceiverProcess({ database: other, port })
  await using _second = first
  const results = (await Promise.all(sending)).flatMap((answer) => answer.results)
  expect(results.filter(({ status }) => status === 'rejected')).toEqual([])
  const [counts] = await other.query<{ calls: number; errors: number }>(
    `select (select count(*) from tool_calls) as calls, (select count(*) from errors) as errors`,
  )
  expect(counts).toEqual({ calls: 600, errors: 600 })
})

test('received = landed + duplicate + rejected', async () => {
  await using counting = await startReceiver({ database })
  const events = Object.values(eventsOfTurn({ sessionId: 's-count', turnId: 't' }))
  await sendEvents(counting, [...events, ...events, 5, { type: 'Error' }])
  await postEvents(counting, 'garbage')
  const health = await (await fetch(`${counting.url}/api/v1/health`)).json()
  expect(health).toMatchObject({
    records: { received: 14, landed: 6, duplicate: 6, rejected: 2 },
  })
})
