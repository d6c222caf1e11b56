/** When dead recorders are searched for, so that none that has ended waits for the next regular round. */
import { mkdirSync, writeFileSync } from 'node:fs'
import * as path from 'node:path'
import { expect, test } from 'vitest'
import { originalFs } from '../../src/file-system.ts'
import { ownLiveness } from '../../src/spool/liveness.ts'
import { endedMarker, listJournalFiles } from '../../src/spool/recorder-folder.ts'
import { openSpool } from '../../src/spool/spool.ts'
import { Adoption } from '../../src/worker/adopt.ts'
import { LookSchedule } from '../../src/worker/look-schedule.ts'
import { recordScenario } from '../seal/scenario.ts'
import { quickDisk } from '../spool/faulty-disk.ts'

type Piece = ReturnType<Adoption['look']>

/** Rounds of these pieces each; the test says when deferred steps and timers run. */
function startSchedule(round: readonly Piece[], hasLeft: () => boolean = () => false) {
  const deferred: (() => void)[] = []
  const timers: { readonly ms: number; readonly run: () => void }[] = []
  let pieces = 0
  const schedule = new LookSchedule({
    adoption: {
      look: () => round[pieces++ % round.length] ?? 'done',
      get hasLeft() {
        return hasLeft()
      },
    },
    defer: (callback) => void deferred.push(callback),
    after: (ms, run) => {
      timers.push({ ms, run })
      return { cancel: () => undefined }
    },
  })
  return {
    schedule,
    timers,
    runDeferred() {
      for (let next = deferred.shift(); next !== undefined; next = deferred.shift()) next()
    },
    rounds: () => pieces / round.length,
  }
}

test('an end that is reported while a round is under way is followed by another round', () => {
  const { schedule, runDeferred, rounds } = startSchedule(['more', 'more', 'done'])
  schedule.look()
  schedule.ended()
  schedule.ended()
  runDeferred()
  expect(rounds()).toBe(2)
})

test('an end that is reported while a round waits for room is followed by another round', () => {
  const { schedule, runDeferred, rounds } = startSchedule(['later', 'done'])
  schedule.look()
  schedule.ended()
  runDeferred()
  schedule.look()
  expect(rounds()).toBe(2)
})

test('without a report, a look during a round is part of it', () => {
  const { schedule, runDeferred, rounds } = startSchedule(['more', 'more', 'done'])
  schedule.look()
  schedule.look()
  runDeferred()
  expect(rounds()).toBe(1)
})

test('a recorder that another one has locked is tried again, and not for ever', () => {
  const { schedule, timers, rounds } = startSchedule(['done'], () => true)
  schedule.look()
  expect(timers).toEqual([])
  schedule.ended()
  for (const timer of timers) timer.run()
  expect(rounds()).toBe(7)
  expect(timers).toHaveLength(5)
  schedule.ended()
  expect(timers).toHaveLength(6)
})

test('a round that leaves nothing is the last one', () => {
  let isLeft = true
  const { schedule, timers, rounds } = startSchedule(['done'], () => isLeft)
  schedule.ended()
  isLeft = false
  timers[0]?.run()
  expect(rounds()).toBe(2)
  expect(timers).toHaveLength(1)
})

test('a recorder whose adopter has ended without adopting it is adopted by the next round', () => {
  const { folder } = recordScenario()
  const directory = path.dirname(folder)
  writeFileSync(path.join(folder, endedMarker), '')
  const other = path.join(directory, 'its-adopter')
  mkdirSync(other)
  writeFileSync(path.join(folder, 'adopter.its-adopter.json'), JSON.stringify(ownLiveness()))
  const adoption = new Adoption({
    fileSystem: quickDisk,
    directory,
    ownFolder: path.join(directory, 'self'),
    self: ownLiveness(),
    contentBytesMax: 1024 ** 2,
    inlineBytesMax: 128 * 1024,
    changes: undefined,
    spool: openSpool(quickDisk),
    onSealed: () => undefined,
    onSettled: () => undefined,
  })
  const lookAround = (): void => {
    while (adoption.look() !== 'done') {
      // The next piece.
    }
  }
  lookAround()
  expect(adoption.hasLeft).toBe(true)
  expect(listJournalFiles(originalFs, folder)).not.toEqual([])
  writeFileSync(path.join(other, endedMarker), '')
  lookAround()
  expect(adoption.hasLeft).toBe(false)
  expect(listJournalFiles(originalFs, folder)).toEqual([])
})
