/** A descriptor of a file that the process has open elsewhere is not closed, since that would release its locks. */
import * as fs from 'node:fs'
import { tmpdir } from 'node:os'
import * as path from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { Descriptors } from '../../src/workspace/descriptors.ts'

function makeFile(): string {
  const folder = fs.mkdtempSync(path.join(tmpdir(), 'descriptors-'))
  onTestFinished(() => fs.rmSync(folder, { recursive: true }))
  const file = path.join(folder, 'a')
  fs.writeFileSync(file, 'a')
  return file
}

function isOpen(descriptor: number): boolean {
  try {
    fs.fstatSync(descriptor)
    return true
  } catch {
    return false
  }
}

test('a descriptor is kept, and used again, until the file is no longer open elsewhere', () => {
  const file = makeFile()
  const descriptors = new Descriptors(fs, () => true)
  const elsewhere = fs.openSync(file, 'r')
  const descriptor = descriptors.open(file)
  descriptors.close(descriptor, false)
  expect(isOpen(descriptor)).toBe(true)
  expect(descriptors.open(file)).toBe(descriptor)
  descriptors.close(descriptor, false)
  descriptors.sweep()
  expect(isOpen(descriptor)).toBe(true)
  fs.closeSync(elsewhere)
  descriptors.sweep()
  expect(isOpen(descriptor)).toBe(false)
})

test.for([
  ['a database, and no native code', true, false, true],
  ['any file, and native code', false, true, true],
  ['any file, and no native code', false, false, false],
] as const)('%s: kept while it is open elsewhere: %s', ([, isDatabase, hasNative, isKept]) => {
  const file = makeFile()
  const descriptors = new Descriptors(fs, () => hasNative)
  const elsewhere = fs.openSync(file, 'r')
  onTestFinished(() => fs.closeSync(elsewhere))
  const descriptor = descriptors.open(file)
  descriptors.close(descriptor, isDatabase)
  expect(isOpen(descriptor)).toBe(isKept)
  if (isKept) fs.closeSync(descriptor)
})

test('a file that nobody else has open is closed at once', () => {
  const descriptors = new Descriptors(fs, () => true)
  const descriptor = descriptors.open(makeFile())
  descriptors.close(descriptor, true)
  expect(isOpen(descriptor)).toBe(false)
})
