import { expect, test } from 'vitest'
import {
  framingBytes,
  type JournalContent,
  prepareRecord,
  type ReadResult,
  RecordBuffer,
  readRecord,
  seedOf,
} from '../../src/journal/journal-record.ts'

const seed = seedOf('a-recorder', 1)

function bytesOf(
  records: readonly (readonly [object, readonly JournalContent[]])[],
  of = seed,
): Buffer {
  return Buffer.concat(
    records.map(([head, contents]) => {
      const prepared = prepareRecord(head, contents)
      if (prepared === undefined) throw new Error('no JSON')
      const buffer = new RecordBuffer()
      buffer.put(prepared, of)
      return Buffer.from(buffer.take())
    }),
  )
}

/** Reads to the end: what was read, and how it ended. */
function readAll(file: Buffer, of = seed): { heads: unknown[]; statuses: ReadResult['status'][] } {
  const heads: unknown[] = []
  const statuses: ReadResult['status'][] = []
  for (let offset = 0; ; ) {
    const result = readRecord(file, offset, of)
    statuses.push(result.status)
    if (result.status === 'end' || result.status === 'torn') return { heads, statuses }
    if (result.status === 'record') heads.push(result.head.n)
    expect(result.next).toBeGreaterThan(offset)
    offset = result.next
  }
}

const three = bytesOf([
  [{ k: 'log', n: 1 }, [['a:x', 'first']]],
  [
    { k: 'log', n: 2 },
    [
      ['a:x', 'sec\u00f6nd'],
      ['a:y', '\u2603 \ud800'],
      ['a:z', Buffer.from([0, 255])],
    ],
  ],
  [{ k: 'log', n: 3 }, [['a:x', '']]],
])
const length = three.byteLength / 3

test('a record comes back as it was: Latin-1, two-byte, bytes and empty contents', () => {
  const contents: JournalContent[] = [
    ['latin1', 'caf\u00e9\n'],
    ['utf16', 'snow \u2603 and a lone \udc00'],
    ['bytes', Buffer.from([0, 1, 254, 255])],
    ['empty text', ''],
    ['empty bytes', new Uint8Array()],
  ]
  const file = bytesOf([[{ k: 'log', s: 7, text: 'h\u00e9ad \ud83d\ude00' }, contents]])
  const result = readRecord(file, 0, seed)
  if (result.status !== 'record') throw new Error(result.status)
  expect(result.head).toMatchObject({ k: 'log', s: 7, text: 'h\u00e9ad \ud83d\ude00' })
  expect(result.next).toBe(file.byteLength)
  expect(
    result.contents.map(({ slot, encoding, bytes }) => [
      slot,
      encoding === 'bytes'
        ? [...bytes]
        : bytes.toString(encoding === 'latin1' ? 'latin1' : 'utf16le'),
    ]),
  ).toEqual(contents.map(([slot, value]) => [slot, typeof value === 'string' ? value : [...value]]))
  for (const { bytes, offset } of result.contents) {
    expect(file.subarray(offset, offset + bytes.byteLength)).toEqual(bytes)
  }
})

test('every truncation of the last record is torn, and the records before it are whole', () => {
  for (let cut = three.byteLength - 1; cut > 0; cut -= 1) {
    const { heads, statuses } = readAll(three.subarray(0, cut))
    const isBetween = statuses.at(-1) === 'end'
    expect(statuses.filter((status) => status === 'corrupt')).toEqual([])
    expect(heads).toEqual([1, 2, 3].slice(0, heads.length))
    expect(isBetween).toBe(bytesOfFirst(heads.length) === cut)
  }
  function bytesOfFirst(count: number): number {
    let offset = 0
    for (let each = 0; each < count; each += 1) {
      const result = readRecord(three, offset, seed)
      if (result.status === 'record') offset = result.next
    }
    return offset
  }
})

test('a flipped bit anywhere costs its own record and no other', () => {
  expect(length).toBeGreaterThan(framingBytes)
  const ends = [0, 0, 0]
  for (let offset = 0, each = 0; each < 3; each += 1) {
    const result = readRecord(three, offset, seed)
    if (result.status === 'record') offset = result.next
    ends[each] = offset
  }
  for (let at = 0; at < three.byteLength; at += 1) {
    for (const bit of [0x01, 0x10, 0x80]) {
      const damaged = Buffer.from(three)
      damaged[at] = (damaged[at] ?? 0) ^ bit
      const hit = ends.findIndex((end) => at < end) + 1
      const { heads } = readAll(damaged)
      expect({ at, bit, heads }).toEqual({ at, bit, heads: [1, 2, 3].filter((n) => n !== hit) })
    }
  }
})

test.each([
  ['shorter', 8],
  ['longer', 400],
  ['beyond the file', 0xffff_ffff],
  ['nothing', 0],
])('a length in the middle that became %s costs one record', (_name, value) => {
  const damaged = Buffer.from(three)
  const first = readRecord(three, 0, seed)
  if (first.status !== 'record') throw new Error(first.status)
  damaged.writeUInt32LE(value, first.next)
  expect(readAll(damaged).heads).toEqual([1, 3])
})

test('a journal that is recorded as a content is not read as records', () => {
  const own = seedOf('a-recorder', 2)
  const outer = bytesOf(
    [
      [{ k: 'content', n: 10 }, [['file.after', three]]],
      [{ k: 'log', n: 11 }, []],
    ],
    own,
  )
  // The outer record is damaged, so the reader looks for the next one, inside the content as well.
  outer[4] = (outer[4] ?? 0) ^ 1
  expect(readAll(outer, own).heads).toEqual([11])
})

test('bytes of zeros, as after a power cut, are not records and take no time', () => {
  const zeros = Buffer.concat([three, Buffer.alloc(8 * 1024 ** 2)])
  expect(readAll(zeros).heads).toEqual([1, 2, 3])
})

test('a file that looks like records everywhere is given up within bounds', () => {
  const lure = Buffer.from('{"k":"log","n":1}'.padEnd(24, ' '))
  const file = Buffer.alloc(1024 ** 2)
  for (let at = 0; at + lure.byteLength <= file.byteLength; at += lure.byteLength) {
    lure.copy(file, at)
    // Where a length would stand.
    file.writeUInt32LE(file.byteLength / 2, at + 12 < file.byteLength - 4 ? at + 12 : at)
  }
  const before = performance.now()
  expect(readAll(file).heads).toEqual([])
  expect(performance.now() - before).toBeLessThan(2_000)
})
