/** Changes of the app's own, as the workspace thread hears of them. */
import * as path from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { AppChanges } from '../../src/observe/app-changes.ts'
import { HostFiles } from '../../src/observe/host-files.ts'
import { makeWorkspace } from '../support/workspace.ts'

const watching = { isWatching: true }
const notWatching = { isWatching: false }

function makeChanges() {
  const workspace = makeWorkspace({ 'a.txt': 'a\n' })
  onTestFinished(() => workspace[Symbol.dispose]())
  const heard: string[] = []
  const changes = new AppChanges({
    files: new HostFiles({ workspace: workspace.folder, ownFolders: [], contentBytesMax: 1_000 }),
    workspace: {
      isSlow: false,
      stamp: () => undefined,
      saw: () => undefined,
      writing: (file) => heard.push(`begins ${file}`),
      ownChanges: (own) => heard.push(...own.map((change) => `ends ${change.path}`)),
    },
    now: Date.now,
  })
  return { changes, heard, file: path.join(workspace.folder, 'a.txt') }
}

test('of a write that ends after the child the end is reported, too', () => {
  const { changes, heard, file } = makeChanges()
  changes.writing(file, undefined, watching)
  changes.changed(file, notWatching)
  expect(heard).toEqual([`begins ${file}`, `ends ${file}`])
})

test('a write that was begun before the child ends with the path that it began with', () => {
  const { changes, heard, file } = makeChanges()
  const given = path.relative(process.cwd(), file)
  changes.writing(given, undefined, notWatching)
  changes.report()
  changes.changed(given, watching)
  expect(heard).toEqual([`begins ${file}`, `ends ${file}`])
})

test('a write while no child runs is reported when one starts', () => {
  const { changes, heard, file } = makeChanges()
  changes.writing(file, undefined, notWatching)
  changes.changed(file, notWatching)
  expect(heard).toEqual([])
  changes.report()
  expect(heard).toEqual([`ends ${file}`])
})

test('a file that is written again when the child has ended is not left as being written', () => {
  const { changes, heard, file } = makeChanges()
  changes.writing(file, undefined, watching)
  changes.writing(file, undefined, notWatching)
  changes.changed(file, notWatching)
  changes.report()
  expect(heard).toEqual([`begins ${file}`, `ends ${file}`])
})
