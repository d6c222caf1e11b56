import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import * as path from 'node:path'
import { expect, test } from 'vitest'
import { originalFs } from '../../src/file-system.ts'
import { type Liveness, ownLiveness } from '../../src/spool/liveness.ts'
import { releaseLock, takeLock } from '../../src/spool/lock.ts'
import { startProgram } from '../support/observed-program.ts'
import { faultyDisk } from './faulty-disk.ts'
import { temporaryFolder } from './support.ts'

const dead: Liveness = { ...ownLiveness(), processStart: '12345' }

function destination() {
  const directory = temporaryFolder()
  const folder = path.join(directory, 'a-dead-recorder')
  mkdirSync(folder)
  return {
    folder,
    adopter: (name: string, liveness = ownLiveness()) => ({
      folder: path.join(directory, name),
      liveness,
    }),
  }
}

test('the lock has one holder; another gets it once it is released', () => {
  const { folder, adopter } = destination()
  expect(takeLock(originalFs, folder, adopter('one'))).toBe(true)
  expect(takeLock(originalFs, folder, adopter('two'))).toBe(false)
  expect(takeLock(originalFs, folder, adopter('one'))).toBe(true)
  releaseLock(originalFs, folder, adopter('one'))
  expect(takeLock(originalFs, folder, adopter('two'))).toBe(true)
  expect(readdirSync(folder)).toEqual(['adopter.two.json'])
})

test('the lock of a dead holder is broken; that of a holder which may be alive is not', () => {
  const { folder, adopter } = destination()
  expect(takeLock(originalFs, folder, adopter('dead', dead))).toBe(true)
  expect(takeLock(originalFs, folder, adopter('one'))).toBe(true)
  releaseLock(originalFs, folder, adopter('one'))
  const far = { ...ownLiveness(), pidNamespace: 'pid:[1]' }
  expect(takeLock(originalFs, folder, adopter('far', far))).toBe(true)
  expect(takeLock(originalFs, folder, adopter('one'))).toBe(false)
})

test('a worker that starts again after its death still has its lock', () => {
  const { folder, adopter } = destination()
  expect(takeLock(originalFs, folder, adopter('one'))).toBe(true)
  expect(takeLock(originalFs, folder, adopter('one'))).toBe(true)
})

test('the recorder of a thread that has ended holds no lock, although its process lives', () => {
  const { folder, adopter } = destination()
  const thread = adopter('thread')
  expect(takeLock(originalFs, folder, thread)).toBe(true)
  expect(takeLock(originalFs, folder, adopter('main'))).toBe(false)
  mkdirSync(thread.folder)
  writeFileSync(path.join(thread.folder, 'ended'), '')
  expect(takeLock(originalFs, folder, adopter('main'))).toBe(true)
})

test('two adopters that see each other both withdraw', () => {
  const { folder, adopter } = destination()
  // The other adopter writes its file after we wrote ours, and before we look for others.
  const disk = faultyDisk(({ name, values }) => {
    if (name === 'renameSync' && String(values[1]).endsWith('adopter.one.json')) {
      writeFileSync(path.join(folder, 'adopter.two.json'), JSON.stringify(ownLiveness()))
    }
    return undefined
  })
  expect(takeLock(disk, folder, adopter('one'))).toBe(false)
  expect(readdirSync(folder)).toEqual(['adopter.two.json'])
})

test('an adopter that is slow to judge an old holder does not break the lock of the new one', () => {
  const { folder, adopter } = destination()
  takeLock(originalFs, folder, adopter('dead', dead))
  // While `slow` still judges the dead adopter, `quick` takes the lock.
  const disk = faultyDisk(({ name, values }) => {
    if (name === 'renameSync' && String(values[1]).endsWith('adopter.slow.json')) {
      expect(takeLock(originalFs, folder, adopter('quick'))).toBe(true)
    }
    return undefined
  })
  expect(takeLock(disk, folder, adopter('slow'))).toBe(false)
  expect(readdirSync(folder)).toEqual(['adopter.quick.json'])
})

test('of four processes that come in the same millisecond, at most one gets the lock, and it is free when all are dead', async () => {
  const { folder, adopter } = destination()
  takeLock(originalFs, folder, adopter('dead', dead))
  const at = String(Date.now() + 1_500)
  await using programs = new AsyncDisposableStack()
  const started = ['a', 'b', 'c', 'd'].map((name) =>
    programs.use(
      startProgram('spool-takes-lock.ts', {
        cwd: folder,
        args: [folder, adopter(name).folder, at],
      }),
    ),
  )
  const answers = await Promise.all(started.map((program) => program.line('lock')))
  expect(answers.filter((answer) => answer === 'taken').length).toBeLessThanOrEqual(1)
  await Promise.all(
    started.map(async (program) => {
      program.child.kill('SIGKILL')
      await program.ended()
    }),
  )
  expect(takeLock(originalFs, folder, adopter('late'))).toBe(true)
})
