/** A trace with one of everything, as OTLP/JSON. */
import type { Json } from '../../../test/support/otlp.ts'

/** It lands today, and the files say it was then: `toGoldenTime`. */
const goldenStart = BigInt(Date.parse('2026-07-31T11:00:00Z'))
export const start = BigInt(Date.now() - 3_600_000)

/** Every time of the trace, in microseconds or nanoseconds, as if it were of the golden day. */
export function toGoldenTime(text: string): string {
  return text.replace(/\d{19}|\d{16}/g, (digits) => {
    const scale = digits.length === 19 ? 1_000_000n : 1_000n
    const milliseconds = BigInt(digits) / scale - start
    const isTime = milliseconds >= 0n && milliseconds < 10_000n
    return isTime ? String(BigInt(digits) + (goldenStart - start) * scale) : digits
  })
}

export const traceId = '0af7651916cd43dd8448eb211c80319c'

/** Milliseconds after the start, to the nanosecond. */
function at(milliseconds: number, nanoseconds = 0): string {
  return String((start + BigInt(milliseconds)) * 1_000_000n + BigInt(nanoseconds))
}

const text = (key: string, stringValue: string): Json => ({ key, value: { stringValue } })
const integer = (key: string, intValue: string): Json => ({ key, value: { intValue } })
const attribute = (key: string, value: Json): Json => ({ key, value })

const prompt = [{ role: 'user', parts: [{ type: 'text', content: 'Say «hi» 😀' }] }]
const answer = [{ role: 'assistant', parts: [{ type: 'text', content: 'hi' }] }]
/** Larger than what is shown whole. */
const conversation = Array.from({ length: 40 }, (_, index) => ({
  role: index % 2 === 0 ? 'user' : 'assistant',
  parts: [{ type: 'text', content: `message ${index} ${'x'.repeat(2_000)}` }],
}))

const everyType: readonly Json[] = [
  text('string', 'a "quoted" \\ line\nand é 😀'),
  text('string.empty', ''),
  text('string.looks_like_a_number', '1.0'),
  text('string.long', 'y'.repeat(1_500)),
  text('string.huge', 'z'.repeat(70_000)),
  text('string.with_nul', 'a\0b'),
  attribute('bool', { boolValue: false }),
  integer('int', '-42'),
  integer('int.beyond_2^53', '9007199254740993'),
  integer('int.min', '-9223372036854775808'),
  attribute('double', { doubleValue: 72.5 }),
  attribute('double.whole', { doubleValue: 3 }),
  attribute('double.tiny', { doubleValue: 1e-9 }),
  attribute('double.nan', { doubleValue: 'NaN' }),
  attribute('bytes', { bytesValue: 'AP8B' }),
  attribute('bytes.text', { bytesValue: Buffer.from('plain').toString('base64') }),
  attribute('list', { arrayValue: { values: [{ stringValue: 'a' }, { intValue: '1' }, {}] } }),
  attribute('list.long', {
    arrayValue: {
      values: Array.from({ length: 300 }, (_, index) => ({ intValue: String(index) })),
    },
  }),
  attribute('map', {
    kvlistValue: {
      values: [attribute('b', { boolValue: true }), attribute('a', { doubleValue: 2 })],
    },
  }),
  attribute('empty', {}),
]

const turn: Json = {
  traceId,
  spanId: '1000000000000001',
  name: 'invoke_agent example',
  kind: 1,
  startTimeUnixNano: at(0, 123_456),
  endTimeUnixNano: at(5_000, 654_321),
  traceState: 'vendor=1',
  flags: 257,
  attributes: [
    text('gen_ai.operation.name', 'invoke_agent'),
    text('gen_ai.agent.name', 'example'),
    text('gen_ai.input.messages', JSON.stringify(prompt)),
    text('gen_ai.output.messages', JSON.stringify(answer)),
  ],
  status: { code: 1 },
}

const call: Json = {
  traceId,
  spanId: '1000000000000002',
  parentSpanId: '1000000000000001',
  name: 'chat model-1',
  kind: 3,
  startTimeUnixNano: at(10),
  endTimeUnixNano: at(1_510, 1),
  attributes: [
    text('gen_ai.operation.name', 'chat'),
    text('gen_ai.request.model', 'model-1'),
    integer('gen_ai.usage.input_tokens', '1200'),
    text('gen_ai.input.messages', JSON.stringify(conversation)),
    integer('gen_ai.input.messages.size', String(JSON.stringify(conversation).length)),
    text('gen_ai.output.messages', JSON.stringify(answer)),
  ],
  links: [
    {
      traceId: '0AF7651916CD43DD8448EB211C80319D',
      spanId: 'B7AD6B7169203331',
      traceState: 'other=2',
      flags: 1,
      attributes: [text('why', 'retry')],
      droppedAttributesCount: 1,
    },
    {
      traceId,
      spanId: '1000000000000003',
      attributes: [text('opentracing.ref_type', 'child_of')],
    },
    { traceId: 'no-id', spanId: '' },
  ],
}

const tool: Json = {
  traceId,
  spanId: '1000000000000003',
  parentSpanId: '1000000000000001',
  name: 'execute_tool read_file',
  kind: 1,
  startTimeUnixNano: at(1_600),
  endTimeUnixNano: at(1_700),
  attributes: [...everyType],
  droppedAttributesCount: 4,
  events: [
    {
      timeUnixNano: at(1_650, 999),
      name: 'exception',
      attributes: [
        text('exception.type', 'Error'),
        text('exception.stacktrace', 'at '.repeat(600)),
      ],
      droppedAttributesCount: 2,
    },
    { timeUnixNano: at(1_660), name: 'named', attributes: [text('event', 'its own')] },
    { timeUnixNano: '0' },
  ],
  droppedEventsCount: 5,
  droppedLinksCount: 6,
  status: { code: 2, message: 'no such file' },
}

/** What other clients send. */
const strange: readonly Json[] = [
  {
    name: 'its parent never came',
    spanId: '2000000000000001',
    parentSpanId: '2fffffffffffffff',
    startTimeUnixNano: at(2_000),
    endTimeUnixNano: at(2_001),
    kind: 2,
  },
  {
    name: 'is its own parent',
    spanId: '2000000000000002',
    parentSpanId: '2000000000000002',
    startTimeUnixNano: at(2_002),
    endTimeUnixNano: at(2_003),
    kind: 4,
  },
  {
    name: 'in a circle, first',
    spanId: '2000000000000003',
    parentSpanId: '2000000000000004',
    startTimeUnixNano: at(2_004),
    endTimeUnixNano: at(2_006),
    kind: 5,
  },
  {
    name: 'in a circle, second',
    spanId: '2000000000000004',
    parentSpanId: '2000000000000003',
    startTimeUnixNano: at(2_005),
    endTimeUnixNano: at(2_006),
  },
  {
    name: 'has not ended',
    spanId: '2000000000000005',
    parentSpanId: '1000000000000001',
    startTimeUnixNano: at(2_007),
    endTimeUnixNano: '0',
    kind: 99,
  },
  {
    name: 'ended before it started',
    spanId: '2000000000000006',
    parentSpanId: '1000000000000001',
    startTimeUnixNano: at(2_008),
    endTimeUnixNano: at(2_007),
  },
].map((span) => ({ traceId, ...span }))

export const request: Json = {
  resourceSpans: [
    {
      resource: {
        attributes: [
          text('service.name', 'example'),
          text('service.version', '1.4.0'),
          text('session.id', 's-1'),
          integer('process.pid', '4711'),
          attribute('process.command_args', {
            arrayValue: { values: Array.from({ length: 200 }, () => ({ stringValue: '--flag' })) },
          }),
        ],
      },
      schemaUrl: 'https://example.com/resource',
      scopeSpans: [
        {
          scope: {
            name: 'scope.one',
            version: '1.2.3',
            attributes: [text('scope.kind', 'agent'), integer('scope.number', '7')],
          },
          schemaUrl: 'https://example.com/scope',
          spans: [turn, call],
        },
        { scope: { name: 'scope.two' }, spans: [tool] },
      ],
    },
    {
      resource: { attributes: [text('service.name', 'other/service')] },
      scopeSpans: [{ scope: {}, spans: strange.slice(0, 4) }],
    },
    { resource: { attributes: [] }, scopeSpans: [{ spans: strange.slice(4) }] },
  ],
}
