/** The steps that every part of the package writes with, on a disk that takes less than it is given. */
import fs, { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import * as path from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { ChangeStore } from '../src/changes/store.ts'
import { type FileSystem, originalFs, replaceFile } from '../src/file-system.ts'
import { bytesOf, changeOf } from './changes/change-of.ts'
import { diskError, faultyDisk, quickDisk } from './spool/faulty-disk.ts'
import { temporaryFolder } from './spool/support.ts'

/** Fails the test instead of its run when a write is tried for ever. */
function takesNothing(): FileSystem {
  let writes = 0
  return faultyDisk(({ name }) => {
    if (name !== 'writeSync') return undefined
    writes += 1
    return writes > 1_000 ? diskError('tried for ever') : 'nothing'
  })
}

const refusingWrites = (code: string): FileSystem =>
  faultyDisk(({ name }) => (name === 'writeSync' ? diskError(code) : undefined))

const contents = { before: bytesOf('one'), after: bytesOf('two') }
const change = () =>
  changeOf('/w', { opType: 'edit', path: 'a.txt', before: 'one', after: 'two' } as const)

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name }) => name)
}

test.each<[string, FileSystem, string]>([
  ['takes nothing of a write', takesNothing(), 'took nothing'],
  ['is full', refusingWrites('ENOSPC'), 'ENOSPC'],
])(
  'a disk that %s: a file that was to be replaced is unchanged, and nothing else is left',
  (_name, disk, message) => {
    const file = path.join(temporaryFolder(), 'state.json')
    writeFileSync(file, 'before')
    expect(() => replaceFile(disk, file, 'after')).toThrow(message)
    expect(readFileSync(file, 'utf8')).toBe('before')
    expect(filesBelow(path.dirname(file))).toEqual(['state.json'])
  },
)

test('a disk that takes a write in parts gets all of it', () => {
  const file = path.join(temporaryFolder(), 'state.json')
  replaceFile(
    faultyDisk(({ name }) => (name === 'writeSync' ? 'part' : undefined)),
    file,
    'after',
  )
  expect(readFileSync(file, 'utf8')).toBe('after')
})

test('a temporary file that cannot be removed does not hide why the write failed', () => {
  const file = path.join(temporaryFolder(), 'state.json')
  const disk = faultyDisk(({ name }) =>
    name === 'writeSync'
      ? diskError('ENOSPC')
      : name === 'unlinkSync'
        ? diskError('EIO')
        : undefined,
  )
  expect(() => replaceFile(disk, file, 'after')).toThrow('ENOSPC')
})

test.each<[string, FileSystem, string]>([
  ['takes nothing of a write', takesNothing(), 'Error'],
  ['is full', refusingWrites('ENOSPC'), 'ENOSPC'],
  ['is over its quota', refusingWrites('EDQUOT'), 'EDQUOT'],
])(
  'a disk that %s: the Changes store says so and leaves no temporary file',
  (_name, disk, reason) => {
    const directory = path.join(temporaryFolder(), 'changes')
    const store = new ChangeStore({ directory, fileSystem: disk })
    expect(store.record(change(), contents)).toEqual({ status: 'failed', reason })
    expect(filesBelow(directory)).toEqual([])
  },
)

test('a disk that takes nothing of a decision: the store says that it was not kept', () => {
  const directory = path.join(temporaryFolder(), 'changes')
  const recorded = change()
  new ChangeStore({ directory, fileSystem: quickDisk }).record(recorded, contents)
  const store = new ChangeStore({ directory, fileSystem: takesNothing() })
  const decidedAt = new Date().toISOString()
  expect(
    store.decide(recorded.opId, { type: 'accept', source: 'user', outcome: 'kept', decidedAt }),
  ).toBe(false)
})

/** Node's own functions call each other through the module, where the preload and other packages replace them. */
test('what this package writes passes no function of node:fs that was replaced', () => {
  const file = path.join(temporaryFolder(), 'file')
  const called: string[] = []
  for (const name of ['openSync', 'writeSync', 'closeSync'] as const) {
    const original = fs[name]
    Reflect.set(fs, name, (...values: never[]) => {
      called.push(name)
      return Reflect.apply(original, fs, values)
    })
    onTestFinished(() => void Reflect.set(fs, name, original))
  }
  originalFs.writeFileSync(file, 'a text', { mode: 0o600 })
  originalFs.writeFileSync(file, Buffer.from(', and bytes'), { flag: 'a' })
  expect(called).toEqual([])
  expect(originalFs.readFileSync(file, 'utf8')).toBe('a text, and bytes')
  expect(originalFs.statSync(file).mode & 0o777).toBe(0o600)
  expect(() => originalFs.writeFileSync(file, '', { flag: 'wx' })).toThrow('EEXIST')
})
