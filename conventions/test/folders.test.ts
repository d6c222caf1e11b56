/**
 * Where a parent exists and the system answers ENOENT for the child, as procfs and autofs do, Node's recursive `mkdir`
 * tries for ever: a program that made its folders with it would hang, not fail.
 */
import { mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { makeFolder } from '../src/folders.ts'

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'turnlog-folders-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

function diskError(code: string): Error {
  return Object.assign(new Error(code), { code })
}

test('a folder and its missing parents are made, each with the mode', () => {
  const parent = temporaryFolder()
  makeFolder(join(parent, 'a/b/c'), { mode: 0o700 })
  for (const name of ['a', 'a/b', 'a/b/c']) {
    expect(statSync(join(parent, name)).mode & 0o777).toBe(0o700)
  }
})

test('a folder that exists, or a link to one, is not changed', () => {
  const parent = temporaryFolder()
  mkdirSync(join(parent, 'there'), { mode: 0o750 })
  symlinkSync('there', join(parent, 'link'))
  for (const name of ['there', 'link']) makeFolder(join(parent, name), { mode: 0o700 })
  makeFolder(join(parent, 'link/below'))
  expect(statSync(join(parent, 'there')).mode & 0o777).toBe(0o750)
  expect(statSync(join(parent, 'there/below')).isDirectory()).toBe(true)
})

test
  .skipIf(process.platform !== 'linux')
  .each(['/proc/nobody', '/proc/nobody/.local/state/turnlog'])(
  '%s is refused at once',
  (folder) => {
    expect(() => makeFolder(folder)).toThrow('ENOENT')
  },
)

test('a system that answers ENOENT below an existing parent is asked twice for each level', () => {
  const asked: string[] = []
  const fileSystem = {
    statSync,
    mkdirSync: (folder: unknown) => {
      asked.push(String(folder))
      throw diskError(folder === '/' ? 'EEXIST' : 'ENOENT')
    },
  }
  expect(() => makeFolder('/net/host/a', { fileSystem })).toThrow('ENOENT')
  expect(asked).toEqual(['/net/host/a', '/net/host', '/net', '/', '/net'])
})

test.each([
  ['file', 'EEXIST'],
  ['file/below', 'ENOTDIR'],
  ['file/below/it', 'ENOTDIR'],
  ['nowhere', 'EEXIST'],
])('a file or a link to nothing in the way is an error: %s', (name, code) => {
  const parent = temporaryFolder()
  writeFileSync(join(parent, 'file'), '')
  symlinkSync('missing', join(parent, 'nowhere'))
  expect(() => makeFolder(join(parent, name))).toThrow(code)
})

test('a folder that another process makes at that moment is no error', () => {
  const folder = join(temporaryFolder(), 'a')
  const fileSystem = {
    statSync,
    mkdirSync: () => {
      mkdirSync(folder)
      throw diskError('EEXIST')
    },
  }
  makeFolder(folder, { fileSystem })
  expect(statSync(folder).isDirectory()).toBe(true)
})
