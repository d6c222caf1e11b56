/** What has a limit, and what is said when it is reached. */
import { createHash } from 'node:crypto'
import * as path from 'node:path'
import { expect, test } from 'vitest'
import { originalFs } from '../../src/file-system.ts'
import { capAttributes, escapedBytes } from '../../src/spool/cap-record.ts'
import { createHeldContents } from '../../src/spool/held-contents.ts'
import { listSegments } from '../../src/spool/recorder-folder.ts'
import { adopt, logOf, readSegment, sealedIn, sequencesIn, startRecording } from './support.ts'

const mebibyte = 1024 ** 2
const sha256 = (content: string | Uint8Array): string =>
  `sha256:${createHash('sha256').update(content).digest('hex')}`

test.each([
  'plain',
  'caf\u00e9 \u2603 \ud83d\ude00',
  '\0\x01\b\t\n\v\f\r\x1f\x7f"\\/',
  '\ud800 \udc00 \udc00\ud800 \ud800',
  '',
])('the length of %j as JSON is known without making it', (text) => {
  expect(escapedBytes(text)).toBe(Buffer.byteLength(JSON.stringify(text)))
})

test('the largest values go first, until the rest fits; size and hash of each stay', () => {
  const attributes: Record<string, unknown> = {
    'small.text': 'kept',
    'medium.text': 'm'.repeat(20_000),
    'large.text': '\u2603'.repeat(20_000),
    'large.bytes': Buffer.alloc(60_000, 1),
    'large.list': ['x'.repeat(30_000), 5],
    'sized.text': 'y'.repeat(70_000),
    'sized.text.size': 123,
    'sized.text.sha256': 'sha256:known',
  }
  const kept = { ...attributes }
  capAttributes(attributes, 30_000)
  expect(attributes).toEqual({
    'small.text': 'kept',
    'medium.text': kept['medium.text'],
    'large.text.omitted': 'record_too_large',
    'large.text.size': 60_000,
    'large.text.sha256': sha256('\u2603'.repeat(20_000)),
    'large.bytes.omitted': 'record_too_large',
    'large.bytes.size': 60_000,
    'large.bytes.sha256': sha256(Buffer.alloc(60_000, 1)),
    'large.list.omitted': 'record_too_large',
    'large.list.size': expect.any(Number),
    'large.list.sha256': expect.any(String),
    'sized.text.omitted': 'record_too_large',
    'sized.text.size': 123,
    'sized.text.sha256': 'sha256:known',
  })
})

test('what fits is not touched', () => {
  const attributes = { text: 'x'.repeat(1_000), bytes: Buffer.alloc(10), number: 5 }
  const before = { ...attributes }
  capAttributes(attributes, 10_000)
  expect(attributes).toEqual(before)
})

test.each([
  ['text that is escaped six times its length', () => Buffer.alloc(16 * mebibyte, '\x01')],
  ['text of three bytes a character', () => Buffer.alloc(15 * mebibyte, '\u2603')],
  ['bytes', () => Buffer.alloc(16 * mebibyte, Buffer.from([0, 255, 1]))],
])(
  'a file operation of 16 MiB before and after, %s, is a record that a receiver takes',
  (_name, make) => {
    const recording = startRecording()
    const before = make()
    const after = Buffer.from(before)
    after[after.length >> 1] = 0x0a
    recording.content('big', 'file.before', before)
    recording.content('big', 'file.after', after)
    const attributes = {
      'turnlog.file_operation.id': '00000000-0000-4000-8000-000000000001',
      'file.path': 'big.txt',
    }
    const content = { state: 'content', mode: 0o644 }
    recording.end('big', { attributes }, { operation: 'write', before: content, after: content })
    recording.finish()
    adopt(recording.folder)
    for (const { name } of listSegments(originalFs, recording.folder)) {
      expect(readSegment(path.join(recording.folder, name)).bytes).toBeLessThan(64 * mebibyte)
    }
    const [operation] = sealedIn(recording.folder)
    for (const side of ['before', 'after'] as const) {
      const name = `turnlog.file_operation.${side}`
      const raw = side === 'before' ? before : after
      expect(operation?.attributes[`${name}.size`]).toBe(raw.byteLength)
      expect(operation?.attributes[`${name}.sha256`]).toBe(sha256(raw))
      const value = operation?.attributes[name]
      const omitted = operation?.attributes[`${name}.omitted`]
      expect(value === undefined ? omitted : sha256(value as string)).toBe(
        value === undefined ? 'record_too_large' : sha256(raw),
      )
    }
  },
  60_000,
)

test('a record that is too large without its contents is declared', () => {
  const recording = startRecording()
  // Each is six times as long in JSON.
  const names = Array.from({ length: 11 }, (_, index) => `${index} ${'\x01'.repeat(mebibyte)}`)
  const attributes = Object.fromEntries(names.map((name) => [name, 1]))
  recording.journal.append({ k: 'log', log: { ...logOf('x'), attributes } })
  recording.log('after')
  recording.finish()
  adopt(recording.folder)
  expect(sequencesIn(recording.folder)).toMatchObject({ dropped: [1], unaccounted: [] })
  expect(sealedIn(recording.folder).at(-1)?.attributes['turnlog.drop.reason']).toBe(
    'record_too_large',
  )
})

test('a log body that no receiver takes is declared', () => {
  const recording = startRecording()
  recording.journal.append({ k: 'log', log: logOf('') }, [['b', '\x01'.repeat(11 * mebibyte)]])
  recording.finish()
  adopt(recording.folder)
  expect(sequencesIn(recording.folder)).toMatchObject({ dropped: [1], unaccounted: [] })
})

test('a text above the limit of contents keeps its size, and says so', () => {
  const recording = startRecording()
  const attributes = { 'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.call.id': 't' }
  recording.content('tool', 'tool.arguments', 'x'.repeat(2_000))
  recording.end('tool', { attributes })
  recording.finish()
  adopt(recording.folder, { contentBytesMax: 1_000 })
  expect(sealedIn(recording.folder)[0]?.attributes).toMatchObject({
    'gen_ai.tool.call.arguments.size': 2_000,
    'gen_ai.tool.call.arguments.omitted': 'too_large',
  })
})

test.each([
  ['files', { filesMax: 2, bytesMax: 1_000_000 }],
  ['bytes', { filesMax: 100, bytesMax: 250 }],
])(
  'contents of spans that do not end give up their oldest files beyond a limit of %s',
  (_name, limits) => {
    const held = createHeldContents(originalFs, limits)
    const piece = {
      slot: 'file.before',
      encoding: 'bytes',
      bytes: Buffer.alloc(100),
      offset: 0,
    } as const
    for (const [index, file] of ['1', '2', '3', '4'].entries()) {
      held.add({ id: `span ${file}`, exchange: 0, index: 1, file }, piece)
      held.add(
        { id: 'long', exchange: 0, index: index + 1, file },
        { ...piece, bytes: Buffer.alloc(10) },
      )
    }
    held.leaveFile()
    held.limit()
    expect(['1', '2', '3', '4'].map((file) => held.isUsed(file))).toEqual([
      false,
      false,
      true,
      true,
    ])
    expect(['1', '2', '3', '4'].map((file) => held.isWhole(`span ${file}`))).toEqual([
      false,
      false,
      true,
      true,
    ])
    expect(held.isWhole('long')).toBe(false)
    for (const id of held.ids()) held.end(id)
    expect(held.isUsed('3') || held.isUsed('4')).toBe(false)
  },
)
