/**
 * What could go wrong: the sealing worker, or an adopter, dies between any two of its calls to the disk. Shown by
 * letting it die after each of them, and comparing what whoever comes next makes of it with an undisturbed run.
 */
import { cpSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import * as path from 'node:path'
import { hashContent } from '@turnlog/conventions/content/description'
import { expect, onTestFinished, test } from 'vitest'
import { originalFs } from '../../src/file-system.ts'
import { journalPath } from '../../src/journal/journal-file.ts'
import { listJournalFiles, listSegments } from '../../src/spool/recorder-folder.ts'
import { accountOf } from '../../src/worker/recorder-account.ts'
import { callModel, editFile, recordScenario } from '../seal/scenario.ts'
import { failingAt, killedAfter } from '../spool/faulty-disk.ts'
import {
  adopt,
  contentsIn,
  copyOf,
  partsIn,
  sealedIn,
  sealerOf,
  sequencesIn,
  startRecording,
  temporaryFolder,
  turn,
} from '../spool/support.ts'

/** What is sealed, each record once; repeats must be equal. */
function distinct(folder: string): unknown[] {
  const bySequence = new Map<number, unknown>()
  for (const { sequence, otlp } of sealedIn(folder)) {
    expect(bySequence.get(sequence) ?? otlp).toEqual(otlp)
    bySequence.set(sequence, otlp)
  }
  return [...bySequence.values()]
}

test('the scenario seals to a turn with its calls, and closes the open spans', () => {
  const { folder } = recordScenario()
  adopt(folder)
  const rows = sealedIn(folder)
  expect(rows.map(({ sequence }) => sequence)).toEqual(rows.map((_, index) => index + 1))
  const [, , , , , , whole] = rows
  expect(rows.map(({ name }) => name)).toEqual([
    '',
    'chat claude-a',
    'file.edit',
    '',
    'span tool1',
    'chat claude-a',
    'span turn',
    '',
    'span turn2',
    'chat claude-a',
    'span tool2',
    'session.end',
  ])
  expect(whole?.attributes).toMatchObject({
    'gen_ai.usage.input_tokens': 12,
    'gen_ai.usage.output_tokens': 14,
    'turnlog.usage.is_sum': true,
  })
  expect(rows[4]?.attributes).toMatchObject({
    'gen_ai.tool.call.arguments': '{"path":"a.txt"}',
    'gen_ai.tool.call.result': 'written',
  })
  for (const row of rows.slice(8)) expect(row.attributes['turnlog.abandoned']).toBe(true)
  expect(rows[9]?.attributes['gen_ai.input.messages']).toContain('and then')
  expect(rows[11]?.attributes['turnlog.recorder.last_sequence']).toBe(12)
  expect(readdirSync(folder).filter((name) => name.endsWith('.journal'))).toEqual([])
})

test('killed after any of its calls, the next adopter makes the same records of the files that are left', () => {
  const { folder } = recordScenario()
  const undisturbed = copyOf(folder)
  adopt(undisturbed)
  const expected = distinct(undisturbed)
  let isThrough = false
  let deaths = 0
  for (let allowed = 0; !isThrough; allowed += 1) {
    const copy = copyOf(folder)
    const disk = killedAfter(allowed)
    try {
      adopt(copy, { fileSystem: disk })
    } catch {
      deaths += 1
    }
    isThrough = !disk.wasKilled()
    adopt(copy)
    expect({ allowed, rows: distinct(copy) }).toEqual({ allowed, rows: expected })
    expect(readdirSync(copy).filter((name) => /\.(journal|tmp)$/.test(name))).toEqual([])
  }
  // Two for each segment and state at least.
  expect(deaths).toBeGreaterThan(40)
})

test('killed twice at any two of its calls, the third makes the same records', () => {
  const { folder } = recordScenario()
  const undisturbed = copyOf(folder)
  adopt(undisturbed)
  const expected = distinct(undisturbed)
  for (let first = 5; first < 60; first += 9) {
    for (let second = 3; second < 40; second += 7) {
      const copy = copyOf(folder)
      for (const allowed of [first, second]) {
        try {
          adopt(copy, { fileSystem: killedAfter(allowed) })
        } catch {
          // Dead.
        }
      }
      adopt(copy)
      expect({ first, second, rows: distinct(copy) }).toEqual({ first, second, rows: expected })
    }
  }
})

test.each(['ENOSPC', 'EIO', 'EMFILE'])(
  'any call that fails with %s is tried again by the same sealer, and the records are the same',
  (code) => {
    const { folder } = recordScenario()
    const undisturbed = copyOf(folder)
    adopt(undisturbed)
    const expected = distinct(undisturbed)
    let hasFailed = true
    for (let number = 1; hasFailed; number += 1) {
      const copy = copyOf(folder)
      const { disk, failed } = failingAt(number, code)
      const sealer = sealerOf(copy, { fileSystem: disk })
      for (const step of [() => sealer.seal(), () => sealer.closeDead()]) {
        try {
          step()
        } catch {
          sealer.seal()
          step()
        }
      }
      hasFailed = failed() !== undefined
      const context = { number, failed: failed() }
      expect({ ...context, rows: distinct(copy) }).toEqual({ ...context, rows: expected })
      expect(sequencesIn(copy).repeated).toBe(0)
    }
  },
)

test('a living recorder whose worker dies after every file has the same records, and sums nothing twice', () => {
  const { folder } = recordScenario()
  const undisturbed = copyOf(folder)
  adopt(undisturbed)
  for (const number of listJournalFiles(originalFs, folder)) {
    sealerOf(folder).seal(number)
    sealerOf(folder).seal(number)
  }
  adopt(folder)
  expect(distinct(folder)).toEqual(distinct(undisturbed))
  expect(sequencesIn(folder).repeated).toBe(0)
})

/** Hashes that records refer to, anywhere in their attributes. */
function referencesIn(folder: string): Set<string> {
  const hashes = sealedIn(folder).flatMap(({ attributes }) =>
    [...JSON.stringify(attributes).matchAll(/\.ref\\?":\\?"(sha256:[0-9a-f]{64})/g)].map(
      ([, hash]) => hash ?? '',
    ),
  )
  return new Set(hashes)
}

test('killed after any of its calls, contents out of line are there for each record that refers to them', () => {
  const recording = startRecording()
  const large = (sign: string): string => sign.repeat(6_000)
  const limits = { inlineBytesMax: 4_096 }
  for (const [index, sign] of ['a', 'b', 'a'].entries()) {
    const previous = index === 0 ? 'small' : large('b')
    callModel(recording, `call${index}`, { text: large(sign), tokens: 1 })
    editFile(recording, `file${index}`, [previous, large(sign)])
    recording.journal.rotate()
  }
  const undisturbed = copyOf(recording.folder)
  adopt(undisturbed, limits)
  const expected = distinct(undisturbed)
  // A file's text and a prompt are one content, and gone once: two of them, and diffs.
  const references = referencesIn(undisturbed)
  expect(references.size).toBeGreaterThan(4)
  expect(new Set(contentsIn(undisturbed).keys())).toEqual(references)
  expect(partsIn(undisturbed)).toHaveLength(references.size)
  let isThrough = false
  for (let allowed = 0; !isThrough; allowed += 1) {
    const copy = copyOf(recording.folder)
    const disk = killedAfter(allowed)
    try {
      adopt(copy, { ...limits, fileSystem: disk })
    } catch {
      // Dead.
    }
    isThrough = !disk.wasKilled()
    // What is in place may be sent at any moment: what it refers to is in place, too.
    expect([...referencesIn(copy)].filter((hash) => !contentsIn(copy).has(hash))).toEqual([])
    adopt(copy, limits)
    expect({ allowed, rows: distinct(copy) }).toEqual({ allowed, rows: expected })
    expect([...references].filter((hash) => !contentsIn(copy).has(hash))).toEqual([])
    const records = (folder: string): string[] =>
      listSegments(originalFs, folder).flatMap(({ name, parts }) => (parts === 0 ? [name] : []))
    expect(records(copy)).toEqual(records(undisturbed))
  }
})

test('contents that may be lost are sent again with the next record that refers to them', () => {
  const recording = startRecording()
  const { folder } = recording
  const text = 'x'.repeat(200_000)
  const sealer = sealerOf(folder)
  const seal = (id: string): number => {
    editFile(recording, id, ['', text])
    recording.journal.rotate()
    sealer.seal()
    return partsIn(folder).filter(({ sha256 }) => sha256 === hashContent(text)).length
  }
  expect([seal('file1'), seal('file2')]).toEqual([1, 1])
  sealer.forgetContents()
  expect([seal('file3'), seal('file4')]).toEqual([2, 2])
  // A worker that comes new does not know what went.
  sealerOf(folder).seal()
  editFile(recording, 'file5', ['', text])
  recording.journal.rotate()
  sealerOf(folder).seal()
  expect(partsIn(folder).filter(({ sha256 }) => sha256 === hashContent(text))).toHaveLength(3)
  const { waiting, partsWaiting, quarantined, partsQuarantined } = accountOf(originalFs, folder)
  expect({ waiting, quarantined, partsQuarantined }).toEqual({
    waiting: 5,
    quarantined: 0,
    partsQuarantined: 0,
  })
  expect(partsWaiting).toBe(partsIn(folder).length)
})

test('adopted twice, a recorder has the same records, times and numbers', () => {
  const { folder } = recordScenario()
  adopt(folder)
  const names = readdirSync(folder).sort()
  const rows = distinct(folder)
  adopt(folder)
  adopt(folder)
  expect(readdirSync(folder).sort()).toEqual(names)
  expect(distinct(folder)).toEqual(rows)
})

test('an open start in the only file left is closed, also when the adopter died after sealing', () => {
  const recording = startRecording()
  recording.start('turn', turn)
  recording.journal.rotate()
  sealerOf(recording.folder).seal()
  // A new worker, or an adopter: it has only the disk.
  adopt(recording.folder)
  const [abandoned, end] = sealedIn(recording.folder)
  expect(abandoned?.attributes).toMatchObject({ 'turnlog.abandoned': true, 'turnlog.sequence': 1 })
  expect(end?.name).toBe('session.end')
})

test('a span that ended in a missing file is not closed again', () => {
  const recording = startRecording()
  recording.start('open', turn)
  recording.content('open', 'turn.request', 'stays open')
  recording.start('ended', { ...turn, traceId: 'c'.repeat(32) })
  recording.content('ended', 'turn.request', 'ends')
  recording.journal.rotate()
  recording.end('ended', { ...turn, traceId: 'c'.repeat(32) })
  recording.journal.rotate()
  recording.log('more')
  recording.journal.rotate()
  sealerOf(recording.folder).seal()
  // The first file is held by `open`; the second, with the end, is gone.
  expect(listJournalFiles(originalFs, recording.folder)).toEqual([1, 3])
  adopt(recording.folder)
  const names = sealedIn(recording.folder).map(({ name, attributes }) => [
    name,
    attributes['turnlog.abandoned'] ?? false,
  ])
  expect(names).toEqual([
    ['span ended', false],
    ['', false],
    ['span open', true],
    ['session.end', true],
  ])
})

test('an abandoned span ends at the last sign of life, and never before it began', () => {
  const recording = startRecording()
  recording.start('early', { ...turn, start: '1700000000000000000' })
  recording.start('future', { ...turn, start: '1800000000000000000' })
  recording.clock.pass(500)
  recording.log('the last sign of life')
  recording.journal.rotate()
  adopt(recording.folder)
  const [, early, future] = sealedIn(recording.folder)
  expect(early?.otlp.endTimeUnixNano).toBe('1700000000500000000')
  expect(future?.otlp.endTimeUnixNano).toBe('1800000000000000000')
})

test('the last sign of life is the last record, also when the clock was set back', () => {
  const recording = startRecording()
  const { clock } = recording
  const before = clock.now()
  recording.start('open', turn)
  clock.set(before + 86_400_000)
  recording.log('in the future')
  clock.set(before + 1_000)
  recording.log('corrected')
  recording.journal.rotate()
  adopt(recording.folder)
  expect(sealedIn(recording.folder)[2]?.otlp.endTimeUnixNano).toBe(`${before + 1_000}000000`)
})

test('an abandoned span has the long attributes of its start', () => {
  const recording = startRecording()
  recording.start('turn', turn)
  recording.content('turn', 'a:gen_ai.input.messages', 'long'.repeat(1_000))
  recording.journal.rotate()
  adopt(recording.folder)
  expect(sealedIn(recording.folder)[0]?.attributes['gen_ai.input.messages']).toBe(
    'long'.repeat(1_000),
  )
})

test('a recorder that never recorded leaves no records', () => {
  const { folder, journal } = startRecording()
  journal.append({ k: 'discard', id: 'x' })
  journal.close()
  adopt(folder)
  expect(sealedIn(folder)).toEqual([])
})

test('a recorder that ended in good order is not closed again', () => {
  const recording = startRecording()
  recording.log('one')
  recording.finish()
  adopt(recording.folder)
  const [, end] = sealedIn(recording.folder)
  expect(sealedIn(recording.folder)).toHaveLength(2)
  expect(end?.attributes).toMatchObject({ 'turnlog.recorder.last_sequence': 2 })
  expect(end?.attributes['turnlog.abandoned']).toBeUndefined()
})

test('the last sequence that an end states is its own, also after a declaration', () => {
  const recording = startRecording()
  recording.log('one')
  recording.journal.append({
    k: 'log',
    log: {
      get body() {
        throw new Error('lost')
      },
    },
  })
  recording.finish()
  adopt(recording.folder)
  const end = sealedIn(recording.folder).at(-1)
  expect([end?.name, end?.sequence, end?.attributes['turnlog.recorder.last_sequence']]).toEqual([
    'session.end',
    4,
    4,
  ])
})

/** Damage to the files of a recorder, and which sequences it costs. */
const damages: readonly (readonly [string, (folder: string) => void])[] = [
  [
    'a byte flipped in the head of a record',
    (folder) => flip(folder, 4, (bytes) => bytes.indexOf('"k":"span"') + 3),
  ],
  [
    'a byte flipped in a content',
    (folder) => flip(folder, 5, (bytes) => bytes.indexOf('long long') + 3),
  ],
  [
    'a length flipped in the middle of a file',
    (folder) => flip(folder, 5, (bytes) => bytes.indexOf('{"k":"content"', 700) - 9),
  ],
  ['a header flipped', (folder) => flip(folder, 5, (bytes) => bytes.indexOf('"recorder"') + 2)],
  ['a file cut in the middle', (folder) => truncateSync(journalPath(folder, 5), 4_000)],
  ['a file cut to nothing', (folder) => truncateSync(journalPath(folder, 3), 0)],
  ['the first file missing', (folder) => rmSync(journalPath(folder, 1))],
  ['a file in the middle missing', (folder) => rmSync(journalPath(folder, 5))],
  ['the last file missing', (folder) => rmSync(journalPath(folder, 8))],
  [
    'a file in the place of another',
    (folder) => cpSync(journalPath(folder, 2), journalPath(folder, 5)),
  ],
  [
    'zeros at the end of a file',
    (folder) => writeFileSync(journalPath(folder, 5), Buffer.alloc(5_000), { flag: 'a' }),
  ],
  [
    'garbage at the end of a file',
    (folder) => writeFileSync(journalPath(folder, 5), Buffer.alloc(5_000, '{"k":"'), { flag: 'a' }),
  ],
  ['state.json damaged', (folder) => writeFileSync(path.join(folder, 'state.json'), '{"sealedThr')],
]

function flip(folder: string, number: number, where: (bytes: Buffer) => number): void {
  const file = journalPath(folder, number)
  const bytes = readFileSync(file)
  const at = where(bytes)
  expect(at).toBeGreaterThan(8)
  bytes[at] = (bytes[at] ?? 0) ^ 0x40
  writeFileSync(file, bytes)
}

test.each(damages)(
  '%s: the rest is sealed, the loss is declared, and the account holds',
  (_name, damage) => {
    const { folder, journal } = recordScenario()
    damage(folder)
    adopt(folder)
    const { unaccounted, contradicted, dropped, last, repeated } = sequencesIn(folder)
    expect({ unaccounted, contradicted, repeated }).toEqual({
      unaccounted: [],
      contradicted: [],
      repeated: 0,
    })
    expect(dropped.every((each) => each <= journal.recorded)).toBe(true)
    const { recorded, waiting, quarantined } = accountOf(originalFs, folder)
    expect({ recorded, waiting, quarantined }).toEqual({
      recorded: last,
      waiting: last,
      quarantined: 0,
    })
    // And once more, with nothing left to find.
    const rows = distinct(folder)
    adopt(folder)
    expect(distinct(folder)).toEqual(rows)
  },
)

test.each(damages)(
  '%s, found by the sealer of a living recorder: the range is returned once, and declared',
  (_name, damage) => {
    const recording = recordScenario()
    const { folder, journal } = recording
    damage(folder)
    const sealer = sealerOf(folder)
    const through = listJournalFiles(originalFs, folder).at(-1)
    const missing = sealer.seal(through)
    for (const range of missing) journal.append({ k: 'log', drop: range })
    recording.log('goes on')
    journal.rotate()
    // A hole at the end shows in the next file.
    const later = sealer.seal()
    for (const range of later) journal.append({ k: 'log', drop: range })
    journal.rotate()
    expect(sealer.seal()).toEqual([])
    expect(sealerOf(folder).seal()).toEqual([])
    adopt(folder)
    const { unaccounted, contradicted, dropped } = sequencesIn(folder)
    expect({ unaccounted, contradicted }).toEqual({ unaccounted: [], contradicted: [] })
    const told = [...missing, ...later].flatMap(({ first, last }) =>
      Array.from({ length: last - first + 1 }, (_, index) => first + index),
    )
    expect(dropped).toEqual(told.sort((a, b) => a - b))
  },
)

test('a range that a dead worker had not returned is returned by the next, and in the end declared by an adopter', () => {
  const { folder } = recordScenario()
  rmSync(journalPath(folder, 5))
  const [range] = sealerOf(folder).seal()
  expect(sealerOf(folder).seal()).toEqual([range])
  adopt(folder)
  expect(sequencesIn(folder)).toMatchObject({ unaccounted: [] })
  expect(sequencesIn(folder).dropped).not.toEqual([])
})

test('a content that lost a piece is not shown as whole', () => {
  const recording = startRecording()
  editFile(recording, 'file1', ['first\nsecond\n', 'first\nthird\n'])
  recording.journal.rotate()
  flip(recording.folder, 1, (bytes) => bytes.indexOf('first\nthird') + 1)
  adopt(recording.folder)
  const [operation] = sealedIn(recording.folder)
  expect(operation?.attributes).toMatchObject({
    'turnlog.file_operation.before.omitted': 'incomplete',
    'turnlog.file_operation.after.omitted': 'incomplete',
    'turnlog.file_operation.type': 'write',
  })
  expect(operation?.attributes['turnlog.file_operation.after']).toBeUndefined()
  expect(operation?.attributes['turnlog.file_operation.diff']).toBeUndefined()
})

test('a file of a newer version is left alone, with everything after it', () => {
  const recording = recordScenario()
  const { folder } = recording
  // As a later program would write it: in our form, and a header that says so.
  const future = startRecording({ folder: path.join(temporaryFolder(), recording.recorder) })
  for (let file = 1; file < 9; file += 1) {
    future.log('x')
    future.journal.rotate()
  }
  future.journal.append({ k: 'header', v: 2, through: 99 })
  future.journal.append({ k: 'log', log: { from: 'the future' } })
  future.journal.close()
  cpSync(journalPath(future.folder, 9), journalPath(folder, 9))
  const before = readFileSync(journalPath(folder, 9))
  const sealer = sealerOf(folder)
  sealer.seal()
  expect(sealer.isOfNewerVersion()).toBe(true)
  sealer.closeDead()
  expect(readFileSync(journalPath(folder, 9))).toEqual(before)
  expect(sealedIn(folder).some(({ name }) => name === 'session.end')).toBe(false)
})

test('unknown kinds of records are skipped; one with a sequence is declared', () => {
  const recording = startRecording()
  recording.log('one')
  recording.journal.append({ k: 'later-idea', what: 'ever' })
  recording.journal.append({ k: 'measurement', s: 2, value: 3 })
  recording.journal.rotate()
  adopt(recording.folder)
  const { dropped, unaccounted } = sequencesIn(recording.folder)
  expect({ dropped, unaccounted }).toEqual({ dropped: [2], unaccounted: [] })
})

test('waiting segments are not changed by sealing again', () => {
  const { folder } = recordScenario()
  sealerOf(folder).seal(3)
  const waiting = listSegments(originalFs, folder).map(({ name }) => name)
  const first = readFileSync(path.join(folder, waiting[0] ?? ''))
  onTestFinished(() => undefined)
  adopt(folder)
  expect(readFileSync(path.join(folder, waiting[0] ?? ''))).toEqual(first)
})
