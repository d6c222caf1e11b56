/** How much of a content is shown, and where its link leads. */
import { createHash } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { contentHash, contentParts } from '../../../test/support/content-parts.ts'
import {
  type Json,
  logsRequest,
  newSpanId,
  newTraceId,
  post,
  span,
} from '../../../test/support/otlp.ts'
import { type EventAnswer, postEvents } from '../../../test/support/plain-events.ts'
import { openContentBudget } from '../../src/jaeger/read/content-budget.ts'
import { findTrace } from '../../src/jaeger/read/read-trace.ts'
import { linksFrom } from '../../src/jaeger/read/shown-span.ts'
import { v1Traces } from '../../src/jaeger/v1/answer.ts'
import { openStage, type Stage } from './stage.ts'

const publicUrl = 'https://turnlog.example'

let stage: Stage
beforeAll(async () => {
  stage = await openStage({ limits: { publicUrl } })
})
afterAll(() => stage[Symbol.asyncDispose]())

interface Tag {
  readonly key: string
  readonly type: string
  readonly value: unknown
}

/** The tags of a trace's first span, by key. */
async function tagsOf(path: string): Promise<Readonly<Record<string, Tag | undefined>>> {
  const { data } = await stage.read(path)
  const tags: readonly Tag[] = Array.isArray(data) ? data[0].spans[0].tags : []
  return Object.fromEntries(tags.map((tag) => [tag.key, tag]))
}

async function landOne(attributes: Parameters<typeof span>[0]): Promise<string> {
  const traceId = newTraceId()
  await stage.landSpans([span(attributes, { traceId })])
  return traceId
}

function messages(count: number, length: number): string {
  return JSON.stringify(
    Array.from({ length: count }, (_, index) => ({
      role: index % 2 === 0 ? 'user' : 'assistant',
      parts: [{ type: 'text', content: `${index} ${'é'.repeat(length)}` }],
    })),
  )
}

test('a content within the limit is shown whole, to the byte: the GenAI view reads it', async () => {
  const conversation = messages(30, 100)
  const traceId = await landOne({
    'gen_ai.operation.name': 'chat',
    'gen_ai.input.messages': conversation,
    'gen_ai.tool.call.arguments': '{"path": "a.txt"}',
    exact: 'x'.repeat(65_536),
  })
  const tags = await tagsOf(`/api/traces/${traceId}`)
  expect(tags['gen_ai.input.messages']?.value).toBe(conversation)
  expect(tags['gen_ai.tool.call.arguments']?.value).toBe('{"path": "a.txt"}')
  expect(tags.exact?.value).toBe('x'.repeat(65_536))
  expect(Object.keys(tags).filter((key) => /\.(size|link|ref)$/.test(key))).toEqual([])
})

test('a content above 64 KiB is shown as its beginning, its size and a link; raw shows all of it', async () => {
  const text = 'é'.repeat(40_000)
  const conversation = messages(100, 500)
  const traceId = await landOne({ text, 'gen_ai.input.messages': conversation })
  const tags = await tagsOf(`/api/traces/${traceId}`)
  const hash = createHash('sha256').update(text).digest('hex')
  const link = `${publicUrl}/api/v1/attachments/sha256:${hash}`
  expect(tags.text?.value).toBe(
    `${'é'.repeat(2_048)}\n… [the first 4096 of 80000 bytes; the whole: ${link}]`,
  )
  expect(tags['text.size']).toEqual({ key: 'text.size', type: 'int64', value: 80_000 })
  expect(tags['text.link']).toEqual({ key: 'text.link', type: 'string', value: link })
  const shown = String(tags['gen_ai.input.messages']?.value)
  expect(conversation.startsWith(shown.slice(0, shown.indexOf('\n… [')))).toBe(true)
  expect(Buffer.byteLength(shown)).toBeLessThan(4_400)
  expect(tags['gen_ai.input.messages.size']?.value).toBe(Buffer.byteLength(conversation))
  expect(tags['gen_ai.input.messages.link']?.value).toMatch(
    new RegExp(`^${publicUrl}/turns/${traceId}/[0-9a-f]{16}/input-messages$`),
  )
  for (const parameters of ['raw=true', 'maxAttributeBytes=10000000']) {
    const whole = await tagsOf(`/api/traces/${traceId}?${parameters}`)
    expect(whole.text?.value).toBe(text)
    expect(whole['gen_ai.input.messages']?.value).toBe(conversation)
    expect(whole['text.size']).toBeUndefined()
  }
})

test('maxAttributeBytes can also lower the limit, and never cuts a character', async () => {
  const traceId = await landOne({ text: '😀'.repeat(1_000) })
  for (const [bytes, characters] of [
    [0, 0],
    [3, 0],
    [4, 1],
    [103, 25],
  ] as const) {
    const { text } = await tagsOf(`/api/traces/${traceId}?maxAttributeBytes=${bytes}`)
    const beginning = '😀'.repeat(characters)
    expect(
      String(text?.value).startsWith(`${beginning}\n… [the first ${characters * 4} of 4000 bytes`),
    ).toBe(true)
  }
})

test('a size attribute that the client sent is not added again', async () => {
  const traceId = newTraceId()
  const attributes = {
    'gen_ai.tool.call.result': 'x'.repeat(70_000),
    'gen_ai.tool.call.result.size': 70_000,
  }
  await stage.landSpans([span(attributes, { traceId })])
  const text = await (await stage.get(`/api/traces/${traceId}`)).text()
  expect(text.match(/"gen_ai.tool.call.result.size"/g)).toHaveLength(1)
})

test('bytes above the limit are described, not shown', async () => {
  const traceId = await landOne({ blob: new Uint8Array(70_000).fill(255) })
  const { blob, 'blob.size': size } = await tagsOf(`/api/traces/${traceId}`)
  expect(blob?.type).toBe('string')
  expect(blob?.value).toMatch(/^\[70000 bytes that are not text; the whole: https:/)
  expect(size?.value).toBe(70_000)
  const whole = await tagsOf(`/api/traces/${traceId}?raw=true`)
  expect(whole.blob).toEqual({
    key: 'blob',
    type: 'binary',
    value: Buffer.alloc(70_000, 255).toString('base64'),
  })
})

test('a missing content is shown as a reference', async () => {
  const traceId = await landOne({
    'gen_ai.tool.call.result': 'gone',
    'gen_ai.input.messages': messages(3, 10),
  })
  await stage.database.query('delete from contents')
  const tags = await tagsOf(`/api/traces/${traceId}`)
  expect(tags['gen_ai.tool.call.result']).toBeUndefined()
  expect(tags['gen_ai.tool.call.result.ref']?.value).toBe(
    `sha256:${createHash('sha256').update('gone').digest('hex')}`,
  )
  expect(tags['gen_ai.tool.call.result.size']?.value).toBe(4)
  expect(tags['gen_ai.input.messages']).toBeUndefined()
  expect(tags['gen_ai.input.messages.ref']?.value).toMatch(/^sha256:/)
})

test('a list of traces reads no contents', async () => {
  const traceId = await landOne({
    'gen_ai.operation.name': 'invoke_agent',
    secret: 'y'.repeat(2_000),
  })
  // Whoever read it would fail.
  await stage.database.query('alter table contents rename to contents_away')
  try {
    const times = 'query.startTimeMin=2020-01-01T00:00:00Z&query.startTimeMax=2099-01-01T00:00:00Z'
    const list = JSON.stringify(await stage.read('/api/traces?service=app&limit=1500'))
    expect(list).toContain(traceId)
    expect(list).not.toContain('yyy')
    await stage.read(`/api/v3/trace-summaries?${times}`)
    await stage.read('/api/services')
    await stage.read('/api/services/app/operations')
  } finally {
    await stage.database.query('alter table contents_away rename to contents')
  }
})

const tooMuch = 'its contents are too much for one answer: some have only their size and a link'

test('one answer holds 64 MiB of contents; the others have only a size and a link, and the trace has a warning', async () => {
  const texts = Array.from({ length: 30 }, (_, index) => `${index} `.padEnd(60_000, 'z'))
  const traceId = await landOne(Object.fromEntries(texts.map((text, index) => [`k${index}`, text])))
  await stage.copySpan(traceId, 39)
  const answer = await (await stage.get(`/api/traces/${traceId}`)).text()
  expect(answer.length).toBeGreaterThan(64 * 1024 ** 2)
  expect(answer.length).toBeLessThan(66 * 1024 ** 2)
  const [trace] = JSON.parse(answer).data
  expect(trace.spans).toHaveLength(40)
  expect(trace.warnings).toEqual([tooMuch])
  const last: readonly Tag[] = trace.spans.at(-1).tags
  expect(last.filter(({ key }) => key.startsWith('k0')).map(({ key }) => key)).toEqual([
    'k0.ref',
    'k0.size',
    'k0.link',
  ])
  const raw = await (await stage.get(`/api/traces/${traceId}?raw=true`)).text()
  expect(raw.length).toBeGreaterThan(40 * 30 * 60_000)
})

test.each([
  { contents: 'of their own', text: (index: number) => `${index} `.padEnd(3_000, 'z') },
  { contents: 'that are the same', text: () => 'z'.repeat(3_000) },
])('of spans with contents $contents the first are shown, as many as fit', async ({ text }) => {
  const traceId = newTraceId()
  await stage.landSpans(
    Array.from({ length: 10 }, (_, index) => span({ k: text(index) }, { traceId })),
  )
  const trace = await answerWithin(traceId, 10_000)
  const shown = trace.spans.map(({ tags }) =>
    tags.filter(({ key }) => key.startsWith('k')).map(({ key }) => key),
  )
  expect(shown).toEqual([
    ...[['k'], ['k'], ['k']],
    ...Array.from({ length: 7 }, () => ['k.ref', 'k.size', 'k.link']),
  ])
  expect(trace.warnings).toEqual([tooMuch])
})

test('contents that an answer has once for all spans count once', async () => {
  const traceId = newTraceId()
  const spans = Array.from({ length: 10 }, () => span({}, { traceId }))
  await stage.landSpans(spans, { 'service.name': 'app', about: 'z'.repeat(6_000) })
  const trace = await answerWithin(traceId, 10_000)
  expect(trace.warnings).toBeNull()
  expect(JSON.stringify(trace.processes)).toContain('z'.repeat(6_000))
})

interface ShownTrace {
  readonly spans: readonly { readonly tags: readonly Tag[] }[]
  readonly processes: object
  readonly warnings: readonly string[] | null
}

/** The trace in an answer with a smaller limit for contents. */
async function answerWithin(traceId: string, answerBytesMax: number): Promise<ShownTrace> {
  const read = {
    database: stage.receiver.database,
    teamId: 'default',
    withinMs: 60_000,
    linkTo: linksFrom(publicUrl),
  }
  const trace = await findTrace(traceId, { ...read, order: 'time' })
  async function* traces() {
    if (trace) yield trace
  }
  const contents = openContentBudget({ bytesMax: 65_536, answerBytesMax })
  const shown = { ...read, isRaw: false, contents, traces: traces(), errors: [] }
  let answer = ''
  for await (const piece of v1Traces(shown)) answer += piece
  return JSON.parse(answer).data[0]
}

test('a conversation that is sent again with every call is shown with every call', async () => {
  const traceId = newTraceId()
  const count = 60
  const spans = Array.from({ length: count }, (_, index) =>
    span(
      { 'gen_ai.operation.name': 'chat', 'gen_ai.input.messages': messages(index + 1, 300) },
      { traceId, spanId: newSpanId() },
    ),
  )
  await stage.landSpans(spans)
  const { data } = await stage.read(`/api/traces/${traceId}?raw=true`)
  const shown: readonly Json[] = Array.isArray(data) ? data[0].spans : []
  const texts = shown.map(({ tags }) => {
    if (!Array.isArray(tags)) return ''
    return tags.find(({ key }: Tag) => key === 'gen_ai.input.messages')?.value
  })
  const expected = Array.from({ length: count }, (_, index) => messages(index + 1, 300))
  expect(texts.toSorted(byLength)).toEqual(expected.toSorted(byLength))
})

function byLength(left: string, right: string): number {
  return left.length - right.length
}

test('a content that travels apart is a reference until it arrives, and is shown afterwards', async () => {
  const text = 'out of line '.repeat(1_000)
  const bytes = new Uint8Array(5_000).fill(254)
  const traceId = await landOne({
    'gen_ai.tool.call.result.ref': contentHash(text),
    'gen_ai.tool.call.result.size': text.length,
    'turnlog.file_operation.before.ref': contentHash(bytes),
  })
  const before = await tagsOf(`/api/traces/${traceId}`)
  expect(before['gen_ai.tool.call.result']).toBeUndefined()
  expect(before['gen_ai.tool.call.result.ref']?.value).toBe(contentHash(text))
  expect(before['gen_ai.tool.call.result.size']?.value).toBe(text.length)
  expect(before['turnlog.file_operation.before.ref']?.value).toBe(contentHash(bytes))
  expect(before['turnlog.file_operation.before.size']).toBeUndefined()

  const parts = [...contentParts(text, { cutAt: [7_000] }), ...contentParts(bytes)]
  const answer = await post(stage.receiver, 'logs', logsRequest(parts))
  expect(await answer.json()).toEqual({})
  const after = await tagsOf(`/api/traces/${traceId}`)
  expect(after['gen_ai.tool.call.result']?.value).toBe(text)
  expect(after['gen_ai.tool.call.result.ref']).toBeUndefined()
  expect(after['turnlog.file_operation.before']).toEqual({
    key: 'turnlog.file_operation.before',
    type: 'binary',
    value: Buffer.from(bytes).toString('base64'),
  })
})

test('members of messages that travel apart are references in valid JSON, and put back in a raw answer', async () => {
  const large = 'é'.repeat(200_000)
  const message = (part: object) =>
    JSON.stringify([{ role: 'user', parts: [{ type: 'text', ...part }] }])
  const sent = message({
    'content.ref': contentHash(large),
    'content.size': Buffer.byteLength(large),
  })
  const traceId = await landOne({ 'gen_ai.operation.name': 'chat', 'gen_ai.input.messages': sent })
  const answer = await post(stage.receiver, 'logs', logsRequest(contentParts(large)))
  expect(await answer.json()).toEqual({})
  const shown = await tagsOf(`/api/traces/${traceId}`)
  expect(shown['gen_ai.input.messages']?.value).toBe(sent)
  expect(shown['gen_ai.input.messages.link']?.value).toMatch(/\/input-messages$/)
  const raw = await tagsOf(`/api/traces/${traceId}?raw=true`)
  expect(raw['gen_ai.input.messages']?.value).toBe(message({ content: large }))
  expect(raw['gen_ai.input.messages.link']).toBeUndefined()
})

/** Readers of OTLP refuse a whole trace for one `intValue` above 64 bits. */
test('an integer above 64 bits, which only a plain event may hold, is text', async () => {
  const integers =
    '"member":1180591620717411303424,"inside":{"n":[9223372036854775808]},"fits":-9223372036854775808'
  const body = `[{"type":"ToolCall","toolName":"x","timestamp":${Date.now()},${integers}}]`
  const answer = await postEvents(stage.receiver, body)
  const { results } = (await answer.json()) as EventAnswer
  const trace = JSON.stringify(await stage.read(`/api/v3/traces/${results[0]?.traceId}`))
  expect(trace).toContain('{"stringValue":"1180591620717411303424"}')
  expect(trace).toContain('{"stringValue":"9223372036854775808"}')
  expect(trace).toContain('{"intValue":"-9223372036854775808"}')
})
