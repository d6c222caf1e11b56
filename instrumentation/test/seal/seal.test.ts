import { readdirSync, readFileSync } from 'node:fs'
import * as path from 'node:path'
import { expect, test } from 'vitest'
import type { RecordedChange } from '../../src/changes/change.ts'
import { originalFs } from '../../src/file-system.ts'
import { journalPath } from '../../src/journal/journal-file.ts'
import { readState } from '../../src/seal/state.ts'
import { listJournalFiles, listSegments } from '../../src/spool/recorder-folder.ts'
import { faultyDisk } from '../spool/faulty-disk.ts'
import {
  adopt,
  logOf,
  modelCall,
  readSegment,
  sealedIn,
  sealerOf,
  sequencesIn,
  startRecording,
  turn,
} from '../spool/support.ts'
import { callModel, editFile, recordScenario } from './scenario.ts'

test('a file is deleted once its records are in place, and one that an open span needs stays', () => {
  const recording = startRecording()
  const { folder, journal } = recording
  recording.start('turn', turn)
  recording.content('turn', 'turn.request', '{"message":"hello"}')
  journal.rotate()
  recording.log('between')
  journal.rotate()
  const sealer = sealerOf(folder)
  sealer.seal()
  expect(listJournalFiles(originalFs, folder)).toEqual([1, 2])
  recording.log('later')
  journal.rotate()
  sealer.seal()
  expect(listJournalFiles(originalFs, folder)).toEqual([1, 3])
  recording.end('turn', turn)
  journal.rotate()
  sealer.seal()
  expect(listJournalFiles(originalFs, folder)).toEqual([])
  expect(sealedIn(folder).at(-1)?.attributes['gen_ai.input.messages']).toContain('hello')
})

test('an answer of two minutes, over one journal file a second, is whole, with its request', () => {
  const recording = startRecording()
  const { folder, journal } = recording
  const sealer = sealerOf(folder)
  const words = Array.from({ length: 120 }, (_, index) => `word${index} `)
  recording.start('call', modelCall)
  recording.wire('call', 1, { url: 'http://127.0.0.1:1/v1/messages' })
  recording.content(
    'call',
    'wire.request',
    '{"model":"m","messages":[{"role":"user","content":"long"}]}',
    1,
  )
  recording.wire('call', 1, { status: 200, headers: [['content-type', 'text/event-stream']] })
  const event = (data: object): void =>
    recording.content('call', 'wire.response', `data: ${JSON.stringify(data)}\n\n`, 1)
  event({
    type: 'message_start',
    message: { id: 'msg', model: 'm', role: 'assistant', content: [] },
  })
  event({ type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } })
  for (const text of words) {
    event({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text } })
    journal.rotate()
    sealer.seal()
  }
  event({ type: 'content_block_stop', index: 0 })
  event({
    type: 'message_delta',
    delta: { stop_reason: 'end_turn' },
    usage: { output_tokens: 120 },
  })
  event({ type: 'message_stop' })
  recording.wire('call', 1, { isComplete: true })
  recording.end('call', modelCall)
  journal.rotate()
  // Read by a worker that came in the middle of it.
  sealerOf(folder).seal()
  const [call] = sealedIn(folder)
  expect(call?.attributes['gen_ai.input.messages']).toContain('long')
  expect(call?.attributes['gen_ai.output.messages']).toContain(words.join('').slice(0, -1))
  expect(listJournalFiles(originalFs, folder)).toEqual([])
})

test('facts of the wire in a file of their own survive a new worker', () => {
  const recording = startRecording()
  const { folder, journal } = recording
  callModel(recording, 'call', { text: 'hi', tokens: 3 }, () => {
    journal.rotate()
    recording.log('keeps the file before it from being the last')
    journal.rotate()
    sealerOf(folder).seal()
  })
  journal.rotate()
  sealerOf(folder).seal()
  const call = sealedIn(folder).find(({ name }) => name === 'chat claude-a')
  expect(call?.attributes).toMatchObject({
    'http.response.status_code': 200,
    'gen_ai.usage.input_tokens': 3,
  })
  expect(call?.attributes['error.type']).toBeUndefined()
})

test('contents that are discarded, or whose span never ends, do not keep a file for ever', () => {
  const recording = startRecording()
  const { folder, journal } = recording
  recording.content('failed', 'file.before', Buffer.from('x'))
  recording.content('lost', 'file.before', Buffer.from('y'))
  journal.rotate()
  recording.discard('failed')
  recording.log('goes on')
  journal.rotate()
  sealerOf(folder).seal()
  expect(listJournalFiles(originalFs, folder)).toEqual([1])
  adopt(folder)
  expect(listJournalFiles(originalFs, folder)).toEqual([])
})

test('a long backlog is read one file at a time', () => {
  const recording = startRecording()
  for (let each = 0; each < 30; each += 1) {
    recording.log('a megabyte', [['b', Buffer.alloc(1024 ** 2, each)]])
    recording.journal.rotate()
  }
  let open = 0
  const reads: number[] = []
  const fileSystem = faultyDisk(({ name, values }) => {
    if (name === 'readFileSync' && String(values[0]).endsWith('.journal')) {
      open += 1
      reads.push(open)
    }
    if (name === 'unlinkSync' && String(values[0]).endsWith('.journal')) open -= 1
    return undefined
  })
  sealerOf(recording.folder, { fileSystem }).seal()
  expect(reads).toEqual(Array.from({ length: 30 }, () => 1))
})

test('the state says how far the journal is sealed, and has sums only while their turn is open', () => {
  const recording = startRecording()
  const { folder, journal } = recording
  recording.start('turn', turn)
  callModel(recording, 'call', { text: 'hi', tokens: 3 })
  journal.rotate()
  const sealer = sealerOf(folder)
  sealer.seal()
  expect(readState(originalFs, folder)).toMatchObject({
    sealedThrough: 1,
    readThrough: 1,
    sums: { turn: { usage: { 'gen_ai.usage.input_tokens': 3 } } },
  })
  recording.end('turn', turn)
  journal.rotate()
  sealer.seal()
  expect(readState(originalFs, folder)).toMatchObject({ sealedThrough: 2, sums: {} })
})

test('a change is stored once for the local list, raw, however it is sealed', () => {
  const recording = startRecording()
  const key = `ghp_${'a1B2'.repeat(9)}`
  editFile(recording, 'file1', ['one\n', `key ${key}\n`])
  recording.journal.rotate()
  const kept: [RecordedChange, string][] = []
  adopt(recording.folder, {
    changes: {
      record(change, contents) {
        kept.push([change, Buffer.from(contents.after ?? '').toString()])
        return { status: 'recorded' }
      },
    },
  })
  expect(kept).toHaveLength(1)
  expect(kept[0]?.[1]).toBe(`key ${key}\n`)
  const [operation] = sealedIn(recording.folder)
  expect(operation?.attributes['turnlog.file_operation.after']).toMatch(/^key \[REDACTED:/)
  expect(kept[0]?.[0].uploaded?.after).toBe(
    operation?.attributes['turnlog.file_operation.after.sha256'],
  )
})

test('a record that cannot be sealed is declared, and blocks nothing', () => {
  const recording = startRecording()
  recording.log('before')
  recording.journal.append({ k: 'log', log: null })
  recording.journal.append({ k: 'span', id: 'x' })
  recording.log('after')
  recording.journal.rotate()
  const missing = sealerOf(recording.folder).seal()
  expect(missing).toEqual([
    { first: 2, last: 2, reason: 'record_unsealable' },
    { first: 3, last: 3, reason: 'record_unsealable' },
  ])
  adopt(recording.folder)
  expect(sequencesIn(recording.folder)).toMatchObject({ dropped: [2, 3], unaccounted: [] })
})

test('a library whose name is not text does not cost its request', () => {
  const recording = startRecording()
  recording.journal.append({ k: 'log', log: { ...logOf('odd'), scope: { name: 5, version: {} } } })
  recording.journal.append({ k: 'log', log: { ...logOf('none'), scope: undefined } })
  recording.journal.rotate()
  adopt(recording.folder)
  expect(sealedIn(recording.folder).map(({ body }) => body)).toEqual(['odd', 'none', undefined])
})

test('contents that cannot be mapped are omitted, and the span is sealed', () => {
  // The file with the contents is read again for them, and has gone.
  const split = startRecording()
  split.content('file1', 'file.before', Buffer.from('one\n'))
  split.journal.rotate()
  const sealer = sealerOf(split.folder)
  sealer.seal()
  originalFs.unlinkSync(journalPath(split.folder, 1))
  const attributes = {
    'turnlog.file_operation.id': '00000000-0000-4000-8000-000000000001',
    'file.path': 'a.txt',
  }
  split.end('file1', { attributes }, { operation: 'delete', before: { state: 'content' } })
  split.journal.rotate()
  sealer.seal()
  expect(sealedIn(split.folder)[0]?.attributes).toMatchObject({
    'turnlog.file_operation.before.omitted': 'incomplete',
    'turnlog.file_operation.type': 'delete',
  })
})

test('every request says through which sequence its recorder had recorded', () => {
  const { folder } = recordScenario()
  adopt(folder)
  for (const { name, last } of listSegments(originalFs, folder)) {
    const through = readSegment(path.join(folder, name)).resource[
      'turnlog.recorder.recorded_through'
    ]
    expect(Number(through)).toBeGreaterThanOrEqual(last)
  }
})

test('an attribute may be called __proto__, short or long', () => {
  const recording = startRecording()
  const attributes = JSON.parse('{"__proto__":"own"}')
  recording.journal.append({ k: 'log', log: { ...logOf('x'), attributes } }, [
    ['a:constructor', 'y'.repeat(2_000)],
  ])
  recording.journal.append({ k: 'log', log: logOf('x') }, [['a:__proto__', 'z'.repeat(2_000)]])
  recording.journal.rotate()
  adopt(recording.folder)
  const own = sealedIn(recording.folder).map(
    ({ otlp }) => otlp.attributes.find(({ key }) => key === '__proto__')?.value,
  )
  expect(own.slice(0, 2)).toEqual([{ stringValue: 'own' }, { stringValue: 'z'.repeat(2_000) }])
})

test('temporary files that a crash left are removed; files of another version stay', () => {
  const recording = startRecording()
  recording.log('one')
  recording.journal.rotate()
  const left = [
    'state.json.0123456789ab.tmp',
    '000000000001-000000000001-1.logs.json.gz.0123456789ab.tmp',
  ]
  const foreign = ['attachments.db', 'other.tmp', 'a.0123456789ab.tmp']
  for (const name of [...left, ...foreign]) {
    originalFs.writeFileSync(path.join(recording.folder, name), 'half')
  }
  adopt(recording.folder)
  const names = readdirSync(recording.folder)
  expect(names.filter((name) => left.includes(name))).toEqual([])
  expect(names.filter((name) => foreign.includes(name)).sort()).toEqual(foreign.sort())
  expect(readFileSync(path.join(recording.folder, 'other.tmp')).toString()).toBe('half')
})
