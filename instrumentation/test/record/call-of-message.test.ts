/** Whose job a message to a worker is, whoever woke the queue that the job waited in. */
import { TraceFlags, trace } from '@opentelemetry/api'
import { expect, test } from 'vitest'
import { callOfMessage } from '../../src/record/call-of-message.ts'
import { ToolCall } from '../../src/record/tool-call.ts'

let spans = 0

function callOf(turn: string, given: object, id?: string): ToolCall {
  spans += 1
  const context = {
    traceId: turn.padStart(32, '0'),
    spanId: String(spans).padStart(16, '0'),
    traceFlags: TraceFlags.SAMPLED,
  }
  const description = { name: 'write_file', id, arguments: JSON.stringify(given) }
  return new ToolCall(description, trace.wrapSpanContext(context))
}

const one = callOf('1', { path: 'one.txt', content: 'text' }, 'toolu_1')
const two = callOf('2', { path: 'two.txt', content: 'text' }, 'toolu_2')
const both = [one, two]
const ownOf = ({ span }: ToolCall) => span.spanContext()

test.for([
  ['with the arguments as an object', { id: 7, params: [{ path: 'two.txt', content: 'text' }] }],
  ['with the arguments one by one', [1, 'write', ['two.txt', 'text']]],
  ['with the id', { task: { use: { id: 'toolu_2' } } }],
])('a message %s is about that call, whoever posts it', ([, message]) => {
  expect(callOfMessage(message, both, ownOf(one))).toBe(two)
  expect(callOfMessage(message, both, undefined)).toBe(two)
})

test('a message that names a part of the arguments is about no call', () => {
  expect(callOfMessage({ path: 'two.txt' }, both, ownOf(one))).toBeUndefined()
  expect(callOfMessage('text', both, undefined)).toBeUndefined()
})

test('a message about several calls is about that of its context, or of its turn', () => {
  const history = [{ id: 'toolu_1' }, { id: 'toolu_2' }]
  expect(callOfMessage(history, both, ownOf(two))).toBe(two)
  const turn = { traceId: ownOf(one).traceId, spanId: 'f'.repeat(16) }
  expect(callOfMessage(history, both, turn)).toBe(one)
  expect(callOfMessage(history, both, undefined)).toBeUndefined()
})

test('a call without texts in its arguments is known by its id only', () => {
  const bare = callOf('3', { number: 1 }, 'toolu_3')
  expect(callOfMessage({ number: 1 }, [bare], undefined)).toBeUndefined()
  expect(callOfMessage(['toolu_3'], [bare], undefined)).toBe(bare)
})

test('nothing of the host is called, and a large message is searched in part', () => {
  const fails = () => {
    throw new Error('called')
  }
  const message = {
    proxy: new Proxy({}, { ownKeys: fails, get: fails }),
    get getter() {
      return fails()
    },
    bytes: new Uint8Array(10_000_000),
    texts: Array.from({ length: 100_000 }, (_, index) => `text ${index}`),
    late: 'toolu_2',
  }
  expect(callOfMessage(message, both, undefined)).toBeUndefined()
})
