/**
 * Segments that were sent and are not confirmed. What could go wrong: the process dies, or the disk refuses, between any
 * two steps of moving a segment. Then the segment must have one of its names, and be neither lost nor counted twice.
 */
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import * as path from 'node:path'
import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { type FileSystem, originalFs } from '../../src/file-system.ts'
import { listSegments, quarantineFolder } from '../../src/spool/recorder-folder.ts'
import { readSegmentContents } from '../../src/spool/segment-contents.ts'
import { lostFolder, sentFolder } from '../../src/spool/sent-folder.ts'
import { openSpool } from '../../src/spool/spool.ts'
import {
  type DeclareLost,
  type SentSegment,
  type UnconfirmedOptions,
  UnconfirmedSegments,
} from '../../src/spool/unconfirmed-segments.ts'
import { accountOf } from '../../src/worker/recorder-account.ts'
import { recordScenario } from '../seal/scenario.ts'
import { diskError, faultyDisk, fullDisk, killedAfter, quickDisk } from './faulty-disk.ts'
import {
  adopt,
  sealedIn,
  sealerOf,
  sequencesIn,
  startRecording,
  temporaryFolder,
} from './support.ts'

const day = 86_400_000
const limits = { ageMsMax: 7 * day, bytesMax: 1024 ** 3 }

function unconfirmedIn(folder: string, changes: Partial<UnconfirmedOptions> = {}) {
  const unconfirmed = new UnconfirmedSegments({
    fileSystem: quickDisk,
    directory: path.dirname(folder),
    limits,
    declareLost: declaring(quickDisk),
    ...changes,
  })
  unconfirmed.addFolder(folder)
  return unconfirmed
}

/** Declares as an adopter does. */
function declaring(fileSystem: FileSystem): DeclareLost {
  return (dead, sequences, setAside) => {
    const sealer = sealerOf(dead, { fileSystem })
    sealer.lose(sequences.map(([first, last]) => ({ first, last, reason: 'lost_in_transit' })))
    try {
      setAside()
    } finally {
      sealer.closeDead()
    }
  }
}

/** The folder of a dead recorder that was adopted: several segments are ready to be sent. */
function deadRecorder(): string {
  const { folder } = recordScenario()
  adopt(folder)
  return folder
}

function queued(folder: string) {
  return listSegments(originalFs, folder).map(({ name }) => ({
    folder,
    name,
    bytes: statSync(path.join(folder, name)).size,
  }))
}

/** The folders that have a segment of that name; none after it was removed. */
function placesOf(folder: string, names: readonly string[]): Record<string, string[]> {
  const places = {
    queue: folder,
    sent: sentFolder(folder),
    quarantine: quarantineFolder(folder),
    lost: lostFolder(folder),
  }
  return Object.fromEntries(
    names.map((name) => [
      name,
      Object.entries(places)
        .filter(([, place]) => existsSync(path.join(place, name)))
        .map(([place]) => place),
    ]),
  )
}

const filesIn = (folder: string) => (existsSync(folder) ? readdirSync(folder).sort() : [])

test('a taken segment moves into sent/, with a note of its contents, and is removed when it is confirmed', () => {
  const folder = deadRecorder()
  const segments = queued(folder)
  const unconfirmed = unconfirmedIn(folder)
  for (const segment of segments) unconfirmed.add(segment)
  expect(queued(folder)).toEqual([])
  expect(filesIn(sentFolder(folder))).toEqual(
    segments.flatMap(({ name }) => [name, `${name}.note`]).sort(),
  )
  const kept = unconfirmed.all()
  expect(kept.map(({ name, times, isInQueue }) => [name, times, isInQueue])).toEqual(
    segments.map(({ name }) => [name, 1, false]),
  )
  const sequences = kept.flatMap((each) => each.sequences).flat()
  expect([Math.min(...sequences), Math.max(...sequences)]).toEqual([1, 12])
  for (const segment of kept) unconfirmed.confirm(segment)
  expect([unconfirmed.all(), existsSync(sentFolder(folder))]).toEqual([[], false])
})

test('the account: sent segments wait, confirmed ones do not count, lost ones wait with their declaration', () => {
  const folder = deadRecorder()
  const recorded = accountOf(originalFs, folder)
  expect(recorded).toMatchObject({ recorded: 12, waiting: 12, quarantined: 0, unconfirmed: 0 })
  const unconfirmed = unconfirmedIn(folder)
  for (const segment of queued(folder)) unconfirmed.add(segment)
  expect(accountOf(originalFs, folder)).toEqual(recorded)
  const [first, second] = unconfirmed.all() as [SentSegment, SentSegment]
  const countOf = ({ sequences }: SentSegment) =>
    sequences.reduce((sum, [a, b]) => sum + b - a + 1, 0)
  unconfirmed.confirm(first)
  expect(accountOf(originalFs, folder).waiting).toBe(12 - countOf(first))
  unconfirmed.lose(second, { sequences: second.sequences, contents: [] })
  // The declarations have sequences, too, and wait like the sequences that they declare.
  const { recorded: now, waiting, quarantined } = accountOf(originalFs, folder)
  expect(now).toBe(12 + second.sequences.length)
  expect(now - waiting).toBe(countOf(first))
  expect(quarantined).toBe(0)
})

test('a note has the exact sequences; without a note they are read from the segment', () => {
  const recording = startRecording()
  for (const kind of ['log', 'span', 'log', 'log', 'span', 'span', 'log'] as const) {
    if (kind === 'log') recording.log('text')
    else recording.end(`span${recording.journal.recorded}`)
  }
  recording.journal.rotate()
  const { folder } = recording
  sealerOf(folder).seal()
  const unconfirmed = unconfirmedIn(folder)
  for (const segment of queued(folder)) unconfirmed.add(segment)
  const expected = {
    logs: [
      [1, 1],
      [3, 4],
      [7, 7],
    ],
    traces: [
      [2, 2],
      [5, 6],
    ],
  }
  const told = (of: ReturnType<typeof unconfirmedIn>) =>
    Object.fromEntries(of.all().map(({ signal, sequences }) => [signal, sequences]))
  expect(told(unconfirmed)).toEqual(expected)
  for (const name of filesIn(sentFolder(folder))) {
    if (name.endsWith('.note')) rmSync(path.join(sentFolder(folder), name))
  }
  expect(told(unconfirmedIn(folder))).toEqual(expected)
})

test('contents are identified by the day of their record and their hash', () => {
  const folder = temporaryFolder()
  const name = '000000000001-000000000001-1.logs.json.gz'
  const part = (hash: string, time: string) => ({
    timeUnixNano: time,
    eventName: 'turnlog.content',
    attributes: [{ key: 'turnlog.content.sha256', value: { stringValue: hash } }],
  })
  const [a, b] = ['a'.repeat(64), 'b'.repeat(64)]
  const lastNano = `${BigInt(Date.parse('2026-11-23T23:59:59.999Z')) * 1_000_000n + 999_999n}`
  const nextNano = `${BigInt(Date.parse('2026-11-24T00:00:00Z')) * 1_000_000n}`
  const logRecords = [
    part(`sha256:${a}`, lastNano),
    part(`sha256:${a}`, lastNano),
    part(`sha256:${b}`, nextNano),
    part('sha256:short', nextNano),
    part(`sha256:${b}`, 'never'),
    { eventName: 'other', attributes: [{ key: 'turnlog.sequence', value: { intValue: '7' } }] },
    { attributes: [{ key: 'turnlog.sequence', value: { intValue: 8 } }, null, 'x'] },
    null,
  ]
  const body = { resourceLogs: [{ scopeLogs: [{ logRecords }, null] }] }
  writeFileSync(path.join(folder, name), gzipSync(JSON.stringify(body)))
  expect(readSegmentContents(quickDisk, path.join(folder, name), name)).toEqual({
    sequences: [[7, 8]],
    contents: [`2026-11-23/${a}`, `2026-11-24/${b}`],
  })
})

test.each([
  ['no gzip', Buffer.from('garbage')],
  ['no JSON', gzipSync('garbage')],
  ['half of it', gzipSync('{"resourceSpans":[]}').subarray(0, 12)],
])('of a segment that is %s, the name tells', (_name, bytes) => {
  const file = path.join(temporaryFolder(), 'x')
  writeFileSync(file, bytes)
  const name = '000000000003-000000000009-4.traces.json.gz'
  expect(readSegmentContents(quickDisk, file, name)).toEqual({ sequences: [[3, 9]], contents: [] })
})

test('a segment that is sent again and taken again counts on, also in the next process', () => {
  const folder = deadRecorder()
  const [segment] = queued(folder)
  if (segment === undefined) throw new Error('no segment')
  for (let times = 1; times <= 4; times += 1) {
    const unconfirmed = unconfirmedIn(folder)
    unconfirmed.add(segment)
    const [kept] = unconfirmed.all()
    expect(kept?.times).toBe(times)
    if (kept !== undefined) unconfirmed.sendAgain(kept)
    expect(unconfirmed.all()).toEqual([])
    expect(placesOf(folder, [segment.name])).toEqual({ [segment.name]: ['queue'] })
  }
})

test.each(['confirm', 'sendAgain', 'setAside', 'lose'] as const)(
  'a verdict on a segment that was sent again and taken again meanwhile does nothing: %s',
  (verdict) => {
    const folder = deadRecorder()
    const [segment] = queued(folder)
    if (segment === undefined) throw new Error('no segment')
    const unconfirmed = unconfirmedIn(folder)
    unconfirmed.add(segment)
    // The ledger is asked about this one; before it answers, the segment is sent and taken again.
    const [asked] = unconfirmed.all()
    if (asked === undefined) throw new Error('not sent')
    unconfirmed.sendAgain(asked)
    unconfirmed.add(segment)
    const [current] = unconfirmed.all()
    const waiting = accountOf(originalFs, folder)
    const verdicts = {
      confirm: () => unconfirmed.confirm(asked),
      sendAgain: () => unconfirmed.sendAgain(asked),
      setAside: () => unconfirmed.setAside(asked, 'declared dropped'),
      lose: () => unconfirmed.lose(asked, { sequences: asked.sequences, contents: [] }),
    }
    verdicts[verdict]()
    expect(unconfirmed.all()).toEqual([current])
    expect(current).toMatchObject({ name: segment.name, times: 2 })
    expect(placesOf(folder, [segment.name])).toEqual({ [segment.name]: ['sent'] })
    expect(accountOf(originalFs, folder)).toEqual(waiting)
  },
)

test.each(['landed by the receiver itself', 'refused for good'])(
  'a segment that was sent again and then %s leaves no note',
  async (fate) => {
    const recording = startRecording()
    recording.log('text')
    recording.journal.rotate()
    const { folder } = recording
    sealerOf(folder).seal()
    const unconfirmed = unconfirmedIn(folder)
    const spool = openSpool(quickDisk, unconfirmed)
    spool.add(folder)
    const first = await spool.next()
    if (first !== undefined) await spool.acknowledge(first, { isCommitted: false })
    for (const kept of unconfirmed.all()) unconfirmed.sendAgain(kept)
    expect(filesIn(sentFolder(folder))).toHaveLength(1)
    const again = await spool.next()
    if (again === undefined) throw new Error('not sent again')
    if (fate === 'refused for good') await spool.quarantine(again, 'HTTP 400')
    else await spool.acknowledge(again, { isCommitted: true })
    expect(existsSync(sentFolder(folder))).toBe(false)
  },
)

/** Confirms one segment, sends one again, loses one, gives one up; the others stay in sent/. Returns those removed. */
function live(folder: string, fileSystem: FileSystem): string[] {
  const gone: string[] = []
  const declareLost = declaring(fileSystem)
  const unconfirmed = unconfirmedIn(folder, {
    fileSystem,
    declareLost,
    limits: { ...limits, bytesMax: 0 },
  })
  for (const segment of queued(folder)) unconfirmed.add(segment)
  const [one, two, three, four] = unconfirmed.all()
  if (!one || !two || !three || !four) throw new Error('too few segments')
  gone.push(one.name)
  unconfirmed.confirm(one)
  unconfirmed.sendAgain(two)
  unconfirmed.add({ folder, name: two.name, bytes: two.bytes })
  unconfirmed.lose(three, { sequences: three.sequences, contents: [] })
  gone.push(four.name)
  unconfirmed.limit((segment) => segment.name === four.name)
  return gone
}

test('killed after any of its calls, each segment is in one folder, and every sequence is accounted for', () => {
  const dead = deadRecorder()
  const names = queued(dead).map(({ name }) => name)
  expect(names.length).toBeGreaterThan(4)
  const undisturbed = path.join(temporaryFolder(), 'a-recorder')
  cpSync(dead, undisturbed, { recursive: true })
  const mayBeGone = new Set(live(undisturbed, quickDisk))
  let isThrough = false
  let deaths = 0
  for (let allowed = 0; !isThrough; allowed += 1) {
    const folder = path.join(temporaryFolder(), 'a-recorder')
    cpSync(dead, folder, { recursive: true })
    const disk = killedAfter(allowed)
    try {
      live(folder, disk)
    } catch {
      // The process died here.
    }
    isThrough = !disk.wasKilled()
    if (!isThrough) deaths += 1
    const next = unconfirmedIn(folder)
    const kept = next.all()
    for (const [name, places] of Object.entries(placesOf(folder, names))) {
      const placesMax = places.length === 0 && mayBeGone.has(name) ? [] : [expect.any(String)]
      expect({ allowed, name, places }).toEqual({ allowed, name, places: placesMax })
    }
    // The next process knows every segment in sent/ and its contents.
    const inSent = filesIn(sentFolder(folder)).filter((name) => name.endsWith('.gz'))
    expect(new Set(kept.map(({ name }) => name))).toEqual(new Set(inSent))
    for (const { name, sequences } of kept) {
      expect(sequences).toEqual(
        readSegmentContents(quickDisk, path.join(sentFolder(folder), name), name).sequences,
      )
    }
    adopt(folder)
    const { recorded, waiting, quarantined, unconfirmed } = accountOf(originalFs, folder)
    const confirmed = recorded - waiting - quarantined - unconfirmed
    // Only segments that were given up or confirmed are missing from the account.
    const goneCount = names
      .filter((name) => placesOf(folder, [name])[name]?.length === 0)
      .flatMap((name) => readSegmentContents(quickDisk, path.join(dead, name), name).sequences)
      .reduce((sum, [first, last]) => sum + last - first + 1, 0)
    expect({ allowed, confirmed: confirmed + unconfirmed }).toEqual({
      allowed,
      confirmed: goneCount,
    })
    expect(readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([])
  }
  expect(deaths).toBeGreaterThan(60)
})

test('a segment declared before a crash could set it aside is set aside when the ledger says that it was dropped', () => {
  const folder = deadRecorder()
  const unconfirmed = unconfirmedIn(folder, {
    fileSystem: faultyDisk(({ name, values }) =>
      name === 'renameSync' && String(values[1]).includes('lost_in_transit')
        ? diskError('EIO')
        : undefined,
    ),
  })
  const [segment] = queued(folder)
  if (segment === undefined) throw new Error('no segment')
  unconfirmed.add(segment)
  const [kept] = unconfirmed.all()
  if (kept === undefined) throw new Error('not kept')
  const missing = { sequences: kept.sequences, contents: [] }
  for (let attempt = 0; attempt < 3; attempt += 1) {
    expect(() => unconfirmed.lose(kept, missing)).toThrow('EIO')
  }
  // Declared once, however often the disk refuses, and counted once.
  const drops = sealedIn(folder).filter(({ name }) => name === 'turnlog.records.dropped')
  expect(drops).toHaveLength(kept.sequences.length)
  const next = unconfirmedIn(folder)
  const [again] = next.all()
  if (again === undefined) throw new Error('not kept')
  next.setAside(again, 'declared dropped')
  expect(placesOf(folder, [segment.name])).toEqual({ [segment.name]: ['lost'] })
  expect(readFileSync(path.join(lostFolder(folder), `${segment.name}.reason`), 'utf8')).toBe(
    'declared dropped\n',
  )
  expect(accountOf(originalFs, folder).quarantined).toBe(0)
})

test('a lost declaration is quarantined with all that it declares, and not declared in its turn', () => {
  const folder = deadRecorder()
  const unconfirmed = unconfirmedIn(folder)
  for (const segment of queued(folder)) unconfirmed.add(segment)
  const [first, ...others] = unconfirmed.all() as [SentSegment, ...SentSegment[]]
  unconfirmed.lose(first, { sequences: first.sequences, contents: [] })
  for (const other of others) unconfirmed.confirm(other)
  const before = accountOf(originalFs, folder)
  for (const segment of queued(folder)) unconfirmed.add(segment)
  const [declaration] = unconfirmed.all()
  if (declaration === undefined) throw new Error('not declared')
  expect(declaration.declares).toBeGreaterThan(0)
  unconfirmed.lose(declaration, { sequences: declaration.sequences, contents: [] })
  const after = accountOf(originalFs, folder)
  expect(after).toEqual({ ...before, waiting: 0, quarantined: before.waiting })
  expect(queued(folder)).toEqual([])
})

test('a living recorder declares the exact sequences that are missing, once, and continues', () => {
  const recording = startRecording()
  for (let n = 0; n < 6; n += 1) recording.log('text')
  recording.journal.rotate()
  const { folder } = recording
  const sealer = sealerOf(folder)
  sealer.seal()
  sealer.lose([
    { first: 2, last: 3, reason: 'lost_in_transit' },
    { first: 5, last: 5, reason: 'lost_in_transit' },
  ])
  sealer.lose([{ first: 3, last: 3, reason: 'lost_in_transit' }])
  // A worker that starts again reports it again.
  for (const each of [sealer, sealerOf(folder)]) {
    expect(each.seal()).toEqual([
      { first: 2, last: 3, reason: 'lost_in_transit' },
      { first: 5, last: 5, reason: 'lost_in_transit' },
    ])
  }
  for (const range of [
    { first: 2, last: 3 },
    { first: 5, last: 5 },
  ]) {
    recording.journal.append({ k: 'log', drop: { ...range, reason: 'lost_in_transit' } })
  }
  recording.journal.rotate()
  expect(sealer.seal()).toEqual([])
  expect(sequencesIn(folder).dropped).toEqual([2, 3, 5])
  expect(sealedIn(folder).at(-1)?.attributes['turnlog.drop.reason']).toBe('lost_in_transit')
})

test('a full disk: a segment that cannot be moved stays in the queue, is not sent again by this process, and is confirmed there', async () => {
  const folder = deadRecorder()
  const { disk, fill, free } = fullDisk()
  const unconfirmed = unconfirmedIn(folder, { fileSystem: disk })
  const spool = openSpool(disk, unconfirmed)
  spool.add(folder)
  fill()
  const names: string[] = []
  for (let next = await spool.next(); next !== undefined; next = await spool.next()) {
    names.push(next.name)
    await spool.acknowledge(next, { isCommitted: false })
  }
  expect(names.length).toBeGreaterThan(4)
  expect(new Set(names).size).toBe(names.length)
  expect(unconfirmed.all().map(({ isInQueue }) => isInQueue)).toEqual(names.map(() => true))
  expect(accountOf(originalFs, folder).waiting).toBe(12)
  const [one, two, ...others] = unconfirmed.all() as [SentSegment, SentSegment, ...SentSegment[]]
  unconfirmed.confirm(one)
  unconfirmed.sendAgain(two)
  expect((await spool.next())?.name).toBe(two.name)
  expect(placesOf(folder, [one.name])).toEqual({ [one.name]: [] })
  free()
  // The next process does not know that they were sent, and sends them once more.
  const after = openSpool(disk, unconfirmedIn(folder))
  after.add(folder)
  const sent: string[] = []
  for (let next = await after.next(); next !== undefined; next = await after.next()) {
    sent.push(next.name)
    await after.acknowledge(next, { isCommitted: false })
  }
  expect(sent).toEqual([two, ...others].map(({ name }) => name))
  expect(filesIn(sentFolder(folder)).length).toBe(2 * sent.length)
})

test('a disk that takes no note: the segment moves nevertheless, and is read again', () => {
  const folder = deadRecorder()
  const disk = faultyDisk(({ name, values }) =>
    name === 'openSync' && String(values[0]).includes('.note') && values[1] !== 'r'
      ? diskError('ENOSPC')
      : undefined,
  )
  const unconfirmed = unconfirmedIn(folder, { fileSystem: disk })
  for (const segment of queued(folder)) unconfirmed.add(segment)
  const kept = unconfirmed.all()
  expect(kept.map(({ isInQueue }) => isInQueue)).toEqual(kept.map(() => false))
  const next = unconfirmedIn(folder).all()
  const facts = ({ name, sequences, times }: SentSegment) => ({ name, sequences, times })
  expect(new Set(next.map(facts))).toEqual(new Set(kept.map(facts)))
})

test.each([
  ['damaged', '{"version":1,"takenAt":'],
  ['no object', '7'],
  ['of a newer version', '{"version":2,"takenAt":1,"times":1,"sequences":[],"contents":[]}'],
  ['without ranges', '{"version":1,"takenAt":1,"times":1,"sequences":[[2,1]],"contents":[]}'],
])('a note that is %s is none: the segment is read', (_name, text) => {
  const folder = deadRecorder()
  const unconfirmed = unconfirmedIn(folder)
  const [segment] = queued(folder)
  if (segment === undefined) throw new Error('no segment')
  unconfirmed.add(segment)
  writeFileSync(path.join(sentFolder(folder), `${segment.name}.note`), text)
  const [kept] = unconfirmed.all()
  expect(unconfirmedIn(folder).all()).toMatchObject([{ sequences: kept?.sequences, times: 1 }])
})

test('a note without a segment is removed, files with other names stay', () => {
  const folder = deadRecorder()
  const sent = sentFolder(folder)
  mkdirSync(sent)
  const [inQueue] = queued(folder)
  const own = [
    '000000000099-000000000099-1.logs.json.gz.note',
    `${inQueue?.name}.note`,
    `${inQueue?.name}.note.0123456789ab.tmp`,
    'of-another-version',
  ]
  for (const name of own) writeFileSync(path.join(sent, name), '{}')
  expect(unconfirmedIn(folder).all()).toEqual([])
  expect(filesIn(sent)).toEqual([`${inQueue?.name}.note`, 'of-another-version'])
})

test('a clock set back makes no segment younger than new, a clock set forward makes it old', () => {
  const folder = deadRecorder()
  const noted = 1_700_000_000_000
  const before = unconfirmedIn(folder, { now: () => noted })
  for (const segment of queued(folder)) before.add(segment)
  const at = (now: number) =>
    unconfirmedIn(folder, { now: () => now, clock: () => 1_000 })
      .all()
      .map(({ takenAt }) => takenAt)
  expect(new Set(at(noted - 10 * day))).toEqual(new Set([1_000]))
  expect(new Set(at(noted + 400))).toEqual(new Set([600]))
  expect(new Set(at(noted + 10 * day))).toEqual(new Set([1_000 - 10 * day]))
})

test('beyond the bytes the oldest segments are given up, logged and counted', () => {
  const folder = deadRecorder()
  const segments = queued(folder)
  let time = 0
  const bytes = segments.reduce((sum, each) => sum + each.bytes, 0)
  const unconfirmed = unconfirmedIn(folder, {
    limits: { ...limits, bytesMax: bytes },
    clock: () => time,
  })
  for (const segment of segments) {
    time += 1_000
    unconfirmed.add(segment)
  }
  expect(unconfirmed.limit(() => true)).toBe(0)
  const [oldest] = unconfirmed.all()
  const tight = unconfirmedIn(folder, { limits: { ...limits, bytesMax: bytes - 1 }, now: () => 77 })
  const [first] = tight.all()
  expect(tight.limit(() => true)).toBe(1)
  expect(tight.all()).toHaveLength(segments.length - 1)
  const lines = readFileSync(path.join(path.dirname(folder), 'unconfirmed.jsonl'), 'utf8')
  expect(JSON.parse(lines)).toEqual({
    at: 77,
    recorder: 'a-recorder',
    segment: first?.name,
    bytes: first?.bytes,
    sequences: first?.sequences,
    why: 'kept_bytes_max',
  })
  expect(oldest).toBeDefined()
  const { waiting, unconfirmed: givenUp } = accountOf(originalFs, folder)
  expect(waiting + givenUp).toBe(12)
  expect(givenUp).toBeGreaterThan(0)
})

test('beyond its age a segment is given up only if the caller allows it', () => {
  const folder = deadRecorder()
  const unconfirmed = unconfirmedIn(folder, { now: () => Date.now() - 8 * day })
  for (const segment of queued(folder)) unconfirmed.add(segment)
  const later = unconfirmedIn(folder)
  const all = later.all().length
  expect(later.limit(() => false)).toBe(0)
  expect(later.limit((_segment, why) => why === 'kept_days_max')).toBe(all)
  expect([later.all(), existsSync(sentFolder(folder))]).toEqual([[], false])
  expect(accountOf(originalFs, folder)).toMatchObject({ waiting: 0, unconfirmed: 12 })
})

test('a segment whose line the disk does not take is not given up', () => {
  const folder = deadRecorder()
  const disk = faultyDisk(({ name, values }) =>
    name === 'openSync' && String(values[0]).includes('unconfirmed')
      ? diskError('ENOSPC')
      : undefined,
  )
  const unconfirmed = unconfirmedIn(folder, {
    fileSystem: disk,
    limits: { ...limits, bytesMax: 0 },
  })
  for (const segment of queued(folder)) unconfirmed.add(segment)
  const all = unconfirmed.all().length
  expect(unconfirmed.limit(() => true)).toBe(0)
  expect(unconfirmed.all()).toHaveLength(all)
})

test('the log of given-up segments is limited to two files of a mebibyte', () => {
  const folder = deadRecorder()
  const directory = path.dirname(folder)
  const file = path.join(directory, 'unconfirmed.jsonl')
  const line = `${JSON.stringify({ recorder: 'other', sequences: [[1, 1]] })}\n`
  writeFileSync(file, line.repeat(Math.ceil(1024 ** 2 / line.length)))
  const unconfirmed = unconfirmedIn(folder, { limits: { ...limits, bytesMax: 0 } })
  for (const segment of queued(folder)) unconfirmed.add(segment)
  unconfirmed.limit(() => true)
  expect(filesIn(directory)).toEqual(['a-recorder', 'unconfirmed.1.jsonl', 'unconfirmed.jsonl'])
  expect(statSync(file).size).toBeLessThan(10_000)
  expect(accountOf(originalFs, folder).unconfirmed).toBe(12)
})

test('files are private', () => {
  const folder = deadRecorder()
  const unconfirmed = unconfirmedIn(folder, { limits: { ...limits, bytesMax: 0 } })
  for (const segment of queued(folder)) unconfirmed.add(segment)
  const [one, two] = unconfirmed.all() as [SentSegment, SentSegment]
  unconfirmed.lose(one, { sequences: [], contents: [`2026-11-23/${'a'.repeat(64)}`] })
  const modeOf = (file: string) => (statSync(file).mode & 0o777).toString(8)
  expect(modeOf(sentFolder(folder))).toBe('700')
  expect(modeOf(lostFolder(folder))).toBe('700')
  expect(modeOf(path.join(sentFolder(folder), `${two.name}.note`))).toBe('600')
  const reason = path.join(lostFolder(folder), `${one.name}.reason`)
  expect(modeOf(reason)).toBe('600')
  expect(readFileSync(reason, 'utf8')).toContain('not in the ledger: content 2026-11-23/aaa')
  unconfirmed.limit(() => true)
  expect(modeOf(path.join(path.dirname(folder), 'unconfirmed.jsonl'))).toBe('600')
})

test('a segment that somebody else removed is forgotten', () => {
  const folder = deadRecorder()
  const unconfirmed = unconfirmedIn(folder)
  for (const segment of queued(folder)) unconfirmed.add(segment)
  const [one, two, three] = unconfirmed.all() as [SentSegment, SentSegment, SentSegment]
  rmSync(sentFolder(folder), { recursive: true })
  unconfirmed.sendAgain(one)
  unconfirmed.lose(two, { sequences: two.sequences, contents: [] })
  unconfirmed.confirm(three)
  expect(unconfirmed.all().filter((each) => [one, two, three].includes(each))).toEqual([])
  expect(queued(folder)).toEqual([])
})

test('an adopter takes over the sent segments of a dead recorder, and removes sent/ when all are confirmed', () => {
  const folder = deadRecorder()
  const first = unconfirmedIn(folder)
  for (const segment of queued(folder)) first.add(segment)
  utimesSync(sentFolder(folder), 0, 0)
  const heirs: string[] = []
  const second = unconfirmedIn(folder, { onAdded: () => heirs.push('woken') })
  expect(heirs).toEqual(['woken'])
  for (const segment of second.all()) second.confirm(segment)
  expect(filesIn(folder).filter((name) => name === 'sent')).toEqual([])
})
