import { createHash } from 'node:crypto'
import { ensurePartitions } from '@turnlog/receiver/storage'
import { expect, test } from 'vitest'
import {
  type Attributes,
  log,
  logsRequest,
  nanoseconds,
  newSpanId,
  newTraceId,
  post,
  span,
  toAttributes,
  traceRequest,
} from '../../../../test/support/otlp.ts'
import { execute, withDatabase } from '../../../../test/support/postgres.ts'
import { startReceiver, withReceiver } from '../../../../test/support/receiver.ts'

const recorder = { 'service.instance.id': 'recorder-1', 'session.id': 'session-1' }

const shared = await withDatabase()

const emptied = [
  'spans',
  'log_records',
  'contents',
  'message_links',
  'recorders',
  'ledger',
  'session_lifetimes',
]

/** A receiver on the file's database, emptied. */
async function start() {
  for (const table of emptied) await shared.query(`delete from ${table}`)
  const receiver = await startReceiver({ database: shared })
  return { database: shared, receiver, [Symbol.asyncDispose]: receiver.close }
}

const countsText = `
  select (select count(*) from spans) as spans,
         (select count(*) from log_records) as logs,
         (select count(*) from contents) as contents,
         (select count(*) from message_links) as links,
         (select count(*) from recorders) as recorders,
         (select count(*) from session_lifetimes) as sessions,
         (select string_agg(recorder_id || state || sequences::text, ' ' order by recorder_id, state)
            from ledger) as ledger`

function messages(count: number): string {
  return JSON.stringify(
    Array.from({ length: count }, (_, index) => ({
      role: index % 2 === 0 ? 'user' : 'assistant',
      parts: [{ type: 'text', content: `message ${index} ${'x'.repeat(500)}` }],
    })),
  )
}

test('the same body twice, and ten times at once, is one set of rows and one ledger', async () => {
  await using parts = await start()
  const { database, receiver } = parts
  const spans = Array.from({ length: 20 }, (_, index) =>
    span({
      'turnlog.sequence': index + 1,
      'gen_ai.operation.name': 'chat',
      'gen_ai.input.messages': messages(index + 1),
    }),
  )
  const traces = traceRequest(spans, { ...recorder, 'turnlog.recorder.recorded_through': 30 })
  const logs = logsRequest([log({ a: 1 }), log({ 'turnlog.sequence': 21 })], recorder)
  expect((await post(receiver, 'traces', traces)).status).toBe(200)
  expect((await post(receiver, 'logs', logs)).status).toBe(200)
  const before = await database.query(countsText)

  const again = Array.from({ length: 10 }, () => [
    post(receiver, 'traces', traces),
    post(receiver, 'logs', logs),
  ])
  const statuses = (await Promise.all(again.flat())).map(({ status }) => status)
  expect(new Set(statuses)).toEqual(new Set([200]))
  expect(await database.query(countsText)).toEqual(before)
  expect(before).toMatchObject([{ spans: 20, logs: 2, recorders: 1, sessions: 1 }])
  expect(await database.query('select * from session_completeness')).toMatchObject([
    {
      recorded: 30,
      landed: 21,
      rejected: 0,
      dropped: 0,
      missing: 9,
      missing_sequences: '{[22,31)}',
    },
  ])
})

test('overlapping batches that arrive at once in different orders all land', async () => {
  await using parts = await start()
  const spans = Array.from({ length: 60 }, (_, index) =>
    span({ 'turnlog.sequence': index + 1, 'gen_ai.tool.call.result': `result ${index % 7}` }),
  )
  const answers = await Promise.all(
    Array.from({ length: 12 }, (_, index) => {
      const turned = [...spans.slice(index * 5), ...spans.slice(0, index * 5)]
      if (index % 2 === 0) turned.reverse()
      return post(parts.receiver, 'traces', traceRequest(turned, recorder))
    }),
  )
  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200))
  expect(await parts.database.query(countsText)).toMatchObject([
    { spans: 60, ledger: 'recorder-1landed{[1,61)}' },
  ])
})

test('a turn that came in on no server is marked', async () => {
  await using parts = await start()
  const turn = { 'gen_ai.operation.name': 'invoke_agent' }
  const inferred = { ...turn, 'turnlog.turn.inferred': true }
  await post(parts.receiver, 'traces', traceRequest([span(inferred), span(turn)]))
  expect(await parts.database.query('select inferred from turns order by inferred')).toEqual([
    { inferred: true },
    { inferred: null },
  ])
})

test('a turn names the turn that it goes on from, and not whoever has called it', async () => {
  await using parts = await start()
  const link = (type: string | undefined) => ({
    traceId: newTraceId(),
    spanId: newSpanId(),
    attributes: toAttributes(type === undefined ? {} : { 'turnlog.link.type': type }),
  })
  const [caller, other, before] = [link('caller'), link(undefined), link('previous_turn')] as const
  const turn = { 'gen_ai.operation.name': 'invoke_agent' }
  const linked = span(turn, { links: [caller, other, before] })
  await post(parts.receiver, 'traces', traceRequest([linked]))
  const text = 'select previous_trace_id, previous_span_id from turns'
  expect(await parts.database.query(text)).toEqual([
    { previous_trace_id: before.traceId, previous_span_id: before.spanId },
  ])
})

test('what a model call has in no known form is a column', async () => {
  await using parts = await start()
  const call = { 'gen_ai.operation.name': 'text_completion' }
  const odd = { ...call, 'turnlog.model_call.not_understood': ['answer'] }
  await post(parts.receiver, 'traces', traceRequest([span(odd), span(call)]))
  const text = 'select not_understood from model_calls order by not_understood'
  expect(await parts.database.query(text)).toEqual([
    { not_understood: ['answer'] },
    { not_understood: null },
  ])
})

test('the same record twice in one request is one row', async () => {
  await using parts = await start()
  const twice = span()
  const answer = await post(parts.receiver, 'traces', traceRequest([twice, twice]))
  expect(await answer.json()).toEqual({})
  expect(await parts.database.query(countsText)).toMatchObject([{ spans: 1 }])
})

test('equal log records without an id in one request are as many rows, and not more when sent again', async () => {
  await using parts = await start()
  const request = logsRequest([log({}, { timeUnixNano: nanoseconds() }), log(), log()])
  const record = log({ same: true })
  for (let times = 0; times < 3; times += 1) {
    await post(parts.receiver, 'logs', logsRequest([record, record, record]))
    await post(parts.receiver, 'logs', request)
  }
  const [row] = await parts.database.query<{ same: number }>(
    `select count(*) filter (where attributes ? 'same') as same from log_records`,
  )
  expect(row?.same).toBe(3)
})

test('a log that is sent again with another `recorded_through` is the same record', async () => {
  await using parts = await start()
  const record = log({ message: 'one' })
  for (const through of [5, 6, 7]) {
    const resource = { ...recorder, 'turnlog.recorder.recorded_through': through }
    await post(parts.receiver, 'logs', logsRequest([record], resource))
  }
  expect(await parts.database.query(countsText)).toMatchObject([{ logs: 1 }])
  expect(await parts.database.query('select recorded from session_completeness')).toEqual([
    { recorded: 7 },
  ])
})

test('a true end replaces an abandoned one with its contents, never the reverse', async () => {
  await using parts = await start()
  const { database, receiver } = parts
  const ids = { traceId: newTraceId(), spanId: newSpanId(), startTimeUnixNano: nanoseconds() }
  const turn = (attributes: Attributes, text: string) =>
    span(
      {
        'gen_ai.operation.name': 'invoke_agent',
        'gen_ai.output.messages': JSON.stringify([
          { role: 'assistant', parts: [{ type: 'text', content: text }] },
        ]),
        ...attributes,
      },
      ids,
    )
  const abandoned = turn(
    { 'turnlog.abandoned': true, 'turnlog.turn.outcome': 'abandoned', 'turnlog.sequence': 5 },
    'hal',
  )
  const ended = turn({ 'turnlog.turn.outcome': 'completed', 'turnlog.sequence': 6 }, 'half and all')
  const seen = async () =>
    database.query('select outcome, answer, abandoned from turns order by started_at')

  await post(receiver, 'traces', traceRequest([abandoned], recorder))
  expect(await seen()).toEqual([{ outcome: 'abandoned', answer: 'hal', abandoned: true }])
  const truth = [{ outcome: 'completed', answer: 'half and all', abandoned: false }]
  await post(receiver, 'traces', traceRequest([ended], recorder))
  expect(await seen()).toEqual(truth)
  await post(receiver, 'traces', traceRequest([abandoned], recorder))
  await post(receiver, 'traces', traceRequest([abandoned, ended, abandoned], recorder))
  expect(await seen()).toEqual(truth)
  expect(await database.query('select landed from session_completeness')).toEqual([{ landed: 2 }])
})

test('an abandoned end replaces the record of a turn that waits, and a true end replaces both, never the reverse', async () => {
  await using parts = await start()
  const { database, receiver } = parts
  const ids = { traceId: newTraceId(), spanId: newSpanId(), startTimeUnixNano: nanoseconds() }
  const turn = (outcome: string, attributes: Attributes) =>
    span(
      { 'gen_ai.operation.name': 'invoke_agent', 'turnlog.turn.outcome': outcome, ...attributes },
      ids,
    )
  const waiting = turn('waiting', { 'turnlog.waiting': true, 'turnlog.sequence': 4 })
  const later = turn('waiting', { 'turnlog.waiting': true, 'turnlog.sequence': 5 })
  const abandoned = turn('abandoned', { 'turnlog.abandoned': true, 'turnlog.sequence': 6 })
  const ended = turn('completed', { 'turnlog.sequence': 7 })
  const land = async (...spans: readonly (typeof waiting)[]) => {
    await post(receiver, 'traces', traceRequest(spans, recorder))
    return database.query('select outcome, abandoned from turns')
  }
  expect(await land(waiting, later)).toEqual([{ outcome: 'waiting', abandoned: false }])
  expect(await land(later, abandoned, waiting)).toEqual([{ outcome: 'abandoned', abandoned: true }])
  const truth = [{ outcome: 'completed', abandoned: false }]
  expect(await land(abandoned, ended)).toEqual(truth)
  expect(await land(waiting, abandoned)).toEqual(truth)
  expect(await land(waiting, ended, abandoned)).toEqual(truth)
})

test('a clean end of a session replaces an abandoned one', async () => {
  await using parts = await start()
  const end = (attributes: Attributes, uid: string) =>
    log(
      { 'log.record.uid': `recorder-1/${uid}`, 'turnlog.sequence': 9, ...attributes },
      { eventName: 'session.end' },
    )
  const abandoned = end({ 'turnlog.abandoned': true, 'turnlog.recorder.last_sequence': 9 }, '9')
  const clean = end({ 'turnlog.exit_code': 3, 'turnlog.recorder.last_sequence': 12 }, '12')
  for (const record of [abandoned, clean, abandoned]) {
    await post(parts.receiver, 'logs', logsRequest([record], recorder))
  }
  expect(await parts.database.query('select exit_code, abandoned from sessions')).toEqual([
    { exit_code: 3, abandoned: false },
  ])
  expect(await parts.database.query('select recorded from session_completeness')).toEqual([
    { recorded: 12 },
  ])
})

test('version and resource are known without a session.start, and those of a later session.start replace them', async () => {
  await using parts = await start()
  const { receiver, database } = parts
  const plain = { 'session.id': 'plain-1', 'service.name': 'other' }
  const seen = () => database.query('select service_version, os_type, git_branch from sessions')
  const first = { ...plain, 'service.version': '1.0', 'os.type': 'linux' }
  await post(receiver, 'traces', traceRequest([span()], first))
  expect(await seen()).toEqual([{ service_version: '1.0', os_type: 'linux', git_branch: null }])
  const started = {
    ...plain,
    'service.version': '1.1',
    'os.type': 'darwin',
    'vcs.ref.head.name': 'main',
  }
  const request = logsRequest([log({}, { eventName: 'session.start' })], started)
  await post(receiver, 'logs', request)
  await post(receiver, 'traces', traceRequest([span()], first))
  expect(await seen()).toEqual([{ service_version: '1.1', os_type: 'darwin', git_branch: 'main' }])
})

test('a session of a client that does not number its records ends with its last session.end', async () => {
  await using parts = await start()
  const { receiver, database } = parts
  const plain = { 'session.id': 'plain-1', 'service.name': 'other' }
  const now = Date.now()
  const end = (exitCode: number, secondsAgo: number) => {
    const time = new Date(now - secondsAgo * 1_000)
    const record = log({ 'turnlog.exit_code': exitCode }, { eventName: 'session.end' })
    return { ...record, timeUnixNano: `${BigInt(time.getTime()) * 1_000_000n}` }
  }
  const seen = async () => {
    const [session] = await database.query<{ ended_at: Date | null; exit_code: number | null }>(
      'select ended_at, exit_code from sessions',
    )
    return session
  }
  await post(receiver, 'logs', logsRequest([log()], plain))
  expect(await seen()).toEqual({ ended_at: null, exit_code: null })
  await post(receiver, 'logs', logsRequest([end(1, 20), end(3, 5), end(2, 10)], plain))
  await post(receiver, 'logs', logsRequest([end(4, 15)], plain))
  expect(await seen()).toEqual({ ended_at: new Date(now - 5_000), exit_code: 3 })
})

test('declared drops and rejects count once in the ledger, and not at all if the record landed', async () => {
  await using parts = await start()
  const { receiver, database } = parts
  const drop = log(
    { 'turnlog.sequence': 1, 'turnlog.drop.first_sequence': 2, 'turnlog.drop.last_sequence': 5 },
    { eventName: 'turnlog.records.dropped' },
  )
  const refused = span({ 'turnlog.sequence': 6 }, { traceId: '00' })
  await post(receiver, 'logs', logsRequest([drop], recorder))
  await post(receiver, 'traces', traceRequest([refused], recorder))
  await post(receiver, 'traces', traceRequest([span({ 'turnlog.sequence': 3 })], recorder))
  const resource = { ...recorder, 'turnlog.recorder.recorded_through': 8 }
  await post(receiver, 'logs', logsRequest([], resource))
  expect(await database.query('select * from session_completeness')).toMatchObject([
    { recorded: 8, landed: 2, rejected: 1, dropped: 3, missing: 2, missing_sequences: '{[7,9)}' },
  ])
})

test('a record that the database refuses is rejected alone', async () => {
  const parts = await withReceiver()
  await execute(
    parts.database.url,
    `alter table spans add constraint no_poison check (name <> 'poison')`,
  )
  const spans = Array.from({ length: 50 }, (_, index) =>
    span(
      { 'turnlog.sequence': index + 1 },
      { name: index === 17 || index === 31 ? 'poison' : 'fine' },
    ),
  )
  const answer = await post(parts.receiver, 'traces', traceRequest(spans, recorder))
  expect(answer.status).toBe(200)
  expect(await answer.json()).toMatchObject({ partialSuccess: { rejectedSpans: '2' } })
  expect(await parts.database.query(countsText)).toMatchObject([
    {
      spans: 48,
      ledger: 'recorder-1landed{[1,18),[19,32),[33,51)} recorder-1rejected{[18,19),[32,33)}',
    },
  ])
})

test('the storage of a conversation that is sent again with every call grows with its length, not with its square', async () => {
  await using parts = await start()
  const calls = 100
  const ids = { traceId: newTraceId() }
  for (let call = 1; call <= calls; call += 1) {
    const attributes = {
      'gen_ai.operation.name': 'chat',
      'gen_ai.input.messages': messages(2 * call - 1),
      'gen_ai.output.messages': messages(1),
    }
    await post(parts.receiver, 'traces', traceRequest([span(attributes, ids)]))
  }
  const [row] = await parts.database.query<{ contents: number; links: number; rows: number }>(
    `select (select sum(size) from contents)::float8 as contents,
            (select count(*) from message_links) as links,
            (select max(pg_column_size(s)) from spans s)::float8 as rows`,
  )
  expect(row?.contents).toBeLessThan(2 * calls * 620)
  expect(row?.links).toBe(2 * calls - 1)
  expect(row?.rows).toBeLessThan(2_000)
  const read = await parts.database.query<{ input_messages: string }>(
    'select input_messages from model_calls order by length(input_messages)',
  )
  expect(read.map((call) => call.input_messages)).toEqual(
    Array.from({ length: calls }, (_, index) => messages(2 * index + 1)),
  )
})

test('messages are read with exactly the text they were sent with', async () => {
  await using parts = await start()
  const texts = [
    '[]',
    '[ ]',
    '[{"role": "user", "content": "a, [b] {c} \\" \\\\"}, {"role": "assistant"}]',
    '[\n  {"a": [1, [2, 3]]},\n  {"b": "]"}\n]',
    '[1,2,"\\u0000","\\ud83d"]',
    '{"not":"an array"}',
    '[unbalanced',
    '[1,]',
    'plain text',
    '[{"a":"x}]',
    ' [1, 2] ',
  ]
  for (const text of texts) {
    const attributes = { 'gen_ai.operation.name': 'chat', 'gen_ai.input.messages': text }
    await post(parts.receiver, 'traces', traceRequest([span(attributes, { name: text })]))
  }
  const rows = await parts.database.query<{ name: string; input_messages: string }>(
    'select name, input_messages from model_calls',
  )
  expect(new Map(rows.map((row) => [row.name, row.input_messages]))).toEqual(
    new Map(texts.map((text) => [text, text])),
  )
})

test('content read with SQL has the SHA-256 it was sent with', async () => {
  await using parts = await start()
  const prompt = 'é"\\\n€😀'.repeat(15_000)
  const file = Buffer.alloc(5 * 1024 ** 2, 'line of text\n').toString()
  const binary = Buffer.from([0, 1, 2, 255, 254, 0])
  const traceId = newTraceId()
  const turn = span(
    {
      'gen_ai.operation.name': 'invoke_agent',
      'gen_ai.input.messages': JSON.stringify([
        { role: 'user', parts: [{ type: 'text', content: prompt }] },
      ]),
    },
    { traceId },
  )
  const operation = span(
    {
      'turnlog.file_operation.id': '5f8c6a1e-9d0b-4a3c-8a52-0c7f7f0d7a11',
      'turnlog.file_operation.type': 'edit',
      'file.path': 'a.txt',
      'turnlog.file_operation.before': file,
      'turnlog.file_operation.after': binary,
    },
    { traceId },
  )
  const answer = await post(parts.receiver, 'traces', traceRequest([turn, operation]))
  expect(await answer.json()).toEqual({})
  const [read] = await parts.database.query<{ prompt: string }>(
    `select encode(sha256(convert_to(prompt, 'UTF8')), 'hex') as prompt, file_operations from turns`,
  )
  expect(read).toEqual({ prompt: sha256(prompt), file_operations: 1 })
  const [files] = await parts.database.query(
    `select encode(sha256(convert_to(before, 'UTF8')), 'hex') as before,
            before_sha256, after, encode(sha256(after_bytes), 'hex') as after_bytes, after_size
       from file_operations`,
  )
  expect(files).toEqual({
    before: sha256(file),
    before_sha256: `sha256:${sha256(file)}`,
    after: null,
    after_bytes: sha256(binary),
    after_size: 6,
  })
})

test('NUL and lone surrogates land as bytes, in any attribute', async () => {
  await using parts = await start()
  const answer = await post(
    parts.receiver,
    'traces',
    traceRequest(
      [
        span(
          {
            'gen_ai.operation.name': 'execute_tool',
            'gen_ai.tool.name': 'a\u0000b',
            'gen_ai.tool.call.result': 'x\u0000y',
            'gen_ai.tool.call.arguments': 'lone \ud83d end',
            'key\u0000\udc00': 'v\u0000',
            nested: new Map([['k\u0000', ['\u0000', '\ud83d']]]),
          },
          { name: 'n\u0000\ud83d', status: { code: 2, message: '\u0000' } },
        ),
        span({ fine: true }),
      ],
      { 'service.name': 's\u0000', 'session.id': '\ud83d\u0000' },
    ),
  )
  expect(await answer.json()).toEqual({})
  expect(
    await parts.database.query(
      'select tool, result, result_bytes, arguments_bytes from tool_calls',
    ),
  ).toEqual([
    {
      tool: 'a\ufffdb',
      result: null,
      result_bytes: Buffer.from('x\u0000y'),
      arguments_bytes: Buffer.from([
        ...Buffer.from('lone '),
        0xed,
        0xa0,
        0xbd,
        ...Buffer.from(' end'),
      ]),
    },
  ])
  expect(await parts.database.query(countsText)).toMatchObject([{ spans: 2 }])
})

test('a value of 16 MiB lands, and one of 40 MiB', async () => {
  await using parts = await start()
  for (const size of [16, 40]) {
    const attributes = {
      'gen_ai.operation.name': 'execute_tool',
      'gen_ai.tool.call.result': `${'0123456789abcde\n'.repeat((size * 1024 ** 2) / 16)}`,
    }
    const answer = await post(parts.receiver, 'traces', traceRequest([span(attributes)]))
    expect([answer.status, await answer.json()]).toEqual([200, {}])
  }
  expect(
    await parts.database.query('select octet_length(result) as size from tool_calls order by 1'),
  ).toEqual([{ size: 16 * 1024 ** 2 }, { size: 40 * 1024 ** 2 }])
})

test('a row for a day without a partition lands, and moves when the day has one', async () => {
  const parts = await withReceiver()
  const { database, receiver } = parts
  const day = new Date().toISOString().slice(0, 10).replaceAll('-', '')
  for (const table of ['spans', 'contents', 'message_links']) {
    await execute(database.url, `drop table ${table}_${day}`)
  }
  const request = traceRequest([
    span({ 'gen_ai.operation.name': 'chat', 'gen_ai.input.messages': messages(2) }),
  ])
  expect(await (await post(receiver, 'traces', request)).json()).toEqual({})
  const made = await Promise.all([1, 2, 3].map(() => ensurePartitions(database, new Date())))
  expect(made.flat().sort((left, right) => left.localeCompare(right))).toEqual([
    `contents_${day}`,
    `message_links_${day}`,
    `spans_${day}`,
  ])
  const [rest] = await database.query(
    `select (select count(*) from spans_rest) as rest, (select count(*) from spans_${day}) as day`,
  )
  expect(rest).toEqual({ rest: 0, day: 1 })
  expect(await (await post(receiver, 'traces', request)).json()).toEqual({})
  const [call] = await database.query<{ input_messages: string }>(
    'select input_messages from model_calls',
  )
  expect(call?.input_messages).toBe(messages(2))
  expect(await database.query(countsText)).toMatchObject([{ spans: 1, contents: 2 }])
})

test('spans that are their own parents, or each other’s, land and are read', async () => {
  await using parts = await start()
  const traceId = newTraceId()
  const [a, b] = [newSpanId(), newSpanId()]
  const agent = { 'gen_ai.operation.name': 'invoke_agent' }
  await post(
    parts.receiver,
    'traces',
    traceRequest([
      span(agent, { traceId, spanId: a, parentSpanId: b }),
      span(agent, { traceId, spanId: b, parentSpanId: a }),
      span(agent, { spanId: a, parentSpanId: a }),
    ]),
  )
  expect(await parts.database.query('select count(*) from turns')).toEqual([{ count: 1 }])
})

function sha256(content: string | Buffer): string {
  return createHash('sha256').update(content).digest('hex')
}

test('a span that ended before it started, because the clock was set back, has no duration', async () => {
  await using parts = await start()
  const { database, receiver } = parts
  const endTimeUnixNano = nanoseconds(new Date(Date.now() - 7_200_000))
  const spans = [
    { 'gen_ai.operation.name': 'invoke_agent' },
    { 'gen_ai.operation.name': 'chat' },
    { 'gen_ai.operation.name': 'execute_tool' },
    { 'turnlog.file_operation.id': newSpanId(), 'turnlog.file_operation.type': 'edit' },
  ].map((attributes) => span(attributes, { endTimeUnixNano }))
  await post(receiver, 'traces', traceRequest(spans, recorder))
  const views = ['turns', 'model_calls', 'tool_calls', 'file_operations']
  const found = views.map((view) => `select '${view}' as view, duration from ${view}`)
  expect(await database.query(found.join(' union all '))).toEqual(
    views.map((view) => ({ view, duration: null })),
  )
})
