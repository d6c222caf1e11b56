/**
 * Taking large members out of messages in the app, and putting them back in PostgreSQL, are two programs in two languages.
 * This test runs both on random messages: whatever these contain, they are read as they were written.
 */

import { expect, test } from 'vitest'
import { partRecords } from '../instrumentation/src/otlp/content-records.ts'
import { takeOutOfLine } from '../instrumentation/src/otlp/out-of-line.ts'
import type { Json } from './support/otlp.ts'
import { logsRequest, nanoseconds, newTraceId, post, span, traceRequest } from './support/otlp.ts'
import { openRandom } from './support/random.ts'
import { withReceiver } from './support/receiver.ts'

const seed = 20_261_123
const rounds = 150

const signs = [
  'a',
  '"',
  '\\',
  '\\u0000',
  '\\000',
  '/',
  '\n',
  '\t',
  '\x01',
  '\x7f',
  '\0',
  '\u00e9',
  '\u2028',
  '\ufeff',
  '\u65e5',
  '\ud83d\ude00',
  '\ud83d',
  '\udc00',
  '.ref":"sha256:',
  '{"content.ref":"',
  'content.size',
  ' ',
]

function messages(random: (below: number) => number): unknown {
  const text = (): string => {
    // Most messages are plain; some may contain anything.
    const kinds = random(3) === 0 ? signs.length : 9
    const piece = Array.from({ length: 1 + random(8) }, () => signs[random(kinds)]).join('')
    return piece.repeat(random(4) === 0 ? 400 : 1 + random(3))
  }
  const value = (depth: number): unknown => {
    switch (random(depth > 3 ? 4 : 7)) {
      case 0:
        return random(1_000_000) / 7
      case 4:
        return Array.from({ length: random(3) }, () => value(depth + 1))
      case 5:
      case 6:
        return Object.fromEntries(
          Array.from({ length: random(4) }, (_, index) => [
            random(3) === 0 ? `${text().slice(0, 20)}${index}` : `name${index}`,
            value(depth + 1),
          ]),
        )
      default:
        return text()
    }
  }
  const part = () =>
    random(2) === 0
      ? { type: 'text', content: text() }
      : { type: 'tool_call', id: 'toolu_1', name: 'write_file', arguments: value(0) }
  return Array.from({ length: 1 + random(3) }, () => ({
    role: random(2) === 0 ? 'user' : 'assistant',
    parts: Array.from({ length: 1 + random(3) }, part),
  }))
}

test(`messages made at random (seed ${seed}) are read as they were written`, async () => {
  const { database, receiver } = await withReceiver()
  const { below: random } = openRandom(seed)
  const written = new Map<string, string>()
  const spans: Json[] = []
  const parts: Json[] = []
  const time = nanoseconds()
  let moved = 0
  for (let round = 0; round < rounds; round += 1) {
    const text = JSON.stringify(messages(random))
    const attributes: Record<string, unknown> = { 'gen_ai.input.messages': text }
    const { contents } = takeOutOfLine(
      { holders: [attributes], toJson: () => '' },
      { inlineBytesMax: 1_024, contentBytesMax: 16 * 1024 ** 2 },
    )
    moved += contents.length
    for (const content of contents) {
      for (const json of partRecords(content, { time, common: {} })) parts.push(JSON.parse(json))
    }
    const traceId = newTraceId()
    written.set(traceId, text)
    const left = { 'gen_ai.input.messages': String(attributes['gen_ai.input.messages']) }
    spans.push(
      span({ 'gen_ai.operation.name': 'chat', ...left }, { traceId, startTimeUnixNano: time }),
    )
  }
  expect(moved).toBeGreaterThan(rounds / 2)
  const resource = { 'service.instance.id': 'recorder-1' }
  for (const [signal, body] of [
    ['logs', logsRequest(parts, resource)],
    ['traces', traceRequest(spans)],
  ] as const) {
    const answer = await post(receiver, signal, body)
    expect([answer.status, await answer.json()]).toEqual([200, {}])
  }
  const rows = await database.query<{ trace_id: string; input_messages: string }>(
    'select trace_id, input_messages from model_calls',
  )
  expect(rows).toHaveLength(rounds)
  for (const { trace_id, input_messages } of rows) {
    expect(input_messages).toBe(written.get(trace_id))
  }
})
