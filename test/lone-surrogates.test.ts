/**
 * A text has one hash, whoever makes it. JavaScript's texts may hold lone surrogates, which have no UTF-8: the sender hashes
 * their three bytes of WTF-8, and the receiver reads them as escapes of a JSON body. Beside them the body may hold bytes
 * that are not UTF-8, which the receiver keeps as they are.
 */
import { hashContent } from '@turnlog/conventions/content/description'
import { encodeText } from '@turnlog/conventions/content/text'
import { expect, test } from 'vitest'
import { planEvents } from '../receiver/src/events/plan.ts'
import type { Batch } from '../receiver/src/otlp/rows/batch.ts'
import { toBatch } from '../receiver/src/otlp/rows/rows.ts'
import { decode } from '../receiver/src/otlp/wire/decode.ts'
import { parseJson } from '../receiver/src/otlp/wire/json.ts'
import { decodeText } from '../receiver/src/otlp/wire/text.ts'
import { contentParts } from './support/content-parts.ts'
import { type Attributes, type Json, log, logsRequest, span, traceRequest } from './support/otlp.ts'
import { openRandom, type Random } from './support/random.ts'

const period = { now: new Date(), retentionDays: 30, purgedBefore: undefined }
const rounds = 2_000

/** Surrogates beside each other make pairs; backslashes before `udc80` make what only looks like an escape. */
function randomText({ below, pick }: Random): string {
  const pieces = [
    () => String.fromCharCode(0xd800 + below(0x800)),
    () => String.fromCharCode(0xdc80 + below(0x80)),
    () => pick(['a', '\\', '\\\\', 'udc80', '\\ud83d', '"', '\n', 'é', '€', '🎈', '\0']),
  ]
  return Array.from({ length: below(12) }, () => pick(pieces)()).join('')
}

function hashesOf({ contents }: Batch): readonly string[] {
  return [...contents.values()].map(({ sha256 }) => `sha256:${sha256.toString('hex')}`)
}

function batchOf(signal: 'traces' | 'logs', body: Buffer): Batch {
  const decoded = decode({ signal, encoding: 'json', body })
  if (decoded.status !== 'decoded') throw new Error(decoded.status)
  const batch = toBatch(decoded.request, { period, userId: undefined })
  expect(batch.rejects).toEqual([])
  return batch
}

const batchOfSpan = (members: Attributes) =>
  batchOf('traces', Buffer.from(JSON.stringify(traceRequest([span(members)]))))

function batchesOfEvent(event: Json): readonly Batch[] {
  const body = Buffer.from(JSON.stringify([{ timestamp: Date.now(), ...event }]))
  const values = parseJson(decodeText(body) ?? '')
  const { events, requests } = planEvents(Array.isArray(values) ? values : [], {
    sender: { teamId: 'default', userId: undefined },
    period,
  })
  expect(events.map(({ status }) => status)).toEqual(['planned'])
  return [requests.traces, requests.logs].map((request) =>
    toBatch(request, { period, userId: undefined }),
  )
}

const hashOfSender = (text: string) => hashContent(encodeText(text))

test('a content has the hash that its sender gives it (seed 5)', () => {
  const random = openRandom(5)
  for (let round = 0; round < rounds; round += 1) {
    const text = randomText(random)
    const found = hashesOf(batchOfSpan({ 'turnlog.file_operation.after': text }))
    expect(found, `round ${round}: ${JSON.stringify(text)}`).toContain(hashOfSender(text))
  }
})

test('a content that is a list or a map has the hash of its JSON (seed 6)', () => {
  const random = openRandom(6)
  for (let round = 0; round < rounds; round += 1) {
    const [name, text] = [randomText(random), randomText(random)]
    const value = new Map([[name, [text]]])
    const found = hashesOf(batchOfSpan({ 'gen_ai.tool.call.arguments': value }))
    const json = JSON.stringify({ [name]: [text] })
    expect(found, `round ${round}: ${json}`).toContain(hashContent(json))
  }
})

test('a prompt inside messages has the hash of its text, and the message that of its JSON (seed 7)', () => {
  const random = openRandom(7)
  for (let round = 0; round < rounds; round += 1) {
    const text = randomText(random)
    const message = { role: 'user', parts: [{ type: 'text', content: text }] }
    const found = hashesOf(
      batchOfSpan({
        'gen_ai.operation.name': 'invoke_agent',
        'gen_ai.input.messages': JSON.stringify([message]),
      }),
    )
    expect(found, `round ${round}: ${JSON.stringify(text)}`).toEqual([
      hashContent(JSON.stringify(message)),
      hashOfSender(text),
    ])
  }
})

test('a content in parts is put together where they are texts (seed 8)', () => {
  const random = openRandom(8)
  for (let round = 0; round < rounds; round += 1) {
    const [one, two] = [`${randomText(random)}-`, randomText(random)]
    const parts = contentParts(one + two, {
      cutAt: [one.length],
      sha256: hashOfSender(one + two),
      size: encodeText(one + two).length,
    })
    const batch = batchOf('logs', Buffer.from(JSON.stringify(logsRequest(parts))))
    expect(hashesOf(batch), `round ${round}`).toEqual([hashOfSender(one + two)])
  }
})

test('a plain event’s texts and JSON have the hashes of an OTLP client’s (seed 9)', () => {
  const random = openRandom(9)
  for (let round = 0; round < rounds; round += 1) {
    const [text, other] = [randomText(random), randomText(random)]
    const args = { [other]: text }
    const ofTool = batchesOfEvent({ type: 'ToolCall', toolName: 't', args, result: other })
    const ofTurn = batchesOfEvent({ type: 'ChatTurn', userPrompt: text, assistantFinal: other })
    const found = [...ofTool, ...ofTurn].flatMap(hashesOf)
    const message = { role: 'user', parts: [{ type: 'text', content: text }] }
    for (const expected of [
      hashContent(JSON.stringify(args)),
      hashOfSender(other),
      hashContent(JSON.stringify(message)),
      hashOfSender(text),
    ]) {
      expect(found, `round ${round}: ${JSON.stringify(text)}`).toContain(expected)
    }
  }
})

test('bytes that are not UTF-8 stay the bytes they are, also behind an escape', () => {
  const body = JSON.stringify(logsRequest([log({ 'exception.message': 'x' }, { body: 'BODY' })]))
  const stray = Buffer.from([0x80, 0xff, 0xc3])
  const escapes = Buffer.from('\\ud83d\\udc80\\ud83d')
  const text = Buffer.concat([escapes, stray, Buffer.from('y'.repeat(2_000))])
  const [before = '', after = ''] = body.split('"BODY"')
  const found = hashesOf(
    batchOf(
      'logs',
      Buffer.concat([Buffer.from(`${before}{"stringValue":"`), text, Buffer.from(`"}${after}`)]),
    ),
  )
  const bytes = Buffer.concat([encodeText('\ud83d\udc80\ud83d'), stray, text.subarray(-2_000)])
  expect(found).toContain(hashContent(bytes))
})
