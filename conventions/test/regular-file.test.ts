/** Opening a named pipe waits until somebody opens its other end: a file of settings may be one, by mistake or on purpose. */
import { execFileSync } from 'node:child_process'
import * as fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { readRegularFile } from '../src/regular-file.ts'

function temporaryFolder(): string {
  const folder = fs.mkdtempSync(join(tmpdir(), 'turnlog-regular-file-'))
  onTestFinished(() => fs.rmSync(folder, { recursive: true, force: true }))
  return folder
}

test('the text of a file, or of the file that a link names', () => {
  const folder = temporaryFolder()
  fs.writeFileSync(join(folder, 'file'), 'text\n')
  fs.symlinkSync('file', join(folder, 'link'))
  expect(readRegularFile(join(folder, 'file'))).toBe('text\n')
  expect(readRegularFile(join(folder, 'link'))).toBe('text\n')
})

test('a missing file, a folder, a device, and a file above the limit count as absent', () => {
  const folder = temporaryFolder()
  fs.writeFileSync(join(folder, 'file'), 'text\n')
  expect(readRegularFile(join(folder, 'missing'))).toBeUndefined()
  expect(readRegularFile(folder)).toBeUndefined()
  expect(readRegularFile('/dev/zero')).toBeUndefined()
  expect(readRegularFile(join(folder, 'file'), { bytesMax: 4 })).toBeUndefined()
})

test.skipIf(process.platform === 'win32')('a named pipe is not waited for', () => {
  const pipe = join(temporaryFolder(), 'pipe')
  execFileSync('mkfifo', [pipe])
  expect(readRegularFile(pipe)).toBeUndefined()
  // A file was replaced by the pipe just before it was opened.
  const openSync = (_file: unknown, flags: fs.OpenMode) => fs.openSync(pipe, flags)
  expect(readRegularFile(import.meta.filename, { fileSystem: { ...fs, openSync } })).toBeUndefined()
})
