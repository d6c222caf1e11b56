import { hashContent } from '@turnlog/conventions/content/description'
import { mediaTypes } from '@turnlog/conventions/content/references'
import { expect, test } from 'vitest'
import { partRecords, toOutOfLineContent } from '../../src/otlp/content-records.ts'
import { type OtlpRecord, plain } from '../spool/support.ts'

const mebibyte = 1024 ** 2
const common = { 'session.id': 'a-session' }

function partsOf(value: string | Uint8Array) {
  const content = toOutOfLineContent(value, mediaTypes.text)
  const json = [...partRecords(content, { time: '1700000000000000000', common })]
  const records = json.map((text) => JSON.parse(text) as OtlpRecord)
  const bodies = records.map(({ body }) =>
    typeof body?.bytesValue === 'string'
      ? Buffer.from(body.bytesValue, 'base64')
      : Buffer.from(String(body?.stringValue)),
  )
  return { content, json, records, bodies, whole: Buffer.concat(bodies) }
}

test.each<[string, string | Uint8Array, number]>([
  ['a text of a byte less than a part', 'x'.repeat(mebibyte - 1), 1],
  ['a text of a part', 'x'.repeat(mebibyte), 1],
  ['a text of a byte more', 'x'.repeat(mebibyte + 1), 2],
  ['two parts exactly', 'x'.repeat(2 * mebibyte), 2],
  ['nothing', '', 1],
  ['characters of three bytes', '\u2603'.repeat(mebibyte), 4],
  ['pairs that a border would cut', `x${'\ud83d\ude00'.repeat(mebibyte / 4)}`, 2],
  ['pairs at each place of a border', `xyz${'\ud83d\ude00'.repeat(mebibyte)}`, 5],
  ['bytes', Buffer.alloc(2 * mebibyte + 1, Buffer.from([0, 255, 0x80])), 3],
  ['a text with control characters', `\x1b${'x'.repeat(mebibyte)}`, 3],
  ['NULs', '\0'.repeat(mebibyte), 2],
])('%s is cut between characters, and is itself when it is put together', (_name, value, count) => {
  const { content, json, records, bodies, whole } = partsOf(value)
  expect(whole.equals(Buffer.from(value as string))).toBe(true)
  expect(content).toMatchObject({ sha256: hashContent(value), size: whole.length })
  expect(records.map(({ attributes }) => plain(attributes))).toEqual(
    bodies.map((_, index) => ({
      ...common,
      'turnlog.content.sha256': hashContent(value),
      'turnlog.content.size': whole.length,
      'turnlog.content.media_type':
        typeof value === 'string' ? 'text/plain; charset=utf-8' : 'application/octet-stream',
      'turnlog.content.part': index + 1,
      'turnlog.content.parts': count,
    })),
  )
  for (const record of records) {
    expect(record).toMatchObject({
      eventName: 'turnlog.content',
      timeUnixNano: '1700000000000000000',
    })
    // What was text is text in each part.
    const text = record.body?.stringValue
    expect(typeof text).toBe(typeof value === 'string' ? 'string' : 'undefined')
    if (typeof text === 'string') expect(text.includes('\ufffd')).toBe(false)
  }
  for (const body of bodies) expect(body.length).toBeLessThanOrEqual(mebibyte)
  for (const each of json) expect(Buffer.byteLength(each)).toBeLessThan(4 * mebibyte - 4_096)
})

test('a text with lone surrogates is sent as bytes, without a loss', () => {
  const { content, whole, records } = partsOf(`a\ud83d${'b'.repeat(mebibyte)}\udc00`)
  expect(whole).toEqual(
    Buffer.concat([
      Buffer.from('a'),
      Buffer.from([0xed, 0xa0, 0xbd]),
      Buffer.from('b'.repeat(mebibyte)),
      Buffer.from([0xed, 0xb0, 0x80]),
    ]),
  )
  expect(content).toMatchObject({
    mediaType: 'application/octet-stream',
    sha256: hashContent(whole),
  })
  expect(records).toHaveLength(2)
})
