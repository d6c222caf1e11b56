/** Sealing into an exporter instead of segments: what is noted when, and what is declared of what it gives up. */
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import * as path from 'node:path'
import { expect, test } from 'vitest'
import { originalFs } from '../../src/file-system.ts'
import { createExportOutlets, type ExportLimits } from '../../src/otlp/export-outlet.ts'
import type { SealerOptions } from '../../src/seal/sealer.ts'
import type { MissingRange } from '../../src/seal/sequences.ts'
import { readState } from '../../src/seal/state.ts'
import { ownLiveness } from '../../src/spool/liveness.ts'
import { endedMarker, listJournalFiles, listSegments } from '../../src/spool/recorder-folder.ts'
import type { Signal } from '../../src/spool/segment-name.ts'
import { openSpool } from '../../src/spool/spool.ts'
import { Adoption } from '../../src/worker/adopt.ts'
import { accountOf } from '../../src/worker/recorder-account.ts'
import { recordScenario } from '../seal/scenario.ts'
import { quickDisk } from '../spool/faulty-disk.ts'
import {
  adopt,
  copyOf,
  plain,
  type Recording,
  sealedIn,
  sealerOf,
  startRecording,
} from '../spool/support.ts'

interface ExportedRecord {
  /** OTLP/JSON. */
  readonly json: string
}

interface Request {
  readonly sequences: readonly number[]
  readonly records: readonly ExportedRecord[]
  /** It has come to its end; resolves when the sealer has been told. */
  settle(how: 'exported' | 'failed'): Promise<void>
}

/** An exporter whose requests end when the test says so. */
function startExporter(limits?: ExportLimits) {
  const open: Request[] = []
  const exported: ExportedRecord[] = []
  const openOutlet = createExportOutlets(
    (signal, body) =>
      new Promise((resolve) => {
        const records = recordsIn(signal, body)
        const request: Request = {
          sequences: records.map(sequenceOf),
          records,
          async settle(how) {
            open.splice(open.indexOf(request), 1)
            if (how === 'exported') exported.push(...records)
            resolve(how === 'exported' ? { status: how } : { status: how, reason: 'told to' })
            await new Promise((told) => setImmediate(told))
          },
        }
        open.push(request)
      }),
    limits,
  )
  return {
    openOutlet,
    /** Under way, the oldest first. */
    open,
    exported,
    async settleAll(how: 'exported' | 'failed'): Promise<void> {
      for (let next = open[0]; next !== undefined; next = open[0]) await next.settle(how)
    },
  }
}

function recordsIn(signal: Signal, body: Uint8Array): ExportedRecord[] {
  const names = {
    traces: ['resourceSpans', 'scopeSpans', 'spans'],
    logs: ['resourceLogs', 'scopeLogs', 'logRecords'],
  } as const
  const [resources, scopes, records] = names[signal]
  const request = JSON.parse(Buffer.from(body).toString())
  return request[resources]
    .flatMap((resource: Record<string, unknown>) => resource[scopes])
    .flatMap((scope: Record<string, unknown>) => scope[records])
    .map((record: unknown) => ({ json: JSON.stringify(record) }))
}

/** 0 for a part of a content. */
function sequenceOf({ json }: ExportedRecord): number {
  return Number(plain(JSON.parse(json).attributes)['turnlog.sequence'] ?? 0)
}

/** One journal file for each list of log bodies. */
function record(...files: readonly (readonly string[])[]): Recording {
  const recording = startRecording()
  for (const bodies of files) {
    for (const body of bodies) recording.log(body)
    recording.journal.rotate()
  }
  return recording
}

const files = ({ folder }: Recording): number[] => listJournalFiles(originalFs, folder)
const through = ({ folder }: Recording): number => readState(originalFs, folder).sealedThrough

/** What was exported, and what of it says is lost: together every sequence there is. */
function accounted(records: readonly ExportedRecord[]) {
  const landed = new Set(records.map(sequenceOf).filter((sequence) => sequence > 0))
  const dropped = new Set<number>()
  for (const { json } of records) {
    const { eventName, attributes } = JSON.parse(json)
    if (eventName !== 'turnlog.records.dropped') continue
    const { 'turnlog.drop.first_sequence': first, 'turnlog.drop.last_sequence': last } =
      plain(attributes)
    for (let each = Number(first); each <= Number(last); each += 1) dropped.add(each)
  }
  const all = Array.from({ length: Math.max(0, ...landed) }, (_, index) => index + 1)
  return {
    dropped: [...dropped].filter((each) => !landed.has(each)).sort((a, b) => a - b),
    silent: all.filter((each) => !landed.has(each) && !dropped.has(each)),
  }
}

test('exported records are noted when the exporter answers, in the order of the files, and each file stays until then', async () => {
  const recording = record(['a', 'b'], ['c'])
  const { openOutlet, open } = startExporter()
  const sealer = sealerOf(recording.folder, { openOutlet })
  sealer.seal()
  expect(open.map(({ sequences }) => sequences)).toEqual([[1, 2], [3]])
  expect([files(recording), through(recording)]).toEqual([[1, 2], 0])
  expect(listSegments(originalFs, recording.folder)).toEqual([])
  await open[1]?.settle('exported')
  expect([files(recording), through(recording)]).toEqual([[1, 2], 0])
  await open[0]?.settle('exported')
  expect([files(recording), through(recording)]).toEqual([[], 3])
  expect(accountOf(originalFs, recording.folder)).toMatchObject({ recorded: 3, waiting: 0 })
})

test('the exported records are those that a segment has', async () => {
  const { folder } = recordScenario()
  const other = copyOf(folder)
  adopt(folder)
  const { openOutlet, exported, settleAll } = startExporter()
  adopt(other, { openOutlet })
  await settleAll('exported')
  const rows = exported
    .filter((record) => sequenceOf(record) > 0)
    .sort((a, b) => sequenceOf(a) - sequenceOf(b))
    .map(({ json }) => JSON.parse(json))
  expect(rows).toEqual(sealedIn(folder).map(({ otlp }) => otlp))
  expect(readState(originalFs, other)).toMatchObject(readState(originalFs, folder))
})

test('after a kill the next sealer exports again what was in flight, and loses nothing', async () => {
  const recording = recordScenario()
  const first = startExporter()
  sealerOf(recording.folder, first).seal()
  await first.open[0]?.settle('exported')
  const next = startExporter()
  adopt(recording.folder, next)
  await next.settleAll('exported')
  expect(accounted([...first.exported, ...next.exported])).toEqual({ dropped: [], silent: [] })
  expect(files(recording)).toEqual([])
})

test('records given up for a living recorder are declared, and declared again when the declaration is given up too', async () => {
  const recording = record(['a', 'b'])
  const { openOutlet, exported, settleAll } = startExporter()
  const sealer = sealerOf(recording.folder, { openOutlet })
  const declare = (): MissingRange[] => {
    const missing = sealer.seal()
    for (const drop of missing) recording.journal.append({ k: 'log', drop })
    recording.journal.rotate()
    return missing
  }
  sealer.seal()
  await settleAll('failed')
  expect([files(recording), through(recording)]).toEqual([[], 2])
  expect(accountOf(originalFs, recording.folder)).toMatchObject({ recorded: 2, waiting: 2 })
  for (let last = 2; last <= 6; last += 1) {
    // One range, however often it fails.
    expect(declare()).toEqual([{ first: 1, last, reason: 'export_failed' }])
    expect(sealer.seal()).toEqual([])
    await settleAll('failed')
  }
  declare()
  sealer.seal()
  await settleAll('exported')
  expect(sealer.seal()).toEqual([])
  expect(accounted(exported)).toEqual({ dropped: [1, 2, 3, 4, 5, 6, 7], silent: [] })
  expect(accountOf(originalFs, recording.folder)).toMatchObject({ recorded: 8, waiting: 0 })
})

test('the records of a request that an exporter throws at are lost, and declared', async () => {
  const recording = record(['a', 'b'])
  const openOutlet = createExportOutlets(() => {
    throw new Error('a broken exporter')
  })
  const sealer = sealerOf(recording.folder, { openOutlet })
  sealer.seal()
  await expect.poll(() => sealer.seal()).toEqual([{ first: 1, last: 2, reason: 'export_failed' }])
})

test('missing ranges that may not be declared yet are returned later', async () => {
  const recording = record(['a'])
  const { openOutlet, settleAll } = startExporter()
  const sealer = sealerOf(recording.folder, { openOutlet })
  sealer.seal()
  await settleAll('failed')
  expect(sealer.seal(undefined, () => false)).toEqual([])
  expect(sealer.seal()).toEqual([{ first: 1, last: 1, reason: 'export_failed' }])
})

test('records given up for a dead recorder are tried again, all of them', async () => {
  const { folder } = recordScenario()
  const before = readState(originalFs, folder)
  const known = listJournalFiles(originalFs, folder)
  const first = startExporter()
  const settled: boolean[] = []
  adopt(folder, {
    ...first,
    isDead: true,
    onSettled: (isGivenUp) => settled.push(isGivenUp),
  } satisfies Partial<SealerOptions>)
  await first.open[0]?.settle('failed')
  expect(settled).toEqual([true])
  expect([readState(originalFs, folder), listJournalFiles(originalFs, folder)]).toEqual([
    before,
    known,
  ])
  await first.settleAll('exported')
  const next = startExporter()
  adopt(folder, { ...next, isDead: true })
  await next.settleAll('exported')
  expect(accounted(next.exported)).toEqual({ dropped: [], silent: [] })
  expect(listJournalFiles(originalFs, folder)).toEqual([])
})

test.each([
  ['requests', { requestsMax: 2, bytesMax: 1_000_000 }],
  ['bytes', { requestsMax: 100, bytesMax: 5_000 }],
])('sealing waits while too many %s are in flight', async (_name, limits) => {
  const recording = record(['a', 'x'.repeat(3_000)], ['b', 'x'.repeat(3_000)], ['c'], ['d'])
  const { openOutlet, open, settleAll } = startExporter(limits)
  const sealer = sealerOf(recording.folder, { openOutlet })
  sealer.seal()
  expect(open).toHaveLength(2)
  expect(sealer.isFull()).toBe(true)
  await open[0]?.settle('exported')
  expect(sealer.isFull()).toBe(false)
  while (files(recording).length > 0) {
    sealer.seal()
    await settleAll('exported')
  }
  expect(through(recording)).toBe(6)
})

test('a dead recorder whose records an exporter gives up is taken again in the next round, and deleted once they are sent', async () => {
  const { folder } = recordScenario()
  writeFileSync(path.join(folder, endedMarker), '')
  const { openOutlet, open, settleAll, exported } = startExporter({
    requestsMax: 2,
    bytesMax: 1_000_000,
  })
  const adoption = new Adoption({
    fileSystem: quickDisk,
    directory: path.dirname(folder),
    ownFolder: path.join(path.dirname(folder), 'its-adopter'),
    self: ownLiveness(),
    contentBytesMax: 1024 ** 2,
    inlineBytesMax: 128 * 1024,
    changes: undefined,
    spool: openSpool(quickDisk),
    openOutlet,
    onSealed: () => undefined,
    onSettled: () => undefined,
  })
  /** As the worker does, with requests that end as they are told. */
  const lookAround = async (how: 'exported' | 'failed'): Promise<void> => {
    for (let next = adoption.look(); next !== 'done'; next = adoption.look()) {
      if (next === 'later') await open[0]?.settle(how)
    }
    await settleAll(how)
  }
  const before = listJournalFiles(originalFs, folder)
  for (let round = 0; round < 3; round += 1) await lookAround('failed')
  expect(listJournalFiles(originalFs, folder)).toEqual(before)
  await lookAround('exported')
  expect(accounted(exported)).toEqual({ dropped: [], silent: [] })
  await lookAround('exported')
  expect(existsSync(folder)).toBe(false)
})

/** Beside `openOutlet`: what is longer than this leaves its record. */
const outOfLine = { inlineBytesMax: 1_024 }
const long = 'x'.repeat(5_000)

test('a content is sent before the records that refer to it, also those of a later file', async () => {
  const recording = record([long], ['short'], [long])
  const { openOutlet, open, settleAll } = startExporter()
  sealerOf(recording.folder, { ...outOfLine, openOutlet }).seal()
  // Sequence 0 are the parts; what refers to them waits.
  expect(open.map(({ sequences }) => sequences)).toEqual([[0]])
  await open[0]?.settle('exported')
  expect(open.map(({ sequences }) => sequences)).toEqual([[1], [2], [3]])
  await settleAll('exported')
  expect(through(recording)).toBe(3)
})

test('a record whose content was given up is not sent without it: it is lost, and the content is sent again with the next', async () => {
  const recording = record([long, 'short'], [long])
  const { openOutlet, open, settleAll, exported } = startExporter()
  const sealer = sealerOf(recording.folder, { ...outOfLine, openOutlet })
  sealer.seal()
  await open[0]?.settle('failed')
  expect(open.map(({ sequences }) => sequences)).toEqual([[2]])
  await settleAll('exported')
  const missing = sealer.seal().toSorted((a, b) => a.first - b.first)
  expect(missing).toEqual([
    { first: 1, last: 1, reason: 'export_failed' },
    { first: 3, last: 3, reason: 'export_failed' },
  ])
  recording.log(long)
  recording.journal.rotate()
  sealer.seal()
  expect(open.map(({ sequences }) => sequences)).toEqual([[0]])
  await settleAll('exported')
  expect(exported.map(sequenceOf)).toEqual([2, 0, 4])
})

test('if the disk refuses the state, it is tried again, and the records are exported again', async () => {
  const recording = record(['a'], ['b'])
  const { openOutlet, settleAll, exported } = startExporter()
  const givenUp: boolean[] = []
  const sealer = sealerOf(recording.folder, {
    openOutlet,
    onSettled: (isGivenUp) => givenUp.push(isGivenUp),
  })
  sealer.seal()
  // In the place of the folder there is nothing to write to.
  const kept = copyOf(recording.folder)
  rmSync(recording.folder, { recursive: true })
  await settleAll('exported')
  expect(givenUp).toEqual([true])
  const again = sealerOf(kept, { openOutlet })
  again.seal()
  await settleAll('exported')
  expect(exported.map(sequenceOf)).toEqual([1, 2, 1, 2])
  expect(readState(originalFs, kept).sealedThrough).toBe(2)
})

/** Small, seeded, good enough to choose by. */
function dice(seed: number): (sides: number) => number {
  let state = seed
  return (sides) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff
    return (state >> 8) % sides
  }
}

test.each(Array.from({ length: 60 }, (_, index) => index + 1))(
  'whatever fails and dies, every sequence has been exported or is declared (seed %i)',
  async (seed) => {
    const roll = dice(seed)
    const recording = startRecording()
    let exporter = startExporter()
    let sealer = sealerOf(recording.folder, exporter)
    const exported: ExportedRecord[] = []
    const seal = (): void => {
      const last = recording.closed.at(-1)
      if (last === undefined) return
      for (const drop of sealer.seal(last)) recording.journal.append({ k: 'log', drop })
    }
    for (let step = 0; step < 80; step += 1) {
      const request = exporter.open[roll(Math.max(1, exporter.open.length))]
      const id = `span${roll(4)}`
      const actions = [
        () => recording.log('x'.repeat(roll(50))),
        () => recording.content(id, 'file.before', 'some content'),
        () => recording.end(id, { attributes: { 'turnlog.file_operation.id': id } }),
        () => recording.journal.rotate(),
        seal,
        seal,
        () => request?.settle('exported'),
        () => request?.settle('failed'),
        () => {
          // A new worker; what was under way may have arrived or not.
          exported.push(...exporter.exported)
          exporter = startExporter()
          sealer = sealerOf(recording.folder, exporter)
        },
      ]
      await actions[roll(actions.length)]?.()
    }
    recording.journal.close()
    exported.push(...exporter.exported)
    const adopter = startExporter()
    adopt(recording.folder, { ...adopter, isDead: true })
    await adopter.settleAll('exported')
    expect(accounted([...exported, ...adopter.exported]).silent).toEqual([])
    expect(files(recording)).toEqual([])
  },
)
