import * as fs from 'node:fs'
import * as path from 'node:path'
import { applyPatch } from 'diff'
import { expect, test } from 'vitest'
import { startChat, turnTrees } from '../support/chat.ts'
import { type ApiAnswer, type ApiRequest, lastText } from '../support/messages-api.ts'
import { runProgram } from '../support/observed-program.ts'
import { type RecordedSpan, readRecorded } from '../support/recorded.ts'
import { makeWorkspace } from '../support/workspace.ts'

const kind = 'turnlog.file_operation.type'
const isFile = ({ name }: RecordedSpan): boolean => name.startsWith('file.')

/** Asks for the tools named in the prompt, then answers. */
const asks =
  (...tools: NonNullable<ApiAnswer['tools']>) =>
  (request: ApiRequest): ApiAnswer =>
    lastText(request) === '' ? { text: 'Done.' } : { tools }

test('an edit has its before, its after and a diff between them', async () => {
  const before = 'one\r\ntwo\r\nthree'
  const after = 'one\r\n2\r\nthree\r\n'
  await using chat = await startChat({
    files: { 'list.txt': before },
    answer: asks({ id: 'a', name: 'write_file', input: { path: 'list.txt', content: after } }),
  })
  await chat.post('edit')
  const file = (await chat.recorded()).spans.find(isFile)
  expect(file?.attributes).toMatchObject({
    [kind]: 'edit',
    'file.path': 'list.txt',
    'turnlog.file_operation.before': before,
    'turnlog.file_operation.after': after,
    'turnlog.file_operation.source': 'fs',
  })
  const diff = String(file?.attributes['turnlog.file_operation.diff'])
  expect(applyPatch(before, diff, { autoConvertLineEndings: false })).toBe(after)
})

test('the temporary file of an atomic save becomes an edit of the file it replaces', async () => {
  await using chat = await startChat({
    files: { 'old.txt': 'old\n' },
    answer: asks({ id: 'a', name: 'save_file', input: { path: 'old.txt', content: 'new\n' } }),
  })
  await chat.post('save')
  const recorded = await chat.recorded()
  expect(turnTrees(recorded)).toEqual([
    'turn\n  chat\n  execute_tool save_file\n    file.edit old.txt\n  chat',
  ])
  expect(recorded.spans.find(({ name }) => name === 'file.edit')?.attributes).toMatchObject({
    'turnlog.file_operation.before': 'old\n',
    'turnlog.file_operation.after': 'new\n',
  })
})

test('the temporary file of an atomic save of a new file becomes its creation', async () => {
  await using chat = await startChat({
    answer: asks({ id: 'a', name: 'save_file', input: { path: 'new.txt', content: 'new\n' } }),
  })
  await chat.post('save')
  const files = (await chat.recorded()).spans.filter(isFile)
  expect(files.map(({ attributes }) => [attributes[kind], attributes['file.path']])).toEqual([
    ['create', 'new.txt'],
  ])
})

test('a file belongs to the open call that names it, in the right turn', async () => {
  const input = (content: string) => ({ path: './same.txt', content })
  await using chat = await startChat({
    answer: asks(
      { id: 'a', name: 'write_file', input: input('1') },
      { id: 'b', name: 'edit_sync', input: input('2') },
      { id: 'c', name: 'delete_file', input: { path: 'same.txt' } },
    ),
  })
  await chat.post('three')
  expect(turnTrees(await chat.recorded())).toEqual([
    [
      'turn',
      '  chat',
      '  execute_tool write_file',
      '    file.create same.txt',
      '  execute_tool edit_sync',
      '    file.edit same.txt',
      '  execute_tool delete_file',
      '    file.delete same.txt',
      '  chat',
    ].join('\n'),
  ])
})

test('files that two open calls could have written belong to the turn, and are marked shared', async () => {
  await using chat = await startChat({
    answer: asks(
      { id: 'a', name: 'two_files', input: {} },
      { id: 'b', name: 'wait', input: { ms: 1 } },
    ),
  })
  await chat.post('both')
  const recorded = await chat.recorded()
  const files = recorded.spans.filter(isFile)
  const turn = recorded.spans.find(({ parentSpanId }) => parentSpanId === '')
  expect(files.map(({ attributes }) => attributes['file.path']).toSorted()).toEqual([
    'one.txt',
    'two.txt',
  ])
  for (const { attributes, parentSpanId } of files) {
    expect(attributes['turnlog.file_operation.shared']).toBe(true)
    expect(parentSpanId).toBe(turn?.spanId)
  }
})

test('a tool that fails leaves its error, and no file operation', async () => {
  await using chat = await startChat({
    answer: asks({ id: 'a', name: 'write_file', input: { path: 'no/folder.txt', content: 'x' } }),
  })
  await chat.post('fail')
  const { spans } = await chat.recorded()
  expect(spans.filter(isFile)).toEqual([])
  const tool = spans.find(({ name }) => name === 'execute_tool write_file')
  expect(tool?.status).toBe(2)
  expect(tool?.attributes['error.type']).toBe('tool_error')
  expect(tool?.attributes['gen_ai.tool.call.result']).toContain('ENOENT')
})

test('a link is followed to its file, a folder link into its folder', async () => {
  const files = { 'real.txt': 'old' }
  await using chat = await startChat({
    files,
    answer: asks(
      { id: 'a', name: 'edit_sync', input: { path: 'link.txt', content: 'new' } },
      { id: 'b', name: 'write_file', input: { path: 'linked/deep.txt', content: 'deep' } },
    ),
  })
  const { folder } = chat.workspace
  fs.mkdirSync(path.join(folder, 'folder'))
  fs.symlinkSync('real.txt', path.join(folder, 'link.txt'))
  fs.symlinkSync('folder', path.join(folder, 'linked'))
  await chat.post('links')
  const { spans } = await chat.recorded()
  expect(
    spans.filter(isFile).map(({ attributes }) => [attributes[kind], attributes['file.path']]),
  ).toEqual([
    ['edit', 'real.txt'],
    ['create', 'folder/deep.txt'],
  ])
})

test('the spool is never recorded, even inside the workspace', async () => {
  using workspace = makeWorkspace()
  const spool = path.join(workspace.folder, 'spool')
  await runProgram('writes-everywhere.ts', { cwd: workspace.folder, spool })
  expect(operationsOf(spool)).toEqual(['create kept.txt', 'create outside (outside)'])
})

test('every form of every call is one operation, of the kind that the disk shows', async () => {
  using workspace = makeWorkspace()
  await runProgram('writes-every-way.ts', { cwd: workspace.folder, spool: workspace.spool })
  expect(operationsOf(workspace.spool)).toEqual([
    ...['sync', 'callback', 'promise'].flatMap((form) => [
      `create ${form}.txt`,
      `write ${form}.txt`,
      `edit ${form}.txt`,
      `edit ${form}.txt`,
      `create ${form}.copy`,
      `write ${form}.copy`,
      `rename ${form}.moved`,
      `delete ${form}.moved`,
      `delete ${form}.copy`,
    ]),
    'create empty.txt',
    'create bytes.bin',
    'edit bytes.bin',
  ])
  const { spans } = readRecorded(workspace.spool)
  const empty = spans.find(({ attributes }) => attributes['file.path'] === 'empty.txt')
  expect(empty?.attributes).toMatchObject({ 'turnlog.file_operation.lines_added': 0 })
  const binary = spans.findLast(({ attributes }) => attributes['file.path'] === 'bytes.bin')
  expect(binary?.attributes).toMatchObject({
    'turnlog.file_operation.binary': true,
    'turnlog.file_operation.before': Buffer.from([0, 255, 1]),
    'turnlog.file_operation.after': Buffer.from([0, 255, 1, 2]),
  })
})

function operationsOf(spool: string): string[] {
  return readRecorded(spool)
    .spans.filter(isFile)
    .toSorted((a, b) => a.startMs - b.startMs)
    .map(({ attributes }) => {
      const isOutside = attributes['turnlog.file_operation.outside_workspace'] === true
      const file = String(attributes['file.path'])
      return `${attributes[kind]} ${isOutside ? `${path.basename(file)} (outside)` : file}`
    })
}
