import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import * as path from 'node:path'
import { expect, test } from 'vitest'
import { originalFs } from '../../src/file-system.ts'
import { journalPath, readJournalFile } from '../../src/journal/journal-file.ts'
import { listJournalFiles, listSegments, removeEmptied } from '../../src/spool/recorder-folder.ts'
import { accountOf } from '../../src/worker/recorder-account.ts'
import { diskError, faultyDisk, fullDisk } from '../spool/faulty-disk.ts'
import {
  adopt,
  logOf,
  manualClock,
  type Recording,
  sequencesIn,
  startRecording,
  temporaryFolder,
  turn,
} from '../spool/support.ts'

type Head = Readonly<Record<string, unknown>>

/** The heads of every journal file, by file. */
function headsIn({ folder, recorder }: Recording): Head[][] {
  return listJournalFiles(originalFs, folder).map((number) => {
    const file = { path: journalPath(folder, number), recorder, number }
    return [...readJournalFile(originalFs, file)].map(({ head }) => head)
  })
}

const landing = (heads: readonly Head[]): unknown[] =>
  heads.filter(({ s }) => s !== undefined).map(({ s }) => s)

test('records appended in one JavaScript turn are on disk when that turn is over', async () => {
  const recording = startRecording({ defer: queueMicrotask })
  recording.log('one')
  recording.log('two')
  expect(landing(headsIn(recording).flat())).toEqual([])
  await Promise.resolve()
  expect(landing(headsIn(recording).flat())).toEqual([1, 2])
})

test('more than 256 KiB does not wait for the end of the turn', () => {
  const recording = startRecording()
  recording.log('large', [['b', 'x'.repeat(300 * 1024)]])
  expect(landing(headsIn(recording).flat())).toEqual([1])
})

test('small pieces of a content are one record if they come within 50 ms after the one before', async () => {
  const recording = startRecording({ defer: queueMicrotask })
  const { journal, clock } = recording
  const piece = (text: string, exchange = 1) => ({
    spanId: 'call',
    exchange,
    content: ['wire.response', Buffer.from(text)] as const,
  })
  const contents = async (): Promise<string[]> => {
    await Promise.resolve()
    return listJournalFiles(originalFs, recording.folder).flatMap((number) => {
      const file = {
        path: journalPath(recording.folder, number),
        recorder: recording.recorder,
        number,
      }
      return [...readJournalFile(originalFs, file)].flatMap((record) =>
        record.contents.map(({ bytes }) => `${record.head.x}.${record.head.i} ${bytes}`),
      )
    })
  }
  journal.gather({ ...piece('first'), index: 1 })
  expect(await contents()).toEqual(['1.1 first'])
  expect(journal.takes(piece('one '))).toBe(false)
  journal.gather({ ...piece('one '), index: 2 })
  expect(journal.takes(piece('two '))).toBe(true)
  clock.pass(49)
  expect(await contents()).toEqual(['1.1 first'])
  clock.pass(1)
  expect(await contents()).toEqual(['1.1 first', '1.2 one two '])

  journal.gather({ ...piece('three'), index: 3 })
  expect(journal.takes(piece('other', 2))).toBe(false)
  journal.append({ k: 'log', log: {} })
  expect(await contents()).toEqual(['1.1 first', '1.2 one two ', '1.3 three'])

  journal.gather({ ...piece('four'), index: 4 })
  journal.close()
  expect((await contents()).at(-1)).toBe('1.4 four')
})

test('a file is closed a second after its first record, and the next begins with the open starts', () => {
  const recording = startRecording()
  recording.start('open', turn)
  recording.start('ended', turn)
  recording.end('ended')
  recording.clock.pass(999)
  expect(recording.closed).toEqual([])
  recording.clock.pass(1)
  expect(recording.closed).toEqual([1])
  recording.log('later')
  recording.journal.flush()
  const [, second] = headsIn(recording)
  expect(second?.[0]).toMatchObject({
    k: 'header',
    v: 1,
    recorder: recording.recorder,
    file: 2,
    through: 1,
  })
  expect(second?.[0]?.open).toMatchObject([{ id: 'open', span: { spanId: 'open' } }])
})

test('the header of a file lists a span that is the first to end in it, so that its end does not count as lost', () => {
  const recording = startRecording()
  recording.start('open', turn)
  recording.journal.rotate()
  recording.end('open')
  recording.journal.rotate()
  recording.log('after')
  recording.journal.flush()
  const [, second, third] = headsIn(recording)
  expect(second?.[0]?.open).toMatchObject([{ id: 'open' }])
  expect(third?.[0]?.open).toEqual([])
})

test('a file is closed at 8 MiB, and a larger record is whole in one', () => {
  const recording = startRecording()
  for (let each = 0; each < 9; each += 1) {
    recording.log('a megabyte', [['b', Buffer.alloc(1024 ** 2, each)]])
  }
  recording.log('twenty', [['b', Buffer.alloc(20 * 1024 ** 2, 7)]])
  recording.log('small')
  recording.journal.close()
  expect(headsIn(recording).map(landing)).toEqual([[1, 2, 3, 4, 5, 6, 7, 8], [9, 10], [11]])
  adopt(recording.folder)
  expect(sequencesIn(recording.folder)).toMatchObject({ unaccounted: [], dropped: [], last: 12 })
})

test('files are 0600 in folders 0700, also when they are made again', () => {
  const spool = temporaryFolder()
  const recording = startRecording({ folder: path.join(spool, 'destination', 'a-recorder') })
  recording.log('one')
  recording.journal.rotate()
  rmSync(path.join(spool, 'destination'), { recursive: true })
  recording.log('two')
  recording.journal.rotate()
  adopt(recording.folder)
  const mode = (file: string): string => (statSync(file).mode & 0o7777).toString(8)
  expect(mode(path.join(spool, 'destination'))).toBe('700')
  expect(mode(recording.folder)).toBe('700')
  const names = readdirSync(recording.folder)
  expect(names.length).toBeGreaterThan(2)
  for (const name of names)
    expect([name, mode(path.join(recording.folder, name))]).toEqual([name, '600'])
})

test('the clock may stop, go back or leap: sequence and journal continue', () => {
  const recording = startRecording()
  const { clock } = recording
  const disk = clock.now()
  for (const to of [disk, disk - 86_400_000, disk + 10 * 365 * 86_400_000, 0]) {
    clock.set(to)
    recording.log(`at ${to}`)
    recording.journal.rotate()
  }
  adopt(recording.folder)
  expect(sequencesIn(recording.folder)).toMatchObject({ unaccounted: [], dropped: [], last: 5 })
})

test('a clock set back does not make a refusing disk refuse for ever', () => {
  const { disk, fill, free } = fullDisk()
  const recording = startRecording({ fileSystem: disk })
  fill()
  recording.log('lost')
  free()
  recording.clock.set(recording.clock.now() - 3_600_000)
  recording.log('written')
  recording.finish()
  adopt(recording.folder)
  expect(sequencesIn(recording.folder)).toMatchObject({
    dropped: [1],
    unaccounted: [],
    contradicted: [],
  })
})

test('records that a full disk refuses are counted, and declared when the disk accepts records again; nothing else is lost', () => {
  const { disk, fill, free } = fullDisk()
  const recording = startRecording({ fileSystem: disk })
  recording.log('kept')
  recording.journal.flush()
  recording.log('lost with the buffer')
  recording.log('this too')
  fill()
  recording.journal.flush()
  recording.log('lost while refusing')
  expect(recording.journal.dropped).toBe(3)
  free()
  recording.log('lost: it is not tried again at once')
  expect(recording.journal.dropped).toBe(4)
  recording.clock.pass(1_000)
  recording.log('kept again')
  recording.finish()
  adopt(recording.folder)
  const { dropped, unaccounted, contradicted, last } = sequencesIn(recording.folder)
  expect({ dropped, unaccounted, contradicted }).toEqual({
    dropped: [2, 3, 4, 5],
    unaccounted: [],
    contradicted: [],
  })
  expect(last).toBe(recording.journal.recorded)
  expect(recording.journal.dropped).toBe(4)
})

test.each([
  ['the file', (folder: string) => rmSync(journalPath(folder, 1))],
  ['the folder', (folder: string) => rmSync(folder, { recursive: true })],
])('if somebody removes %s, what it had is declared at the end', (_what, remove) => {
  const recording = startRecording()
  recording.log('one')
  recording.log('two')
  recording.journal.flush()
  remove(recording.folder)
  recording.finish()
  adopt(recording.folder)
  const { dropped, unaccounted } = sequencesIn(recording.folder)
  // The third is the recorder's end.
  expect({ dropped, unaccounted }).toEqual({ dropped: [1, 2, 3], unaccounted: [] })
})

test('a full disk leaves no empty files behind', () => {
  const recording = startRecording({
    fileSystem: faultyDisk(({ name }) => (name === 'writeSync' ? diskError('ENOSPC') : undefined)),
  })
  for (let each = 0; each < 5; each += 1) {
    recording.log('lost')
    recording.journal.flush()
    recording.clock.pass(1_000)
  }
  expect(listJournalFiles(originalFs, recording.folder)).toEqual([])
  expect(recording.closed).toEqual([])
})

test.each([1, 2, 3, 4, 5])(
  'write %i fails half way: records before it stay, records after it are declared',
  (failing) => {
    let writes = 0
    const recording = startRecording({
      fileSystem: faultyDisk(({ name, values }) => {
        // The journal's own writes, not those of recorder.json, which come before it.
        if (name !== 'writeSync' || (values[1] as Uint8Array).toString().includes('"version"')) {
          return undefined
        }
        writes += 1
        if (writes === failing) return 'part'
        return writes === failing + 1 ? diskError('EDQUOT') : undefined
      }),
    })
    for (let each = 0; each < 6; each += 1) {
      recording.log(`record ${each}`)
      recording.log(`and ${each}`)
      recording.journal.flush()
      recording.clock.pass(1_000)
    }
    recording.finish()
    adopt(recording.folder)
    const { dropped, unaccounted, contradicted } = sequencesIn(recording.folder)
    expect({ unaccounted, contradicted }).toEqual({ unaccounted: [], contradicted: [] })
    expect(dropped).toHaveLength(recording.journal.dropped)
    expect(dropped.length).toBeGreaterThanOrEqual(2)
  },
)

test('writes that the disk takes in pieces are whole', () => {
  const recording = startRecording({
    fileSystem: faultyDisk(({ name }) => (name === 'writeSync' ? 'part' : undefined)),
  })
  recording.log('in pieces', [['b', 'x'.repeat(5_000)]])
  recording.finish()
  adopt(recording.folder)
  expect(sequencesIn(recording.folder)).toMatchObject({ dropped: [], unaccounted: [], last: 2 })
})

test('a loss that no record follows is declared at the close', () => {
  const { disk, fill, free } = fullDisk()
  const recording = startRecording({ fileSystem: disk })
  recording.log('kept')
  recording.journal.flush()
  fill()
  recording.log('lost')
  recording.journal.flush()
  free()
  recording.journal.close()
  adopt(recording.folder)
  expect(sequencesIn(recording.folder)).toMatchObject({ dropped: [2], unaccounted: [] })
})

test.each(['closed', 'killed'])(
  'a loss that a full disk cannot declare is marked by a file name, and declared by the adopter (%s)',
  (how) => {
    const { disk, fill } = fullDisk({ takesNames: true })
    const recording = startRecording({ fileSystem: disk })
    recording.log('kept')
    recording.journal.flush()
    fill()
    for (let each = 0; each < 3; each += 1) {
      recording.log('lost')
      recording.journal.flush()
      recording.clock.pass(1_000)
    }
    if (how === 'closed') recording.journal.close()
    // Each attempt to declare the loss was a record, too.
    const { recorded } = recording.journal
    expect(accountOf(originalFs, recording.folder)).toMatchObject({ recorded, waiting: recorded })
    adopt(recording.folder)
    const dropped = Array.from({ length: recorded - 1 }, (_, index) => index + 2)
    expect(sequencesIn(recording.folder)).toMatchObject({ dropped, unaccounted: [] })
    for (const { name } of listSegments(originalFs, recording.folder)) {
      rmSync(path.join(recording.folder, name))
    }
    expect(removeEmptied(originalFs, recording.folder)).toBe(true)
  },
)

test('a folder that is removed is made again, and the records in it are declared lost', () => {
  const recording = startRecording()
  recording.log('goes with the folder')
  recording.journal.flush()
  rmSync(recording.folder, { recursive: true })
  recording.log('goes into the file that is removed')
  recording.journal.rotate()
  recording.log('is in the new folder')
  recording.finish()
  adopt(recording.folder)
  expect(sequencesIn(recording.folder)).toMatchObject({ dropped: [1, 2], unaccounted: [] })
})

test('a file with the name of the folder costs the host nothing, and nothing is thrown', () => {
  const spool = temporaryFolder()
  writeFileSync(path.join(spool, 'in-the-way'), '')
  const recording = startRecording({ folder: path.join(spool, 'in-the-way', 'a-recorder') })
  recording.log('lost')
  recording.start('open', turn)
  recording.content('open', 'turn.request', 'text')
  recording.clock.pass(5_000)
  recording.finish()
  expect(recording.journal.dropped).toBe(recording.journal.recorded)
  expect(recording.journal.recorded).toBeGreaterThan(1)
})

test.skipIf(process.getuid?.() === 0)(
  'a folder that cannot be written is treated like a full disk',
  () => {
    const spool = temporaryFolder()
    mkdirSync(path.join(spool, 'read-only'))
    chmodSync(path.join(spool, 'read-only'), 0o500)
    const recording = startRecording({ folder: path.join(spool, 'read-only', 'a-recorder') })
    recording.log('lost')
    recording.journal.flush()
    chmodSync(path.join(spool, 'read-only'), 0o700)
    recording.clock.pass(1_000)
    recording.finish()
    adopt(recording.folder)
    expect(sequencesIn(recording.folder)).toMatchObject({ dropped: [1], unaccounted: [] })
  },
)

test('a record that has no JSON, or is too large, is declared, and its neighbours are written', () => {
  const recording = startRecording()
  recording.log('before')
  const poison = {
    get body() {
      throw new Error('a getter of the app')
    },
  }
  recording.journal.append({ k: 'log', log: poison })
  recording.log('between')
  recording.journal.append({ k: 'log', log: logOf('x') }, [
    ['b', new Uint8Array(200 * 1024 ** 2)],
    ['a:more', new Uint8Array(100 * 1024 ** 2)],
  ])
  recording.log('after')
  recording.finish()
  adopt(recording.folder)
  const { dropped, unaccounted } = sequencesIn(recording.folder)
  expect({ dropped, unaccounted }).toEqual({ dropped: [2, 5], unaccounted: [] })
})

test('starts repeated in headers are bounded, and the oldest is dropped first', () => {
  const recording = startRecording()
  for (let each = 0; each < 1_500; each += 1) recording.start(`open ${each}`, turn)
  recording.journal.rotate()
  recording.log('later')
  recording.journal.flush()
  const open = headsIn(recording).at(-1)?.[0]?.open as { id: string }[]
  expect([open.length, open[0]?.id, open.at(-1)?.id]).toEqual([1_000, 'open 500', 'open 1499'])
})

test('appending after the close does nothing, and closing twice is closing once', () => {
  const recording = startRecording()
  recording.log('one')
  recording.journal.close()
  const before = readFileSync(journalPath(recording.folder, 1))
  recording.log('late')
  recording.journal.flush()
  recording.journal.close()
  expect(readFileSync(journalPath(recording.folder, 1))).toEqual(before)
  expect([recording.journal.recorded, recording.closed, recording.clock.timers.size]).toEqual([
    1,
    [1],
    0,
  ])
})

test('the kind is the first member of every head, because a damaged file is searched for it', () => {
  const recording = startRecording({ clock: manualClock() })
  recording.journal.append({ id: 'x', k: 'discard' })
  recording.log('one')
  recording.journal.flush()
  const text = readFileSync(journalPath(recording.folder, 1)).toString('latin1')
  expect(text.split('{"k":"').length - 1).toBe(3)
})
