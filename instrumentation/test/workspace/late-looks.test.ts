/**
 * Looks at the workspace that come late: while the next child runs already, or when several have ended. The disk is real; the
 * test says when a child starts and ends.
 */
import * as fs from 'node:fs'
import * as path from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { originalFs } from '../../src/file-system.ts'
import { Copies } from '../../src/workspace/copies.ts'
import { FileClock } from '../../src/workspace/file-clock.ts'
import { statOf } from '../../src/workspace/file-stat.ts'
import { Scanner } from '../../src/workspace/scan.ts'
import { WorkspaceIndex } from '../../src/workspace/workspace-index.ts'
import { makeWorkspace } from '../support/workspace.ts'

interface Side {
  readonly state: string
  readonly sha256?: string
  readonly reason?: string
}

function openIndex(files: Readonly<Record<string, string>>, { isLooked = true } = {}) {
  const workspace = makeWorkspace(files)
  onTestFinished(() => workspace[Symbol.dispose]())
  const { folder, root } = workspace
  const common = { fileSystem: originalFs, now: Date.now }
  const copiesFolder = path.join(root, 'copies')
  const clock = new FileClock({ ...common, folder: copiesFolder, workspace: folder })
  const scanner = new Scanner({
    ...common,
    workspace: folder,
    ownFolders: [],
    filesMax: 1_000,
    timeMsMax: 10_000,
    pause: () => undefined,
  })
  let afterLook: (() => void) | undefined
  const index = new WorkspaceIndex({
    ...common,
    scanner: {
      look() {
        const look = scanner.look()
        afterLook?.()
        afterLook = undefined
        return look
      },
      covers: (file) => scanner.covers(file),
    },
    copies: new Copies({
      ...common,
      folder: copiesFolder,
      contentBytesMax: 1024 ** 2,
      bytesMax: 1024 ** 2,
      hasNativeCode: () => false,
    }),
    hear: () => undefined,
    trustedMs: () => 3_000,
    changesMax: 1_000,
  })
  const stamp = (): number => clock.stamp() ?? Number.NaN
  const nameOf = (side: Side | undefined): string | undefined =>
    side?.state === 'stored'
      ? fs.readFileSync(path.join(copiesFolder, side.sha256 ?? ''), 'utf8')
      : (side?.reason ?? side?.state)
  /** Path, windows, and the contents before and after; where one is not known, the reason. */
  const compare = (...children: readonly (readonly [number, number | undefined])[]) =>
    index
      .compare(new Map(children))
      .changes.map(({ path: file, windows, before, after }) => [
        path.relative(folder, file),
        [...windows].sort(),
        nameOf(before),
        nameOf(after),
      ])
      .toSorted()
  if (isLooked) {
    compare()
    index.read(10_000)
  }
  return {
    index,
    stamp,
    compare,
    at: (name: string) => path.join(folder, name),
    start: (id: number, { isStamped = true } = {}) =>
      index.begin({
        id,
        at: isStamped ? stamp() : Date.now(),
        facts: { kind: 'child', isOfDatabases: false, isStamped },
      }),
    end(id: number): [number, number] {
      const endedAt = stamp()
      index.end(id, endedAt)
      return [id, endedAt]
    },
    /** Runs once, after the next look, and before the files are read. */
    afterLook: (step: () => void) => (afterLook = step),
  }
}

test('what a look has seen before a child starts is not that child’s, also if the clock does not show that', () => {
  const { index, stamp, at, start, end, compare } = openIndex({ 'a.txt': 'a' })
  start(1)
  fs.writeFileSync(at('a.txt'), 'by 1')
  compare()
  start(2, { isStamped: false })
  index.serves(1, stamp())
  expect(compare(end(2))).toEqual([])
  expect(compare(end(1))).toEqual([['a.txt', [1], 'a', 'by 1']])
})

test('what a child that serves requests does for one is the request’s, also if the look comes later', () => {
  const { index, stamp, at, start, end, compare } = openIndex({ 'a.txt': 'a', 'b.txt': 'b' })
  start(1)
  fs.writeFileSync(at('a.txt'), 'by 1')
  start(2)
  index.serves(1, stamp())
  fs.writeFileSync(at('b.txt'), 'by 2')
  expect(compare([1, undefined])).toEqual([['a.txt', [1], 'a', 'by 1']])
  expect(compare(end(2))).toEqual([['b.txt', [2], 'b', 'by 2']])
})

test('where a child has moved a file to was nothing, if the last look before it has seen nothing there', () => {
  const { index, at, start, end } = openIndex({ 'old.txt': 'moved' })
  start(1)
  fs.renameSync(at('old.txt'), at('new.txt'))
  const [change] = index.compare(new Map([end(1)])).changes
  expect(change).toMatchObject({ kind: 'rename', path: at('new.txt') })
  // Nothing that was overwritten, known or not.
  expect(change).not.toHaveProperty('overwritten')
})

test('of a file that somebody has made before the child changed it the content before is unknown', () => {
  const { at, start, end, compare } = openIndex({ 'a.txt': 'a' })
  fs.writeFileSync(at('new.txt'), 'by somebody')
  start(1)
  fs.writeFileSync(at('new.txt'), 'by 1')
  expect(compare(end(1))).toEqual([['new.txt', [1], 'not_copied', 'by 1']])
})

test('two children that change one file, with a look between but no comparison, share it', () => {
  const { index, stamp, at, start, end, compare } = openIndex({ 'a.txt': 'a' })
  start(1)
  fs.writeFileSync(at('a.txt'), 'by 1')
  compare()
  start(2)
  index.serves(1, stamp())
  fs.writeFileSync(at('a.txt'), 'by both')
  expect(compare(end(2))).toEqual([['a.txt', [1, 2], 'a', 'by both']])
})

test('two children that change one file, with no look between, share it; a file of one is its own', () => {
  const { at, start, end, compare } = openIndex({ 'a.txt': 'a', 'gone.txt': 'g' })
  start(1)
  fs.writeFileSync(at('a.txt'), 'by 1')
  fs.writeFileSync(at('first.txt'), 'by 1')
  const first = end(1)
  start(2)
  fs.writeFileSync(at('a.txt'), 'by both')
  fs.writeFileSync(at('second.txt'), 'by 2')
  fs.unlinkSync(at('gone.txt'))
  expect(compare(first, end(2))).toEqual([
    ['a.txt', [1, 2], 'a', 'by both'],
    ['first.txt', [1], 'absent', 'by 1'],
    ['gone.txt', [1, 2], 'g', undefined],
    ['second.txt', [2], 'absent', 'by 2'],
  ])
})

test('a file that the next child changes after the look and before it is read is an operation of each', () => {
  const { at, start, end, compare, afterLook } = openIndex({ 'a.txt': 'a' })
  start(1)
  fs.writeFileSync(at('a.txt'), 'by 1')
  const first = end(1)
  afterLook(() => {
    start(2)
    fs.writeFileSync(at('a.txt'), 'by 2')
  })
  expect(compare(first)).toEqual([['a.txt', [1], 'a', 'changing']])
  expect(compare(end(2))).toEqual([['a.txt', [2], 'not_copied', 'by 2']])
})

test('a file that the next child moves or removes after the look and before it is read is an operation of each', () => {
  const { index, at, start, end, compare, afterLook } = openIndex({ 'a.txt': 'a', 'b.txt': 'b' })
  start(1)
  fs.writeFileSync(at('a.txt'), 'by 1')
  fs.writeFileSync(at('b.txt'), 'by 1')
  fs.writeFileSync(at('new.txt'), 'by 1')
  const first = end(1)
  afterLook(() => {
    start(2)
    fs.renameSync(at('a.txt'), at('moved.txt'))
    fs.rmSync(at('b.txt'))
    fs.rmSync(at('new.txt'))
  })
  expect(compare(first)).toEqual([
    ['a.txt', [1], 'a', 'changing'],
    ['b.txt', [1], 'b', 'changing'],
    ['new.txt', [1], 'absent', 'changing'],
  ])
  const changes = index
    .compare(new Map([end(2)]))
    .changes.map(({ kind, path: file, before }) => [
      kind,
      path.relative(at('.'), file),
      before.state,
    ])
  expect(changes.toSorted()).toEqual([
    ['delete', 'b.txt', 'omitted'],
    ['delete', 'new.txt', 'omitted'],
    ['rename', 'moved.txt', 'stored'],
  ])
})

test('a file that came and went is forgotten: another one of its name is a later child’s', () => {
  const { at, start, end, compare } = openIndex({})
  start(1)
  fs.writeFileSync(at('a.txt'), 'by 1')
  compare()
  fs.unlinkSync(at('a.txt'))
  compare()
  const first = end(1)
  start(2)
  fs.writeFileSync(at('a.txt'), 'by 2')
  expect(compare(first, end(2))).toEqual([['a.txt', [2], 'absent', 'by 2']])
})

test('a change is between the stamps that were made before and after it', () => {
  const { stamp, at } = openIndex({})
  for (let round = 0; round < 200; round += 1) {
    const file = at(`${round % 7}.txt`)
    const before = stamp()
    fs.writeFileSync(file, String(round))
    const after = stamp()
    const { ctimeMs } = fs.statSync(file)
    expect(ctimeMs).toBeGreaterThanOrEqual(before)
    expect(ctimeMs).toBeLessThanOrEqual(after)
  }
})

test('there are no stamps on another disk than the workspace, by another clock, and where nothing can be written', () => {
  const { folder, root, [Symbol.dispose]: remove } = makeWorkspace()
  onTestFinished(remove)
  const options = { folder: path.join(root, 'copies'), workspace: folder, now: Date.now }
  const elsewhere = {
    ...originalFs,
    statSync: ((file: string) => ({
      ...originalFs.statSync(file),
      dev: file === folder ? 1 : 2,
    })) as unknown as typeof originalFs.statSync,
  }
  const unwritable = {
    ...originalFs,
    writeFileSync: () => {
      throw Object.assign(new Error('full'), { code: 'ENOSPC' })
    },
  }
  const later = (): number => Date.now() + 60_000
  expect(new FileClock({ ...options, fileSystem: elsewhere }).stamp()).toBeUndefined()
  expect(new FileClock({ ...options, fileSystem: unwritable }).stamp()).toBeUndefined()
  expect(new FileClock({ ...options, now: later, fileSystem: originalFs }).stamp()).toBeUndefined()
  expect(new FileClock({ ...options, fileSystem: originalFs }).stamp()).toBeTypeOf('number')
})

/** Whether a change within one tick of the clock gets a stamp of its own. */
function stampsExactly(folder: string): boolean {
  const file = path.join(folder, 'probe')
  const stamps = [0, 1].map(() => {
    fs.writeFileSync(file, '')
    return fs.statSync(file).ctimeMs
  })
  return stamps[0] !== stamps[1]
}

test('a stamp is later than those of the changes before it, and not later than those after it', () => {
  using workspace = makeWorkspace()
  const { folder } = workspace
  const common = { fileSystem: originalFs, folder: path.join(workspace.root, 'clock') }
  const clock = new FileClock({ ...common, workspace: folder, now: Date.now })
  const isExact = stampsExactly(folder)
  for (let index = 0; index < 50; index += 1) {
    const [before, after] = [
      path.join(folder, `${index}-before`),
      path.join(folder, `${index}-after`),
    ]
    fs.writeFileSync(before, '')
    const stamp = clock.stamp() ?? Number.NaN
    fs.writeFileSync(after, '')
    const [first, last] = [fs.statSync(before).ctimeMs, fs.statSync(after).ctimeMs]
    expect(first <= stamp && stamp <= last).toBe(true)
    if (isExact) expect(first).not.toBe(stamp)
  }
})

test('before the first look, the content before is what the app has written or seen right before the child', () => {
  const unseen = { 'own.txt': 'by the app', 'named.txt': 'named', 'other.txt': 'other' }
  const { index, at, start, end, compare } = openIndex(unseen, { isLooked: false })
  const now = (name: string) => ({
    stat: statOf(fs.lstatSync(at(name))),
    bytes: fs.readFileSync(at(name)),
    at: Date.now(),
  })
  const [own, named] = [now('own.txt'), now('named.txt')]
  start(1)
  for (const name of Object.keys(unseen)) fs.appendFileSync(at(name), ', and by 1')
  index.ownChange({ path: at('own.txt'), ...own })
  index.saw(at('named.txt'), named)
  expect(compare(end(1))).toEqual([
    ['named.txt', [1], 'named', 'named, and by 1'],
    ['other.txt', [1], 'not_copied', 'other, and by 1'],
    ['own.txt', [1], 'by the app', 'by the app, and by 1'],
  ])
})
