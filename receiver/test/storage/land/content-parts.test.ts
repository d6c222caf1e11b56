/** Contents that are sent apart from the records that refer to them, in any order and by any sender, are complete in the end. */
import { createToken, ensurePartitions } from '@turnlog/receiver/storage'
import { expect, test } from 'vitest'
import { contentHash, contentParts } from '../../../../test/support/content-parts.ts'
import {
  type Attributes,
  type Json,
  log,
  logsRequest,
  nanoseconds,
  newTraceId,
  post,
  span,
  traceRequest,
} from '../../../../test/support/otlp.ts'
import { type TestDatabase, withDatabase } from '../../../../test/support/postgres.ts'
import { openRandom } from '../../../../test/support/random.ts'
import { startReceiver, type TestReceiver } from '../../../../test/support/receiver.ts'
import { landAttachment } from '../../../src/storage/land/attachment.ts'

const mebibyte = 1024 ** 2
const recorder = { 'service.instance.id': 'recorder-1' }
const resultName = 'gen_ai.tool.call.result'

const shared = await withDatabase()

async function start() {
  for (const table of ['spans', 'log_records', 'contents', 'content_parts', 'message_links']) {
    await shared.query(`delete from ${table}`)
  }
  const receiver = await startReceiver({ database: shared })
  return { database: shared, receiver, [Symbol.asyncDispose]: receiver.close }
}

/** The answer's body, after checking its status. */
async function send(
  receiver: TestReceiver | { url: string; token: string },
  records: readonly Json[],
  resource: Attributes = recorder,
): Promise<unknown> {
  const response = await post(receiver, 'logs', logsRequest(records, resource))
  expect(response.status).toBe(200)
  return response.json()
}

async function sendSpan(
  receiver: TestReceiver | { url: string; token: string },
  attributes: Attributes,
  overrides: Json = {},
): Promise<void> {
  const response = await post(receiver, 'traces', traceRequest([span(attributes, overrides)]))
  expect([response.status, await response.json()]).toEqual([200, {}])
}

function toolCall(content: string | Uint8Array): Attributes {
  return {
    'gen_ai.operation.name': 'execute_tool',
    [`${resultName}.ref`]: contentHash(content),
    [`${resultName}.size`]: Buffer.byteLength(content),
  }
}

function chat(messages: unknown): Attributes {
  return {
    'gen_ai.operation.name': 'chat',
    'gen_ai.input.messages': typeof messages === 'string' ? messages : JSON.stringify(messages),
  }
}

const landedText = `
  select (select count(*) from log_records) as logs,
         (select count(*) from contents) as contents,
         (select count(*) from content_parts) as staged`

async function results(database: TestDatabase): Promise<unknown[]> {
  const rows = await database.query(
    `select encode(sha256(coalesce(convert_to(result, 'UTF8'), result_bytes)), 'hex') as sha256
       from tool_calls`,
  )
  return rows.map(({ sha256 }) => (sha256 === null ? null : `sha256:${sha256}`))
}

const whole = (result: unknown) => expect(result).toEqual({})
const rejected = (count: number, reason: string) => ({
  partialSuccess: { rejectedLogRecords: String(count), errorMessage: `${count} × ${reason}.` },
})
const mismatch = 'the parts of a content are not what their SHA-256 and size say'

test.each(['before', 'after'])(
  'a content that comes %s its record is read with it',
  async (when) => {
    await using stage = await start()
    const { database, receiver } = stage
    const text = 'a line of a result\n'.repeat(100_000)
    const parts = contentParts(text, { cutAt: [mebibyte] })
    if (when === 'after') {
      await sendSpan(receiver, toolCall(text))
      expect(await results(database)).toEqual([null])
    }
    whole(await send(receiver, parts))
    if (when === 'before') await sendSpan(receiver, toolCall(text))
    expect(await results(database)).toEqual([contentHash(text)])
    expect(await database.query(landedText)).toEqual([{ logs: 0, contents: 1, staged: 0 }])
    const [row] = await database.query(
      `select attributes -> '${resultName}' as reference from spans`,
    )
    expect(row?.reference).toEqual({
      'turnlog.content': contentHash(text),
      size: text.length,
      ref: true,
    })
  },
)

test.each<[string, string | Uint8Array]>([
  ['text', 'caf\u00e9 \u2603 \ud83d\ude00 '.repeat(1_000)],
  ['text with NULs', 'a\0b\0'.repeat(1_000)],
  ['bytes that are text', Buffer.from('plain \u2603')],
  ['bytes that are none', Buffer.from([0xff, 0, 0x80, 0xc3])],
  ['bytes with a lone surrogate', Buffer.from([0x61, 0xed, 0xa0, 0xbd, 0x62])],
  ['nothing', ''],
])('%s, in one request or in three in any order, is what was sent', async (_name, content) => {
  await using stage = await start()
  const { database, receiver } = stage
  const { length } = content
  // Bytes may be cut anywhere; a text only between characters.
  const cutAt = [Math.floor(length / 3), Math.floor(length / 2)]
  const parts = contentParts(content, { cutAt })
  await sendSpan(receiver, toolCall(content))
  for (const index of [2, 0, 1]) whole(await send(receiver, [parts[index] ?? {}]))
  expect(await results(database)).toEqual([contentHash(content)])
  await database.query('delete from contents')
  whole(await send(receiver, [...parts].reverse()))
  expect(await results(database)).toEqual([contentHash(content)])
  expect(await database.query(landedText)).toEqual([{ logs: 0, contents: 1, staged: 0 }])
})

test('received = landed + duplicate + rejected, whatever is sent how often', async () => {
  await using stage = await start()
  const { database, receiver } = stage
  const counts = async () => {
    const response = await fetch(`${receiver.url}/api/v1/health`)
    return ((await response.json()) as { records: unknown }).records
  }
  const parts = contentParts('abcdef', { cutAt: [2, 4] })
  await send(receiver, parts.slice(0, 2))
  await send(receiver, [...parts.slice(0, 2), ...parts.slice(0, 1)])
  expect(await counts()).toEqual({ received: 5, landed: 2, duplicate: 3, rejected: 0 })
  await send(receiver, parts.slice(2))
  expect(await counts()).toEqual({ received: 6, landed: 3, duplicate: 3, rejected: 0 })
  await send(receiver, parts)
  expect(await counts()).toEqual({ received: 9, landed: 3, duplicate: 6, rejected: 0 })
  await send(receiver, contentParts('one', { sha256: contentHash('other') }))
  expect(await counts()).toEqual({ received: 10, landed: 3, duplicate: 6, rejected: 1 })
  await send(receiver, [...contentParts('new'), log(), log()])
  expect(await counts()).toEqual({ received: 13, landed: 6, duplicate: 6, rejected: 1 })
  expect(await database.query(landedText)).toEqual([{ logs: 2, contents: 2, staged: 0 }])
})

test('twenty connections that bring a part each at one moment make the content whole', async () => {
  await using stage = await start()
  const { database, receiver } = stage
  for (let round = 0; round < 3; round += 1) {
    const content = `round ${round} ${'x'.repeat(200_000)}`
    const cutAt = Array.from({ length: 19 }, (_, index) => (index + 1) * 10_000)
    const parts = contentParts(content, { cutAt })
    await Promise.all(parts.map(async (part) => whole(await send(receiver, [part]))))
    expect(await database.query(landedText)).toEqual([{ logs: 0, contents: round + 1, staged: 0 }])
  }
})

test('recorders that cut one content differently are not mixed up', async () => {
  await using stage = await start()
  const { database, receiver } = stage
  const content = 'abcdefghij'
  const other = { 'service.instance.id': 'recorder-2' }
  const [a1, a2] = contentParts(content, { cutAt: [5] })
  const [b1, b2] = contentParts(content, { cutAt: [7] })
  whole(await send(receiver, [a1 ?? {}]))
  // Both are parts of two, but not of one content: each waits for its other part.
  whole(await send(receiver, [b2 ?? {}], other))
  expect(await database.query(landedText)).toEqual([{ logs: 0, contents: 0, staged: 2 }])
  whole(await send(receiver, [b1 ?? {}], other))
  expect(await database.query(landedText)).toEqual([{ logs: 0, contents: 1, staged: 0 }])
  whole(await send(receiver, [a2 ?? {}]))
  expect(await database.query(landedText)).toEqual([{ logs: 0, contents: 1, staged: 0 }])
})

test('a recorder can complete a content that another one began, if both cut it alike', async () => {
  await using stage = await start()
  const { database, receiver } = stage
  const parts = contentParts('abcdefghij', { cutAt: [5] })
  whole(await send(receiver, parts.slice(0, 1)))
  whole(await send(receiver, parts.slice(1), { 'service.instance.id': 'recorder-2' }))
  expect(await database.query(landedText)).toEqual([{ logs: 0, contents: 1, staged: 0 }])
})

test('parts that do not have the declared hash are rejected and deleted, and correct ones land later', async () => {
  await using stage = await start()
  const { database, receiver } = stage
  const content = 'the right content'
  const [wrong] = contentParts('the wrong content', { cutAt: [8], sha256: contentHash(content) })
  const right = contentParts(content, { cutAt: [8] })
  whole(await send(receiver, [wrong ?? {}]))
  expect(await send(receiver, [right[1] ?? {}])).toEqual(rejected(1, mismatch))
  expect(await database.query(landedText)).toEqual([{ logs: 0, contents: 0, staged: 0 }])
  const [bad1, bad2] = contentParts('bad', { cutAt: [1], sha256: contentHash(content) })
  whole(await send(receiver, [bad1 ?? {}]))
  expect(await send(receiver, [bad2 ?? {}])).toEqual(rejected(1, mismatch))
  expect(await database.query(landedText)).toEqual([{ logs: 0, contents: 0, staged: 0 }])
  expect(await send(receiver, [bad1 ?? {}, bad2 ?? {}])).toEqual(rejected(2, mismatch))
  whole(await send(receiver, right))
  expect(await database.query(landedText)).toEqual([{ logs: 0, contents: 1, staged: 0 }])
})

test.each<[string, Json, string]>([
  [
    'no hash',
    part({ 'turnlog.content.sha256': 'abc' }),
    'turnlog.content.sha256 is not sha256: and 64 lowercase hex digits',
  ],
  [
    'a hash in capitals',
    part({ 'turnlog.content.sha256': contentHash('x').toUpperCase() }),
    'turnlog.content.sha256 is not sha256: and 64 lowercase hex digits',
  ],
  [
    'no size',
    part({ 'turnlog.content.size': 'many' }),
    'turnlog.content.size is not a number of bytes',
  ],
  [
    'a negative size',
    part({ 'turnlog.content.size': -1 }),
    'turnlog.content.size is not a number of bytes',
  ],
  [
    'an absurd size',
    part({ 'turnlog.content.size': 64 * mebibyte + 1 }),
    `content is larger than ${64 * mebibyte} bytes`,
  ],
  [
    'part 0',
    part({ 'turnlog.content.part': 0 }),
    'turnlog.content.part is not between 1 and turnlog.content.parts',
  ],
  [
    'part 3 of 2',
    part({ 'turnlog.content.part': 3, 'turnlog.content.parts': 2 }),
    'turnlog.content.part is not between 1 and turnlog.content.parts',
  ],
  [
    'absurdly many parts',
    part({ 'turnlog.content.parts': 1_000_000 }),
    'turnlog.content.parts is not between 1 and 1024',
  ],
  [
    'no parts',
    part({ 'turnlog.content.parts': null }),
    'turnlog.content.parts is not between 1 and 1024',
  ],
  [
    'a body that is a number',
    part({}, { body: { intValue: 5 } }),
    'the body of a content part is neither text nor bytes',
  ],
  [
    'no body',
    part({}, { body: undefined }),
    'the body of a content part is neither text nor bytes',
  ],
  ['no time', part({}, { timeUnixNano: '0' }), 'content part has no time'],
  [
    'an absurd time',
    part({}, { timeUnixNano: nanoseconds(new Date('2001-01-01')) }),
    'content part is older than 30 days',
  ],
  ['a wrong size', part({ 'turnlog.content.size': 2 }), mismatch],
])('a part with %s is rejected alone, with the reason', async (_name, bad, reason) => {
  await using stage = await start()
  const { database, receiver } = stage
  const answer = await send(receiver, [bad, ...contentParts('good'), log()])
  expect(answer).toEqual(rejected(1, reason))
  expect(await database.query(landedText)).toEqual([{ logs: 1, contents: 1, staged: 0 }])
})

function part(attributes: Attributes, overrides: Json = {}): Json {
  const all = {
    'turnlog.content.sha256': contentHash('x'),
    'turnlog.content.size': 1,
    'turnlog.content.part': 1,
    'turnlog.content.parts': 1,
    ...attributes,
  }
  return log(all, { eventName: 'turnlog.content', body: { stringValue: 'x' }, ...overrides })
}

test('a part with its event name in an attribute, and numbers sent as texts, is understood', async () => {
  await using stage = await start()
  const { database, receiver } = stage
  const attributes = {
    'event.name': 'turnlog.content',
    'turnlog.content.sha256': contentHash('x'),
    'turnlog.content.size': '1',
    'turnlog.content.part': '1',
    'turnlog.content.parts': '1',
  }
  whole(await send(receiver, [log(attributes, { body: { stringValue: 'x' } })]))
  expect(await database.query(landedText)).toEqual([{ logs: 0, contents: 1, staged: 0 }])
})

test('each day has its own copy, and no team reads another team’s', async () => {
  await using stage = await start()
  const { database, receiver } = stage
  const today = new Date()
  const yesterday = new Date(today.getTime() - 86_400_000)
  const content = 'seen by one team on one day'
  await sendSpan(receiver, toolCall(content), { startTimeUnixNano: nanoseconds(yesterday) })
  whole(await send(receiver, contentParts(content, { time: today })))
  const token = await createToken(database, { user: 'other', scope: 'ingest', team: 'others' })
  const others = { url: receiver.url, token }
  whole(await send(others, contentParts(content, { time: yesterday })))
  expect(await results(database)).toEqual([null])
  whole(await send(receiver, contentParts(content, { time: yesterday })))
  expect(await results(database)).toEqual([contentHash(content)])
  expect(await database.query('select count(*) from contents')).toEqual([{ count: 3 }])
})

test('parts of a day without a partition move when the day has one', async () => {
  await using stage = await start()
  const { database, receiver } = stage
  const day = new Date().toISOString().slice(0, 10).replaceAll('-', '')
  await database.query(`drop table content_parts_${day}`)
  const parts = contentParts('in two', { cutAt: [2] })
  whole(await send(receiver, parts.slice(0, 1)))
  expect(await ensurePartitions(database, new Date())).toEqual([`content_parts_${day}`])
  whole(await send(receiver, parts.slice(1)))
  expect(await database.query(landedText)).toEqual([{ logs: 0, contents: 1, staged: 0 }])
})

test('an uploaded content is referred to like any other, and its parts are duplicates', async () => {
  await using stage = await start()
  const { database, receiver } = stage
  const bytes = Buffer.from('uploaded')
  const sha256 = contentHash(bytes).slice('sha256:'.length)
  const parts = contentParts(bytes.toString(), { cutAt: [3] })
  whole(await send(receiver, parts.slice(1)))
  const day = new Date().toISOString().slice(0, 10)
  await landAttachment(database, { teamId: 'default', sha256, bytes, day })
  whole(await send(receiver, parts))
  await sendSpan(receiver, toolCall('uploaded'))
  expect(await results(database)).toEqual([contentHash('uploaded')])
  expect(await database.query(landedText)).toEqual([{ logs: 0, contents: 1, staged: 0 }])
})

test('any attribute with a size may be sent apart; one that only looks like it stays an attribute', async () => {
  await using stage = await start()
  const { database, receiver } = stage
  const sha256 = contentHash('large')
  await sendSpan(receiver, {
    'app.blob.ref': sha256,
    'app.blob.size': 5,
    'image.ref': sha256,
    'vcs.ref': 'main',
    'gen_ai.tool.call.arguments.ref': sha256,
    'gen_ai.tool.call.result': 'here',
    'gen_ai.tool.call.result.ref': sha256,
  })
  const [row] = await database.query('select attributes from spans')
  expect(row?.attributes).toEqual({
    'app.blob': { 'turnlog.content': sha256, size: 5, ref: true },
    'app.blob.size': 5,
    'image.ref': sha256,
    'vcs.ref': 'main',
    'gen_ai.tool.call.arguments': { 'turnlog.content': sha256, ref: true },
    'gen_ai.tool.call.result': expect.objectContaining({ size: 4 }),
    'gen_ai.tool.call.result.ref': sha256,
  })
})

test('the body of a log may be sent apart', async () => {
  await using stage = await start()
  const { database, receiver } = stage
  const body = 'a long body'
  const attributes = {
    'turnlog.log.body.ref': contentHash(body),
    'turnlog.log.body.size': body.length,
    own: 1,
  }
  whole(await send(receiver, [log(attributes), ...contentParts(body)]))
  expect(
    await database.query(
      'select turnlog_text(team_id, turnlog_day(time), body) as body, attributes from log_records',
    ),
  ).toEqual([{ body, attributes: { own: 1 } }])
})

const unclean =
  'NUL \0, lone \ud83d and \udc00, pair \ud83d\ude00, \\000, \\ud800 "quoted"\n\x01\x7f'
const uncleanBytes = Buffer.concat([
  Buffer.from('NUL \0, lone '),
  Buffer.from([0xed, 0xa0, 0xbd]),
  Buffer.from(' and '),
  Buffer.from([0xed, 0xb0, 0x80]),
  Buffer.from(', pair \ud83d\ude00, \\000, \\ud800 "quoted"\n\x01\x7f'),
])

test.each<[string, string, string | Uint8Array]>([
  [
    'a text',
    'caf\u00e9 "quoted" \\ \n\t\x01\u2028 \ud83d\ude00',
    'caf\u00e9 "quoted" \\ \n\t\x01\u2028 \ud83d\ude00',
  ],
  ['a text that names a reference', '{"content.ref":"sha256:', '{"content.ref":"sha256:'],
  ['a text with NULs and lone surrogates', unclean, uncleanBytes],
])('messages of which %s was sent apart are read as they were', async (_name, text, content) => {
  await using stage = await start()
  const { database, receiver } = stage
  const message = (part: object) => [
    { role: 'system', parts: [{ type: 'text', content: 'before' }] },
    { role: 'user', parts: [part, { type: 'text', content: 'after' }] },
  ]
  const size = Buffer.byteLength(content)
  const reference = { 'content.ref': contentHash(content), 'content.size': size }
  await sendSpan(receiver, chat(message({ type: 'text', ...reference, own: 1 })))
  const read = async () => (await database.query('select input_messages from model_calls'))[0]
  expect(JSON.parse(String((await read())?.input_messages))).toEqual(
    message({ type: 'text', ...reference, own: 1 }),
  )
  whole(await send(receiver, contentParts(content)))
  expect(await read()).toEqual({
    input_messages: JSON.stringify(message({ type: 'text', content: text, own: 1 })),
  })
})

test('members sent apart as JSON, with blanks or without a size, are put back', async () => {
  await using stage = await start()
  const { database, receiver } = stage
  const [text, json] = ['the text', '{"path":"a.txt","n":12345678901234567890}']
  whole(await send(receiver, [...contentParts(text), ...contentParts(json)]))
  await sendSpan(
    receiver,
    chat(
      `[{"role": "user", "parts": [{"content.ref": "${contentHash(text)}", "content.size": 8, "type": "text"}]}` +
        `,{"role":"user","parts":[{"type":"text","content.ref":"${contentHash(text)}"}]}` +
        `,{"role":"assistant","parts":[{"arguments.ref":"${contentHash(json)}","arguments.size":${json.length},"arguments.media_type":"application/json","id":"1"}]}]`,
    ),
  )
  expect(await database.query('select input_messages from model_calls')).toEqual([
    {
      input_messages:
        '[{"role": "user", "parts": [{"content":"the text", "type": "text"}]}' +
        ',{"role":"user","parts":[{"type":"text","content":"the text"}]}' +
        `,{"role":"assistant","parts":[{"arguments":${json},"id":"1"}]}]`,
    },
  ])
})

test('a tool’s result that contains such JSON is not changed', async () => {
  await using stage = await start()
  const { database, receiver } = stage
  whole(await send(receiver, contentParts('expanded')))
  const result = `{"content.ref":"${contentHash('expanded')}","content.size":8}`
  await sendSpan(receiver, { 'gen_ai.operation.name': 'execute_tool', [resultName]: result })
  expect(await database.query('select result from tool_calls')).toEqual([{ result }])
})

test('a thousand members of one list that were sent apart are put back in a moment', async () => {
  await using stage = await start()
  const { database, receiver } = stage
  const texts = Array.from({ length: 1_000 }, (_, index) => `${index} ${'\u2603'.repeat(2_000)}`)
  whole(
    await send(
      receiver,
      texts.flatMap((text) => contentParts(text)),
    ),
  )
  const message = (part: object) => ({ role: 'user', parts: [{ type: 'text', ...part }] })
  const stored = texts.map((text) =>
    message({ 'content.ref': contentHash(text), 'content.size': Buffer.byteLength(text) }),
  )
  await sendSpan(receiver, chat(stored))
  const [row] = await database.query('select input_messages from model_calls')
  expect(row?.input_messages).toBe(JSON.stringify(texts.map((content) => message({ content }))))
})

function turn(parts: readonly object[]): Attributes {
  return {
    'gen_ai.operation.name': 'invoke_agent',
    'gen_ai.input.messages': JSON.stringify([{ role: 'user', parts }]),
  }
}

const turnText = 'select prompt, prompt_preview, prompt_bytes from turns'

test('a prompt that was sent apart is the turn’s prompt, and lists show its beginning', async () => {
  await using stage = await start()
  const { database, receiver } = stage
  const prompt = `please ${'\u2603'.repeat(500)}`
  const reference = {
    'content.ref': contentHash(prompt),
    'content.size': Buffer.byteLength(prompt),
  }
  await sendSpan(receiver, turn([{ type: 'text', ...reference }]))
  expect(await database.query(turnText)).toEqual([
    { prompt: null, prompt_preview: null, prompt_bytes: null },
  ])
  const awaited = `select turnlog_awaited(team_id, turnlog_day(start_time), attributes -> 'turnlog.turn.prompt') as awaited,
                          turnlog_awaited(team_id, turnlog_day(start_time), attributes -> 'turnlog.turn.answer') as answer
                     from spans`
  expect(await database.query(awaited)).toEqual([{ awaited: true, answer: false }])
  whole(await send(receiver, contentParts(prompt)))
  expect(await database.query(turnText)).toEqual([
    { prompt, prompt_preview: prompt.slice(0, 200), prompt_bytes: null },
  ])
  expect(await database.query(awaited)).toEqual([{ awaited: false, answer: false }])
})

test('a prompt with NULs that was sent apart has its bytes', async () => {
  await using stage = await start()
  const { database, receiver } = stage
  const reference = {
    'content.ref': contentHash(uncleanBytes),
    'content.size': uncleanBytes.length,
  }
  whole(await send(receiver, contentParts(uncleanBytes)))
  await sendSpan(receiver, turn([{ type: 'text', ...reference }]))
  expect(await database.query(turnText)).toEqual([
    { prompt: null, prompt_preview: null, prompt_bytes: uncleanBytes },
  ])
})

test('a prompt of several parts, or whose messages were sent apart as a whole, is put together when it is read', async () => {
  await using stage = await start()
  const { database, receiver } = stage
  const large = 'large '.repeat(100)
  const several = [
    { type: 'text', content: 'first' },
    { type: 'image' },
    { type: 'text', 'content.ref': contentHash(large), 'content.size': large.length },
  ]
  await sendSpan(receiver, turn(several), { traceId: newTraceId() })
  const list = JSON.stringify([
    { role: 'user', parts: [{ type: 'text', content: 'asked' }] },
    { role: 'assistant', parts: [{ type: 'text', content: 'said' }] },
  ])
  await sendSpan(receiver, {
    'gen_ai.operation.name': 'invoke_agent',
    'gen_ai.input.messages.ref': contentHash(list),
    'gen_ai.input.messages.size': list.length,
  })
  const prompts = 'select prompt from turns order by prompt'
  expect(await database.query(prompts)).toEqual([{ prompt: null }, { prompt: null }])
  whole(await send(receiver, [...contentParts(large), ...contentParts(list)]))
  expect(await database.query(prompts)).toEqual([
    { prompt: 'asked' },
    { prompt: `first\n${large}` },
  ])
})

test('a content of 64 MiB in parts lands, from separate requests', async () => {
  await using stage = await start()
  const { database, receiver } = stage
  const content = Buffer.alloc(64 * mebibyte, 'sixty-four mebibytes of text\n')
  const cutAt = Array.from({ length: 7 }, (_, index) => (index + 1) * 8 * mebibyte)
  for (const each of contentParts(content, { cutAt })) whole(await send(receiver, [each]))
  await sendSpan(receiver, toolCall(content))
  expect(await results(database)).toEqual([contentHash(content)])
})

test('parts with random values are rejected or staged, and never cause an internal error', async () => {
  await using stage = await start()
  const { database, receiver } = stage
  const { below: random, pick } = openRandom(11)
  const odd = [
    null,
    '',
    'x',
    0,
    -1,
    1,
    2,
    1.5,
    2n ** 62n,
    '18446744073709551616',
    true,
    [],
    new Map([['a', 1]]),
    new Uint8Array([0xff]),
    '\0',
    '\ud83d',
    contentHash('x'),
    contentHash('y'),
  ]
  const names = ['sha256', 'size', 'part', 'parts', 'media_type']
  const bodies: Json[] = [
    {},
    { stringValue: 'x' },
    { stringValue: '\ud83d\0' },
    { bytesValue: 'eA==' },
    { bytesValue: 'no base64!' },
    { boolValue: true },
    { arrayValue: {} },
    { kvlistValue: { values: [] } },
  ]
  let received = 0
  for (let round = 0; round < 30; round += 1) {
    const records = Array.from({ length: 30 }, () => {
      const attributes = Object.fromEntries(
        names.flatMap((name) => (random(5) === 0 ? [[`turnlog.content.${name}`, pick(odd)]] : [])),
      )
      return part(attributes, {
        body: pick(bodies),
        timeUnixNano: random(10) === 0 ? String(odd[random(8)]) : nanoseconds(),
      })
    })
    const response = await post(receiver, 'logs', logsRequest(records, recorder))
    expect({ round, status: response.status }).toEqual({ round, status: 200 })
    received += records.length
  }
  const health = await fetch(`${receiver.url}/api/v1/health`)
  const { records } = (await health.json()) as {
    records: { received: number; landed: number; duplicate: number; rejected: number }
  }
  expect(records.received).toBe(received)
  expect(records.landed + records.duplicate + records.rejected).toBe(received)
  const contents = await database.query(
    'select count(*) from contents where sha256 <> sha256(coalesce(convert_to(body, $1), bytes))',
    ['UTF8'],
  )
  expect(contents).toEqual([{ count: 0 }])
})
