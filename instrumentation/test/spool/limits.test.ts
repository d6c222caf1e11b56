/** The limits of journal and segments, and what is recorded when one is reached. */
import { createHash } from 'node:crypto'
import * as path from 'node:path'
import { expect, test } from 'vitest'
import { originalFs } from '../../src/file-system.ts'
import { journalPath } from '../../src/journal/journal-file.ts'
import { OpenContents } from '../../src/seal/open-contents.ts'
import { listSegments } from '../../src/spool/recorder-folder.ts'
import { diskError, faultyDisk } from './faulty-disk.ts'
import {
  adopt,
  contentsIn,
  logOf,
  readSegment,
  sealedIn,
  sealerOf,
  sequencesIn,
  startRecording,
  toolCall,
} from './support.ts'

const mebibyte = 1024 ** 2
const sha256 = (content: string | Uint8Array): string =>
  `sha256:${createHash('sha256').update(content).digest('hex')}`

test.each([
  ['text that is escaped six times its length', () => Buffer.alloc(16 * mebibyte, '\x01')],
  ['text of three bytes a character', () => Buffer.alloc(15 * mebibyte, '\u2603')],
  ['bytes', () => Buffer.alloc(16 * mebibyte, Buffer.from([0, 255, 1]))],
])(
  'a file operation of 16 MiB before and after, %s, loses nothing, in requests of 4 MiB',
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
      const { bytes } = readSegment(path.join(recording.folder, name))
      expect(bytes).toBeLessThanOrEqual(4 * mebibyte)
    }
    const [operation] = sealedIn(recording.folder)
    const contents = contentsIn(recording.folder)
    for (const [side, raw] of [
      ['before', before],
      ['after', after],
    ] as const) {
      const name = `turnlog.file_operation.${side}`
      expect(operation?.attributes).toMatchObject({
        [`${name}.ref`]: sha256(raw),
        [`${name}.sha256`]: sha256(raw),
        [`${name}.size`]: raw.byteLength,
      })
      expect(operation?.attributes).not.toHaveProperty(`${name}.omitted`)
      expect(contents.get(sha256(raw))?.equals(raw)).toBe(true)
    }
  },
  60_000,
)

test('a record that is too large without its contents is declared', () => {
  const recording = startRecording()
  // Each character is six times as long in JSON.
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

test('a log body of any size is moved out of its record, text or structure', () => {
  const recording = startRecording()
  const text = '\x01'.repeat(11 * mebibyte)
  recording.journal.append({ k: 'log', log: logOf('') }, [['b', text]])
  const structure = { m: { list: ['y'.repeat(5 * mebibyte)] } }
  recording.journal.append({ k: 'log', log: { ...logOf(''), body: structure } })
  recording.finish()
  adopt(recording.folder)
  expect(sequencesIn(recording.folder)).toMatchObject({ dropped: [], unaccounted: [] })
  const [first, second] = sealedIn(recording.folder)
  const contents = contentsIn(recording.folder)
  const read = (row: typeof first): string | undefined => {
    expect(row?.body).toBeUndefined()
    return contents.get(String(row?.attributes['turnlog.log.body.ref']))?.toString()
  }
  expect(read(first) === text).toBe(true)
  expect(read(second)).toBe(`{"list":["${'y'.repeat(5 * mebibyte)}"]}`)
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
    const held = new OpenContents(originalFs, limits)
    const piece = {
      slot: 'file.before',
      encoding: 'bytes',
      bytes: Buffer.alloc(100),
      offset: 0,
    } as const
    for (const [index, file] of ['1', '2', '3', '4'].entries()) {
      held.add({ spanId: `span ${file}`, exchange: 0, index: 1, file }, piece)
      held.add(
        { spanId: 'long', exchange: 0, index: index + 1, file },
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

// Journals alone filled a disk: with contents of file operations whose ends the disk had refused, and with records that could
// not be sealed any more. The receiver was available, but nothing was ever sent.
test.each([
  ['with nothing to send, it goes on without the oldest contents of open spans', true],
  ['while segments wait, it gives up nothing', false],
])('where a disk stays full, %s', (_name, isSent) => {
  const recording = startRecording()
  const { folder, journal } = recording
  const oldest = journalPath(folder, 1)
  const hasOldest = (): boolean => originalFs.existsSync(oldest)
  recording.content('open', 'tool.arguments', 'in a file that only it needs')
  recording.log('one')
  journal.rotate()
  recording.content('later', 'tool.arguments', 'in a file that is kept')
  journal.rotate()
  recording.log('two')
  journal.rotate()
  const full = faultyDisk(({ name }) =>
    name === 'writeSync' && hasOldest() ? diskError('ENOSPC') : undefined,
  )
  sealerOf(folder).seal(2)
  const sealed = listSegments(originalFs, folder)
  if (isSent) for (const { name } of sealed) originalFs.unlinkSync(path.join(folder, name))
  const sealer = sealerOf(folder, { fileSystem: full })
  for (let attempt = 0; attempt < 4; attempt += 1) expect(() => sealer.seal()).toThrow('ENOSPC')
  expect(hasOldest()).toBe(true)
  expect(() => sealer.seal()).toThrow('ENOSPC')
  expect(hasOldest()).toBe(!isSent)
  if (!isSent) return
  sealer.seal()
  for (const id of ['open', 'later']) recording.end(id, toolCall)
  recording.finish()
  sealer.seal()
  const arguments_ = 'gen_ai.tool.call.arguments'
  const rows = sealedIn(folder)
  expect(rows.map(({ body }) => body)).toEqual(['two', undefined, undefined, 'over'])
  expect(rows[1]?.attributes).toMatchObject({ [`${arguments_}.omitted`]: 'incomplete' })
  expect(rows[2]?.attributes).toMatchObject({ [arguments_]: 'in a file that is kept' })
})
