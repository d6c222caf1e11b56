/** What has changed since the last look, and whose change it is, with real files. */
import * as fs from 'node:fs'
import { tmpdir } from 'node:os'
import * as path from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import type { WindowFacts } from '../../src/workspace/child-window.ts'
import { Copies } from '../../src/workspace/copies.ts'
import { statOf } from '../../src/workspace/file-stat.ts'
import { Scanner } from '../../src/workspace/scan.ts'
import { WorkspaceIndex } from '../../src/workspace/workspace-index.ts'

const facts: WindowFacts = { kind: 'child', isOfDatabases: false, isStamped: false }
/** More than a look lets pass before it pauses. */
const manyFiles = 300

/** A workspace of which all files are known. `during` runs once, in the middle of the next look. */
function openWorkspace({ trustedMs = 60_000 } = {}) {
  const root = fs.realpathSync(fs.mkdtempSync(path.join(tmpdir(), 'workspace-index-')))
  onTestFinished(() => fs.rmSync(root, { recursive: true }))
  const workspace = path.join(root, 'workspace')
  fs.mkdirSync(path.join(workspace, 'later'), { recursive: true })
  for (let file = 0; file < manyFiles; file += 1) fs.writeFileSync(`${workspace}/${file}`, '')
  fs.writeFileSync(`${workspace}/later/old.txt`, 'old')
  let during: (() => void) | undefined
  const now = (): number => Date.now()
  const index = new WorkspaceIndex({
    fileSystem: fs,
    now,
    trustedMs: () => trustedMs,
    changesMax: 100,
    hear: () => undefined,
    scanner: new Scanner({
      fileSystem: fs,
      now,
      workspace,
      ownFolders: [],
      filesMax: 1_000,
      timeMsMax: 60_000,
      pause() {
        during?.()
        during = undefined
      },
    }),
    copies: new Copies({
      fileSystem: fs,
      now,
      folder: path.join(root, 'copies'),
      contentBytesMax: 1_000,
      bytesMax: 10_000,
      hasNativeCode: () => false,
    }),
  })
  index.compare(new Map())
  index.read(60_000)
  waitForTick()
  return {
    index,
    at: (name: string) => path.join(workspace, 'later', name),
    start: (id: number) => index.begin({ id, at: now(), facts }),
    end: (id: number) => index.end(id, now()),
    /** Children that have ended. */
    compare: (...ids: number[]) => index.compare(new Map(ids.map((id) => [id, now()]))).changes,
    during: (step: () => void) => (during = step),
  }
}

/** Until the disk's clock has moved on. */
function waitForTick(): void {
  const until = Date.now() + 12
  while (Date.now() < until);
}

function told(file: string) {
  return { stat: statOf(fs.lstatSync(file)), bytes: fs.readFileSync(file), at: Date.now() }
}

test('what a child changes that starts during a look is the child’s, in the next look', () => {
  const { at, start, end, compare, during } = openWorkspace()
  during(() => {
    start(1)
    fs.writeFileSync(at('old.txt'), 'new')
  })
  expect(compare()).toEqual([])
  end(1)
  expect(compare(1)).toMatchObject([{ kind: 'write', path: at('old.txt'), windows: [1] }])
})

test('a child that has ended claims nothing that another one does during the same look', () => {
  const { at, start, end, compare, during } = openWorkspace()
  start(1)
  during(() => {
    end(1)
    waitForTick()
    start(2)
    fs.writeFileSync(at('new.txt'), 'new')
  })
  expect(compare(1)).toEqual([])
  end(2)
  expect(compare(2)).toMatchObject([
    { path: at('new.txt'), before: { state: 'absent' }, windows: [2] },
  ])
})

test('what a child has created and the app edits during the look stays the child’s creation', () => {
  const { index, at, start, end, compare, during } = openWorkspace()
  start(1)
  fs.writeFileSync(at('new.txt'), 'a child')
  during(() => {
    index.writing(at('new.txt'), told(at('new.txt')))
    fs.appendFileSync(at('new.txt'), ', and the app')
    index.ownChange({ path: at('new.txt'), ...told(at('new.txt')) })
  })
  end(1)
  expect(compare(1)).toMatchObject([
    { path: at('new.txt'), before: { state: 'absent' }, after: { size: 7 }, windows: [1] },
  ])
})

test('a file that one child creates and the next changes, without a look between, is a creation of both', () => {
  const { at, start, end, compare } = openWorkspace()
  start(1)
  fs.writeFileSync(at('new.txt'), 'one')
  waitForTick()
  end(1)
  waitForTick()
  start(2)
  fs.appendFileSync(at('new.txt'), ', two')
  end(2)
  expect(compare(1, 2)).toMatchObject([
    {
      path: at('new.txt'),
      before: { state: 'absent' },
      after: { state: 'stored', size: 8 },
      windows: [1, 2],
    },
  ])
})

test('a file that a child creates and somebody changes after it is the child’s creation, of an unknown content', () => {
  const { at, start, end, compare } = openWorkspace()
  start(1)
  fs.writeFileSync(at('new.txt'), 'a child')
  waitForTick()
  end(1)
  waitForTick()
  fs.appendFileSync(at('new.txt'), ', and a person')
  expect(compare(1)).toMatchObject([
    { before: { state: 'absent' }, after: { state: 'omitted', reason: 'changing' }, windows: [1] },
  ])
})

test('what the app has written counts as it was told, also if a child has changed it since', () => {
  const { index, at, start, end, compare } = openWorkspace()
  fs.writeFileSync(at('old.txt'), 'the app')
  const own = { path: at('old.txt'), ...told(at('old.txt')) }
  waitForTick()
  start(1)
  fs.appendFileSync(at('old.txt'), ', and a child')
  index.ownChange(own)
  end(1)
  expect(compare(1)).toMatchObject([
    { before: { state: 'stored', size: 7 }, after: { state: 'stored', size: 20 }, windows: [1] },
  ])
})

test('of a file that no look has seen for long, the content before a child is not known', () => {
  const { at, start, end, compare } = openWorkspace({ trustedMs: 0 })
  start(1)
  fs.appendFileSync(at('old.txt'), ', and a child')
  end(1)
  expect(compare(1)).toMatchObject([
    {
      before: { state: 'omitted', reason: 'not_copied' },
      after: { state: 'stored' },
      windows: [1],
    },
  ])
})

test('the content that the app has read before a child is known, also if a person has just saved it', () => {
  const { index, at, start, end, compare } = openWorkspace()
  fs.writeFileSync(at('old.txt'), 'a person')
  waitForTick()
  index.saw(at('old.txt'), told(at('old.txt')))
  start(1)
  fs.appendFileSync(at('old.txt'), ', and a child')
  end(1)
  expect(compare(1)).toMatchObject([
    { before: { state: 'stored', size: 8 }, after: { state: 'stored', size: 21 }, windows: [1] },
  ])
})

test('a file that the app has read before the thread has, and a child then changes, is known as it was', () => {
  const { index, at, start, end, compare } = openWorkspace()
  fs.writeFileSync(at('new.txt'), 'new')
  compare()
  index.saw(at('new.txt'), told(at('new.txt')))
  waitForTick()
  start(1)
  fs.writeFileSync(at('new.txt'), 'newer')
  end(1)
  expect(compare(1)).toMatchObject([{ before: { state: 'stored', size: 3 }, windows: [1] }])
})

test('of a child the last look before its start is known, if there was one', () => {
  const { index, start } = openWorkspace()
  start(1)
  expect(index.lookAgeOf(1)).toBeGreaterThanOrEqual(10)
  index.begin({ id: 2, at: 0, facts })
  expect(index.lookAgeOf(2)).toBe(0)
  index.forgetChild(1)
  expect(index.lookAgeOf(1)).toBe(undefined)
})

test('a change beside which an earlier child has left a process is uncertain', () => {
  const { index, at, start, end, compare } = openWorkspace()
  start(1)
  index.weaken(1, { hasExited: true, hasLeft: true })
  start(2)
  fs.writeFileSync(at('new.txt'), 'new')
  end(2)
  expect(compare(2)).toMatchObject([{ windows: [2], isUncertain: true }])
})

test('what is there when a child of an earlier turn ends is recorded, also if the child at work changes it again', () => {
  const { index, at, start, end, compare } = openWorkspace()
  start(1)
  index.weaken(1, { isTurnOver: true })
  start(2)
  fs.writeFileSync(at('new.txt'), 'first')
  end(1)
  const first = compare(1)
  fs.writeFileSync(at('new.txt'), 'second')
  end(2)
  expect([...first, ...compare(2)]).toMatchObject([
    { windows: [2], isUncertain: true, before: { state: 'absent' }, after: { size: 5 } },
    { windows: [2], before: { size: 5 }, after: { size: 6 } },
  ])
})
