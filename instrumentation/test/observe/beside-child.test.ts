/** Files that a command and the app itself change at the same time, in a real app. */
import * as fs from 'node:fs'
import * as path from 'node:path'
import { expect, test } from 'vitest'
import { runProgram } from '../support/observed-program.ts'
import { readRecorded } from '../support/recorded.ts'
import { makeWorkspace } from '../support/workspace.ts'

const op = (name: string): string => `turnlog.file_operation.${name}`

/** The file operations in the order of their starts, each with the tool call or turn that it belongs to. */
async function operationsOf(part: string, prepare: (folder: string) => void = () => undefined) {
  using workspace = makeWorkspace({ 'a.txt': 'a\n', 'b.txt': 'b\n' })
  prepare(workspace.folder)
  const outcome = await runProgram('beside-child.ts', {
    cwd: workspace.folder,
    spool: workspace.spool,
    args: [part],
    env: { TELEMETRY_PROCESS_WAIT_MS_MAX: '10000' },
  })
  expect(outcome).toMatchObject({ stderr: '', code: 0 })
  const { spans } = readRecorded(workspace.spool)
  const nameOf = new Map(spans.map(({ spanId, name }) => [spanId, name]))
  return spans
    .filter(({ name }) => name.startsWith('file.'))
    .toSorted((one, other) => one.startMs - other.startMs)
    .map(({ name, parentSpanId, attributes }) => ({
      name: `${name} ${attributes['file.path']}`,
      source: attributes[op('source')],
      before: attributes[op('before')],
      after: attributes[op('after')],
      parent: nameOf.get(parentSpanId ?? ''),
    }))
}

test('what a command has written, and a rename of the app replaces, is recorded', async () => {
  expect(await operationsOf('renames another file to it')).toMatchObject([
    { name: 'file.edit a.txt', source: 'process', before: 'a\n', after: 'child\n' },
    { name: 'file.rename a.txt', source: 'fs', after: 'b\n' },
  ])
})

test('what the app writes to a removed file does not hide what a command has put in its place', async () => {
  expect(await operationsOf('writes through a descriptor of the removed file')).toMatchObject([
    { name: 'file.edit a.txt', source: 'process', before: 'app', after: 'child\n' },
  ])
})

test('a command’s deletion comes before the app’s creation of the same file', async () => {
  expect(await operationsOf('creates it anew')).toMatchObject([
    { name: 'file.delete a.txt', source: 'process', before: 'a\n' },
    { name: 'file.create a.txt', source: 'fs', after: 'app\n' },
  ])
})

test('files of a copied folder that are read later belong to the tool call that copied it', async () => {
  const count = 300
  const operations = await operationsOf(
    'copies a folder, and the next call begins at once',
    (folder) => {
      fs.mkdirSync(path.join(folder, 'from'))
      for (let file = 0; file < count; file += 1) {
        fs.writeFileSync(path.join(folder, 'from', `${file}.txt`), 'text\n')
      }
    },
  )
  expect(operations).toHaveLength(count)
  expect([...new Set(operations.map(({ parent }) => parent))]).toEqual(['execute_tool first'])
})
