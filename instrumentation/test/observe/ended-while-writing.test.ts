/** What is known of a file operation when the process ends in the middle of it. */
import { expect, test } from 'vitest'
import { runProgram } from '../support/observed-program.ts'
import { readRecorded } from '../support/recorded.ts'
import { makeWorkspace } from '../support/workspace.ts'

const attribute = (name: string) => `turnlog.file_operation.${name}`

async function fileOf(end: string) {
  using workspace = makeWorkspace({ 'a.txt': 'precious\n' })
  const { folder: cwd, spool } = workspace
  const { stderr } = await runProgram('ends-while-writing.ts', { cwd, spool, args: [end] })
  expect(stderr).toBe('')
  const { spans } = readRecorded(spool)
  const files = spans.filter(({ name }) => name.startsWith('file.'))
  expect(files).toHaveLength(1)
  const [file] = files
  const turn = spans.find(({ name }) => name.startsWith('invoke_agent'))
  expect(file?.parentSpanId).toBe(turn?.spanId)
  return { type: file?.name, attributes: file?.attributes }
}

test('a write that a kill cuts off is abandoned: its before is kept, its after is not known', async () => {
  const { type, attributes } = await fileOf('kill in a write')
  expect(type).toBe('file.write')
  expect(attributes).toMatchObject({
    'turnlog.abandoned': true,
    [attribute('before')]: 'precious\n',
    [attribute('after.omitted')]: 'abandoned',
  })
})

test('a new file that waits for a rename is recorded after a kill, too', async () => {
  const { type, attributes } = await fileOf('kill after a new file')
  expect(type).toBe('file.create')
  expect(attributes).toMatchObject({ 'file.path': 'new.txt', [attribute('after')]: 'new\n' })
})

test('a file that is open at a kill is abandoned with its before', async () => {
  const { type, attributes } = await fileOf('kill with an open descriptor')
  expect(type).toBe('file.write')
  expect(attributes).toMatchObject({
    'turnlog.abandoned': true,
    [attribute('before')]: 'precious\n',
    [attribute('after.omitted')]: 'abandoned',
  })
})

test('a write that is in flight at the exit has no after that could be half of it', async () => {
  const { attributes } = await fileOf('exit in a write')
  expect(attributes).toMatchObject({
    [attribute('before')]: 'precious\n',
    [attribute('after.omitted')]: 'being_written',
  })
  expect(attributes?.['turnlog.abandoned']).toBeUndefined()
})

test('a file that is open at the exit is recorded as it is then, and marked', async () => {
  const { type, attributes } = await fileOf('exit with an open descriptor')
  expect(type).toBe('file.edit')
  expect(attributes).toMatchObject({
    [attribute('open')]: true,
    [attribute('before')]: 'precious\n',
    [attribute('after')]: 'precious\nmore\n',
  })
})

test('a new file that waits for a rename is recorded at the exit', async () => {
  const { type, attributes } = await fileOf('exit after a new file')
  expect(type).toBe('file.create')
  expect(attributes).toMatchObject({ [attribute('after')]: 'new\n' })
})
