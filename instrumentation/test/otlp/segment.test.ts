import { readdirSync, readFileSync } from 'node:fs'
import * as path from 'node:path'
import { mediaTypes } from '@turnlog/conventions/content/references'
import { expect, test } from 'vitest'
import { originalFs } from '../../src/file-system.ts'
import { toOutOfLineContent } from '../../src/otlp/content-records.ts'
import type { SealedRecord } from '../../src/otlp/outlet.ts'
import { SegmentWriter } from '../../src/otlp/segment.ts'
import { listSegments } from '../../src/spool/recorder-folder.ts'
import { compareSegments, parseSegmentName } from '../../src/spool/segment-name.ts'
import { faultyDisk, quickDisk } from '../spool/faulty-disk.ts'
import { partsIn, plain, readSegment, temporaryFolder } from '../spool/support.ts'

const mebibyte = 1024 ** 2

function recordOf(
  sequence: number,
  text: string,
  changes: Partial<SealedRecord> = {},
): SealedRecord {
  const json = JSON.stringify({ name: text, attributes: [] })
  return {
    signal: 'traces',
    sequence,
    scope: { name: 'a-scope' },
    declares: 0,
    json,
    time: '1700000000000000000',
    contents: [],
    ...changes,
  }
}

function write(folder: string, records: readonly SealedRecord[], resource: object = {}): void {
  const segments = new SegmentWriter({ fileSystem: quickDisk, folder, resource: () => resource })
  for (const record of records) segments.add(record)
  segments.finish()
}

test('a name has the first and last sequence, the number of records, and of the sequences they declare', () => {
  const folder = temporaryFolder()
  write(folder, [
    recordOf(7, 'a'),
    recordOf(8, 'b'),
    recordOf(9, 'c', { signal: 'logs', declares: 3 }),
  ])
  expect(listSegments(originalFs, folder)).toEqual([
    {
      name: '000000000007-000000000008-2.traces.json.gz',
      first: 7,
      last: 8,
      records: 2,
      declares: 0,
      parts: 0,
      signal: 'traces',
    },
    {
      name: '000000000009-000000000009-1+3.logs.json.gz',
      first: 9,
      last: 9,
      records: 1,
      declares: 3,
      parts: 0,
      signal: 'logs',
    },
  ])
})

test('a sequence of more than twelve digits has a name as well', () => {
  const folder = temporaryFolder()
  write(folder, [recordOf(2 ** 52, 'far')])
  expect(listSegments(originalFs, folder)).toMatchObject([{ first: 2 ** 52, last: 2 ** 52 }])
})

test.each([
  'x.json.gz',
  '1-2-3.traces.json.gz',
  '000000000001-000000000002-2.traces.json.gz.tmp',
  '000000000001-000000000002-2.metrics.json.gz',
  '000000000001-000000000002-2+1.0001.contents.json.gz',
  '000000000001-000000000002-2.1.contents.json.gz',
])('%s is no segment', (name) => expect(parseSegmentName(name)).toBeUndefined())

test('no body is above 4 MiB, whatever the characters, resource and scopes; none is empty', () => {
  const folder = temporaryFolder()
  const resource = Object.fromEntries(
    Array.from({ length: 50 }, (_, index) => [`name ${index}`, '\u2603'.repeat(1_000)]),
  )
  const texts = [
    'x'.repeat(60_000),
    '\u2603'.repeat(60_000),
    '"\\\n'.repeat(20_000),
    '\ud83d\ude00'.repeat(9_000),
  ]
  const records = Array.from({ length: 200 }, (_, index) =>
    recordOf(index + 1, texts[index % 4] ?? '', {
      scope: { name: `scope ${index} ${'s'.repeat(300)}` },
    }),
  )
  write(folder, records, resource)
  const segments = listSegments(originalFs, folder)
  for (const { name } of segments) {
    const { bytes } = readSegment(path.join(folder, name))
    expect(bytes).toBeLessThanOrEqual(4 * mebibyte)
  }
  expect(segments.reduce((sum, each) => sum + each.records, 0)).toBe(200)
  expect(Math.min(...segments.map((each) => each.records))).toBeGreaterThan(0)
})

test('a record above 4 MiB is alone in its body', () => {
  const folder = temporaryFolder()
  write(folder, [recordOf(1, 'small'), recordOf(2, 'x'.repeat(5 * mebibyte)), recordOf(3, 'small')])
  expect(listSegments(originalFs, folder).map(({ first, last }) => [first, last])).toEqual([
    [1, 1],
    [2, 2],
    [3, 3],
  ])
})

test('the same records written again are the same files', () => {
  const folder = temporaryFolder()
  const records = Array.from({ length: 30 }, (_, index) => recordOf(index + 1, 'y'.repeat(300_000)))
  write(folder, records)
  const read = (): [string, Buffer][] =>
    readdirSync(folder)
      .sort()
      .map((name) => [name, readFileSync(path.join(folder, name))])
  const before = read()
  write(folder, records)
  expect(read()).toEqual(before)
  expect(before.length).toBeGreaterThan(2)
})

test('records keep their order and their scopes', () => {
  const folder = temporaryFolder()
  const scopes = [{ name: 'a', version: '1', schemaUrl: 'https://a' }, { name: 'b' }]
  write(
    folder,
    [1, 2, 3, 4].map((sequence) =>
      recordOf(sequence, `r${sequence}`, { scope: scopes[sequence % 2] ?? { name: '' } }),
    ),
  )
  const [segment] = listSegments(originalFs, folder)
  const { records } = readSegment(path.join(folder, segment?.name ?? ''))
  expect(records.map(({ name }) => name)).toEqual(['r1', 'r3', 'r2', 'r4'])
})

const dayNanoseconds = 86_400_000_000_000n

/** A record of the day after so many others, which refers to contents. */
function referring(sequence: number, texts: readonly string[], days = 0n): SealedRecord {
  const contents = texts.map((text) => toOutOfLineContent(text, mediaTypes.text))
  const time = String(1_700_000_000_000_000_000n + days * dayNanoseconds)
  return recordOf(sequence, `refers ${sequence}`, { contents, time })
}

test('contents come before the records of their file, by name, and take no sequence', () => {
  const folder = temporaryFolder()
  const segments = new SegmentWriter({
    fileSystem: quickDisk,
    folder,
    resource: () => ({}),
    common: { 'session.id': 'a-session' },
  })
  const text = (index: number): string => `${index}${'x'.repeat(mebibyte - 1)}`
  segments.begin(5)
  segments.add(recordOf(5, 'no content'))
  segments.add(referring(6, [text(1), text(2)]))
  segments.add(recordOf(7, 'a log', { signal: 'logs' }))
  segments.add(referring(8, [text(3), text(4), text(5), text(6)]))
  segments.finish()
  segments.begin(9)
  segments.add(referring(9, [text(7)]))
  segments.finish()
  expect(listSegments(originalFs, folder).map(({ name }) => name)).toEqual([
    '000000000005-000000000008-3.0001.contents.json.gz',
    '000000000005-000000000008-3.0002.contents.json.gz',
    '000000000005-000000000008-3.traces.json.gz',
    '000000000007-000000000007-1.logs.json.gz',
    '000000000009-000000000009-1.0001.contents.json.gz',
    '000000000009-000000000009-1.traces.json.gz',
  ])
  expect(parseSegmentName('000000000005-000000000008-3.0001.contents.json.gz')).toMatchObject({
    first: 5,
    last: 8,
    records: 0,
    declares: 0,
    parts: 3,
    signal: 'logs',
  })
  for (const { name } of listSegments(originalFs, folder)) {
    expect(readSegment(path.join(folder, name)).bytes).toBeLessThanOrEqual(4 * mebibyte)
  }
  const [first] = listSegments(originalFs, folder)
  const { records } = readSegment(path.join(folder, first?.name ?? ''))
  expect(plain(records[0]?.attributes ?? [])).toMatchObject({ 'session.id': 'a-session' })
  expect(plain(records[0]?.attributes ?? [])).not.toHaveProperty('turnlog.sequence')
})

test('segments are sent in one order: by first sequence, then contents by their number, traces, logs', () => {
  const order = [
    '000000000001-000000000009-4.0002.contents',
    '000000000001-000000000009-4.0010.contents',
    '000000000001-000000000009-4.9999.contents',
    '000000000001-000000000009-4.10000.contents',
    '000000000001-000000000003-3.traces',
    '000000000001-000000000002-2+5.logs',
    '000000000004-000000000004-1.logs',
    '000000000005-000000000005-1.traces',
  ].map((name) => `${name}.json.gz`)
  const parsed = order.map(parseSegmentName).filter((segment) => segment !== undefined)
  expect(parsed).toHaveLength(order.length)
  for (const [earlier, a] of parsed.entries()) {
    for (const [later, b] of parsed.entries()) {
      expect([a.name, b.name, Math.sign(compareSegments(a, b))]).toEqual([
        a.name,
        b.name,
        Math.sign(earlier - later),
      ])
    }
  }
})

test('the contents of a file are sent before its first record, though their names sort behind it', () => {
  const folder = temporaryFolder()
  const segments = new SegmentWriter({ fileSystem: quickDisk, folder, resource: () => ({}) })
  segments.begin(1)
  segments.add(recordOf(1, 'x'.repeat(3 * mebibyte)))
  segments.add(recordOf(2, 'x'.repeat(3 * mebibyte)))
  segments.add(referring(3, ['a content']))
  segments.finish()
  const sent = listSegments(originalFs, folder).map(({ name }) => name)
  expect(sent).toEqual([
    '000000000001-000000000003-1.0001.contents.json.gz',
    '000000000001-000000000001-1.traces.json.gz',
    '000000000002-000000000003-2.traces.json.gz',
  ])
})

test('contents are in place before the first record that refers to them is, however many there are', () => {
  const folder = temporaryFolder()
  const seen = new Set<string>()
  const fileSystem = faultyDisk(({ name, values }) => {
    if (name !== 'renameSync') return undefined
    const target = String(values[1])
    if (target.endsWith('.traces.json.gz')) {
      for (const { sha256 } of partsIn(folder)) seen.add(sha256)
      const { records } = readSegment(String(values[0]))
      for (const { name: hash } of records) expect(seen).toContain(hash)
    }
    return undefined
  })
  const segments = new SegmentWriter({ fileSystem, folder, resource: () => ({}) })
  segments.begin(1)
  for (let sequence = 1; sequence <= 20; sequence += 1) {
    const content = toOutOfLineContent(`content ${sequence}`, mediaTypes.text)
    const json = JSON.stringify({ name: content.sha256, pad: 'p'.repeat(mebibyte) })
    segments.add(recordOf(sequence, '', { json, contents: [content] }))
  }
  segments.finish()
  expect(seen.size).toBe(20)
})

test('a content is sent once per UTC day, and again when it may be lost', () => {
  const folder = temporaryFolder()
  const segments = new SegmentWriter({ fileSystem: quickDisk, folder, resource: () => ({}) })
  const days = (): string[] =>
    partsIn(folder).map(({ time }) => String(BigInt(time) / dayNanoseconds))
  segments.begin(1)
  segments.add(referring(1, ['same', 'same']))
  segments.add(referring(2, ['same']))
  segments.finish()
  segments.begin(3)
  segments.add(referring(3, ['same']))
  segments.add(referring(4, ['same'], 1n))
  segments.finish()
  expect(days()).toEqual(['19675', '19676'])
  segments.forgetContents()
  segments.begin(5)
  segments.add(referring(5, ['same']))
  segments.finish()
  expect(days()).toEqual(['19675', '19676', '19675'])
})
