/** Real spans and logs of the OpenTelemetry SDK, through journal and sealer: what an app may put on them. */
import { ROOT_CONTEXT, SpanStatusCode, TraceFlags, trace } from '@opentelemetry/api'
import { LoggerProvider } from '@opentelemetry/sdk-logs'
import { TracerProvider } from '@opentelemetry/sdk-trace'
import { instrumentationScope } from '@turnlog/conventions'
import { expect, test } from 'vitest'
import { createProcessors } from '../../src/journal/processor.ts'
import { adopt, sealedIn, startRecording } from '../spool/support.ts'

function startSdk(scope = instrumentationScope) {
  const recording = startRecording()
  const processors = createProcessors(recording.journal)
  const traces = new TracerProvider({ spanProcessors: [processors.spans] })
  const logRecordLimits = { attributeCountLimit: 20_000 }
  const logs = new LoggerProvider({ processors: [processors.logs], logRecordLimits })
  return {
    recording,
    raw: processors.raw,
    tracer: traces.getTracer(scope, '1.2.3'),
    logger: logs.getLogger(scope),
    /** What the program has left behind, sealed. */
    sealed() {
      recording.finish()
      adopt(recording.folder)
      return sealedIn(recording.folder)
    },
  }
}

/** Attributes as an app without types may give them. */
const untyped = (attributes: Readonly<Record<string, unknown>>) =>
  attributes as Record<string, string>

test('every kind of value arrives unchanged', () => {
  const { tracer, sealed } = startSdk()
  const attributes = {
    text: 'caf\u00e9 \u2603',
    empty: '',
    yes: true,
    whole: 42,
    part: 0.5,
    large: 2 ** 60,
    texts: ['a', 'b'],
    numbers: [1, 2.5, Number.NaN],
  }
  tracer.startSpan('values', { attributes }).end()
  const [span] = sealed()
  expect(span?.attributes).toMatchObject({ ...attributes, numbers: [1, 2.5, 'NaN'] })
})

test('numbers that JSON does not have get the names that OTLP gives them', () => {
  const { tracer, sealed } = startSdk()
  const attributes = {
    nan: Number.NaN,
    up: Number.POSITIVE_INFINITY,
    down: Number.NEGATIVE_INFINITY,
  }
  tracer.startSpan('numbers', { attributes }).end()
  const values = sealed()[0]
    ?.otlp.attributes.slice(0, 3)
    .map(({ value }) => value)
  expect(values).toEqual([
    { doubleValue: 'NaN' },
    { doubleValue: 'Infinity' },
    { doubleValue: '-Infinity' },
  ])
})

// Forty edits of one file in a loop began in a few milliseconds, and pages and SQL showed them in the order of their random ids.
test('spans that begin in one millisecond get distinct times in their order, and end no earlier than they began', () => {
  const { tracer, sealed } = startSdk()
  const at = 1_700_000_000_123
  const names = Array.from({ length: 1_002 }, (_, index) => String(index))
  for (const name of names) tracer.startSpan(name, { startTime: at }).end(at)
  tracer.startSpan('next', { startTime: at + 1 }).end(at + 2)
  const spans = sealed().slice(0, -1)
  const starts = spans.map(
    ({ otlp }) => BigInt(otlp.startTimeUnixNano ?? 0) - BigInt(at) * 1_000_000n,
  )
  expect(spans.map(({ name }) => name)).toEqual([...names, 'next'])
  expect(starts.slice(0, 3)).toEqual([0n, 1_000n, 2_000n])
  expect(starts.slice(-4)).toEqual([999_000n, 999_999n, 999_999n, 1_000_000n])
  for (const { otlp } of spans.slice(0, -1))
    expect(otlp.endTimeUnixNano).toBe(otlp.startTimeUnixNano)
})

test('the times of the app’s own spans are not changed', () => {
  const { tracer, sealed } = startSdk('of the app')
  const at = 1_700_000_000_123
  for (const name of ['a', 'b']) tracer.startSpan(name, { startTime: at }).end(at)
  const starts = sealed().map(({ otlp }) => otlp.startTimeUnixNano)
  expect(starts.slice(0, 2)).toEqual([`${at}000000`, `${at}000000`])
})

test('a log body may hold anything: bytes, bigints, lists and objects in each other', () => {
  const { logger, sealed } = startSdk()
  logger.emit({
    body: untyped({
      bytes: new Uint8Array([0, 255]),
      nested: {
        list: [new Uint8Array([1]), { n: 'not a number' }, null],
        big: 2n ** 62n,
        huge: 2n ** 70n,
      },
      infinite: Number.POSITIVE_INFINITY,
    }),
  })
  expect(sealed()[0]?.body).toEqual({
    bytes: Buffer.from([0, 255]),
    nested: {
      list: [Buffer.from([1]), { n: 'not a number' }, null],
      big: String(2n ** 62n),
      huge: String(2n ** 70n),
    },
    infinite: 'Infinity',
  })
})

test('long texts and bytes are written beside the head and come back under their names', () => {
  const { tracer, logger, sealed } = startSdk()
  const long = { text: 'long '.repeat(1_000), wide: '\u2603'.repeat(2_000) }
  tracer.startSpan('long', { attributes: long }).end()
  logger.emit({
    body: 'body '.repeat(1_000),
    attributes: untyped({ ...long, bytes: Buffer.alloc(9, 7) }),
  })
  const [span, log] = sealed()
  expect(span?.attributes).toMatchObject(long)
  expect(log?.attributes).toMatchObject({ ...long, bytes: Buffer.alloc(9, 7) })
  expect(log?.body).toBe('body '.repeat(1_000))
})

test.each([
  ['short', 1],
  ['long', 500],
])(
  'NUL, lone surrogates and line ends in %s texts are unchanged, in valid JSON',
  (_name, times) => {
    const odd = 'a\0b\ud800c\udc00d\r\n\u2028"\\'.repeat(times)
    const { tracer, logger, sealed } = startSdk()
    const span = tracer.startSpan(odd, { attributes: { odd } })
    span.addEvent(odd, { odd })
    span.setStatus({ code: SpanStatusCode.ERROR, message: odd })
    span.end()
    logger.emit({ body: odd, attributes: { odd }, severityText: odd })
    const [sealedSpan, log] = sealed()
    expect(sealedSpan?.name).toBe(odd)
    expect(sealedSpan?.attributes.odd).toBe(odd)
    expect(sealedSpan?.otlp.status).toEqual({ code: 2, message: odd })
    expect(sealedSpan?.otlp.events).toMatchObject([
      { name: odd, attributes: [{ value: { stringValue: odd } }] },
    ])
    expect([log?.body, log?.attributes.odd]).toEqual([odd, odd])
  },
)

test('a body may hold a circle, and attributes may be ten thousand', () => {
  const { logger, sealed } = startSdk()
  const circle: Record<string, unknown> = { name: 'circle' }
  circle.self = circle
  const many = Array.from({ length: 10_000 }, (_, index) => [`name ${index}`, index])
  logger.emit({ body: untyped(circle), attributes: Object.fromEntries(many) })
  const [log] = sealed()
  expect(log?.body).toMatchObject({ name: 'circle', self: { name: 'circle', self: {} } })
  expect(log?.attributes).toMatchObject({ 'name 0': 0, 'name 9999': 9_999 })
})

test('a body that throws when it is read costs the body, not the record', () => {
  const { logger, sealed } = startSdk()
  const body = {
    get poison() {
      throw new Error('the app’s own')
    },
  }
  logger.emit({ body: untyped(body), attributes: { kept: true } })
  expect(sealed()[0]).toMatchObject({ attributes: { kept: true }, body: null })
})

test.each([
  ['before 1970', [-5, 0]],
  ['no number', [Number.NaN, 0]],
  ['a part of a second in the seconds', [1_700_000_000.5, 0]],
] as const)('a time that is %s never stops a record', (_name, [seconds, nanos]) => {
  const { tracer, sealed } = startSdk()
  tracer.startSpan('odd', { startTime: [seconds, nanos] }).end()
  const [span] = sealed()
  expect(span?.otlp.startTimeUnixNano).toMatch(/^\d+$/)
  expect(span?.name).toBe('odd')
})

const secret = `ghp_${'a1B2'.repeat(9)}`

test('secrets are redacted everywhere: in names, status, events, links, bodies, keys, bytes and nested values', () => {
  const { tracer, logger, sealed } = startSdk()
  const spanContext = {
    traceId: 'd'.repeat(32),
    spanId: 'e'.repeat(16),
    traceFlags: TraceFlags.SAMPLED,
  }
  const span = tracer.startSpan(`GET /${secret}`, {
    attributes: { plain: secret, list: [secret], [secret]: 'as a name' },
    links: [{ context: spanContext, attributes: { linked: secret } }],
  })
  span.recordException(new Error(`refused ${secret}`))
  span.setStatus({ code: SpanStatusCode.ERROR, message: secret })
  span.end()
  let deep: unknown = secret
  for (let depth = 0; depth < 50; depth += 1) deep = { deeper: deep }
  logger.emit({
    body: untyped({ deep, [secret]: 1, bytes: Buffer.from(secret) }),
    severityText: secret,
    eventName: secret,
    attributes: { secret },
  })
  const text = JSON.stringify(sealed().map(({ otlp, body }) => [otlp, body]))
  expect(text).not.toContain(secret)
  expect(text).not.toContain(Buffer.from(secret).toString('base64'))
  expect(text.split('REDACTED').length).toBeGreaterThan(12)
})

test('a start is journaled as it was, even if its span changes later', () => {
  const { tracer, recording } = startSdk()
  const span = tracer.startSpan('turn', { attributes: { 'gen_ai.operation.name': 'invoke_agent' } })
  span.setAttribute('added', 'later'.repeat(1_000))
  recording.journal.rotate()
  recording.log('a second later')
  recording.journal.rotate()
  adopt(recording.folder)
  const abandoned = sealedIn(recording.folder).find(({ name }) => name === 'turn')
  expect(abandoned?.attributes['turnlog.abandoned']).toBe(true)
  expect(abandoned?.attributes.added).toBeUndefined()
})

test('contents that come after a span’s end are not recorded', () => {
  const { tracer, raw, recording, sealed } = startSdk()
  const attributes = { 'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.call.id': 't' }
  const span = tracer.startSpan('tool', { attributes }, ROOT_CONTEXT)
  raw.content(span, 'tool.arguments', '{"in":"time"}')
  span.end()
  raw.content(span, 'tool.arguments', '{"too":"late"}')
  raw.wire(span, 1, { status: 200 })
  recording.journal.rotate()
  const [tool] = sealed()
  expect(tool?.attributes['gen_ai.tool.call.arguments']).toBe('{"in":"time"}')
})

test('empty contents are contents', () => {
  const { tracer, raw, sealed } = startSdk()
  const attributes = {
    'turnlog.file_operation.id': '00000000-0000-4000-8000-000000000000',
    'file.path': 'new\nline.txt',
  }
  const span = tracer.startSpan('file.write', { attributes })
  raw.content(span, 'file.before', new Uint8Array())
  raw.content(span, 'file.after', '')
  const content = { state: 'content', mode: 0o644 }
  raw.note(span, { operation: 'write', before: content, after: content })
  span.end()
  expect(sealed()[0]?.attributes).toMatchObject({
    'turnlog.file_operation.before': '',
    'turnlog.file_operation.after': '',
    'turnlog.file_operation.after.size': 0,
    'turnlog.file_operation.type': 'write',
    'file.path': 'new\nline.txt',
  })
})

test('spans of other libraries stay unchanged, with their own scope', () => {
  const { tracer, sealed } = startSdk('somebody-else')
  tracer.startSpan('theirs', { attributes: { 'gen_ai.operation.name': 'invoke_agent' } }).end()
  expect(sealed()[0]?.attributes).toMatchObject({
    'gen_ai.operation.name': 'invoke_agent',
    'turnlog.sequence': 1,
  })
})

test('an open span is recorded so far, with its contents, and again when it ends', () => {
  const { tracer, raw, sealed } = startSdk()
  const attributes = { 'gen_ai.operation.name': 'invoke_agent' }
  const turn = tracer.startSpan('turn', { attributes })
  raw.content(turn, 'turn.prompt', 'first')
  raw.interim(turn, Date.now() + 5, { 'turnlog.waiting': true })
  turn.end(Date.now() + 50)
  const [interim, ended] = sealed()
  for (const record of [interim, ended]) {
    expect(record?.attributes['gen_ai.input.messages']).toContain('first')
  }
  expect([interim, ended].map((record) => record?.attributes['turnlog.waiting'])).toEqual([
    true,
    undefined,
  ])
  expect(interim?.otlp.spanId).toBe(ended?.otlp.spanId)
  expect(interim?.otlp.startTimeUnixNano).toBe(ended?.otlp.startTimeUnixNano)
  expect(Number(interim?.otlp.endTimeUnixNano)).toBeLessThan(Number(ended?.otlp.endTimeUnixNano))
})

test('an open span that was recorded so far and then discarded is not closed after a crash', () => {
  const { tracer, raw, recording } = startSdk()
  const turn = tracer.startSpan('turn', { attributes: { 'gen_ai.operation.name': 'invoke_agent' } })
  raw.interim(turn, Date.now(), { 'turnlog.waiting': true })
  raw.discard(turn.spanContext().spanId)
  recording.journal.close()
  adopt(recording.folder)
  const turns = sealedIn(recording.folder).filter(({ name }) => name === 'turn')
  expect(turns.map(({ attributes }) => attributes['turnlog.abandoned'])).toEqual([undefined])
})

test('the children of a merged span end in the trace of the span that it was merged into', () => {
  const { tracer, logger, raw, sealed } = startSdk()
  const [from, to] = [tracer.startSpan('from'), tracer.startSpan('to')]
  const inside = trace.setSpan(ROOT_CONTEXT, from)
  const child = tracer.startSpan('child', {}, inside)
  const grandchild = tracer.startSpan('grandchild', {}, trace.setSpan(ROOT_CONTEXT, child))
  raw.merge(from, to)
  logger.emit({ body: 'said', context: inside })
  grandchild.end()
  child.end()
  to.end()
  const { traceId, spanId } = to.spanContext()
  const records = sealed().slice(0, -1)
  expect(records.map(({ otlp }) => otlp.traceId)).toEqual([traceId, traceId, traceId, traceId])
  const spans = new Map(records.map(({ name, otlp }) => [name, otlp]))
  expect(spans.get('child')?.parentSpanId).toBe(spanId)
  expect(spans.get('grandchild')?.parentSpanId).toBe(child.spanContext().spanId)
  expect(records[0]?.otlp.spanId).toBe(spanId)
})
