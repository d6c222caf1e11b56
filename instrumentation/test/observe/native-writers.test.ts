/** The files that native code of the app writes, each seen in a real app that uses `node:sqlite`. */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import * as fs from 'node:fs'
import * as path from 'node:path'
import { expect, test } from 'vitest'
import { startChat } from '../support/chat.ts'
import { type ApiAnswer, type ApiRequest, lastText } from '../support/messages-api.ts'
import type { Recorded, RecordedSpan } from '../support/recorded.ts'
import { copied, operationsRecorded } from '../support/workspace-copies.ts'

type Tool = NonNullable<ApiAnswer['tools']>[number]

const op = (name: string) => `turnlog.file_operation.${name}`
const inOrder = (a: string, b: string) => a.localeCompare(b)
const isFile = ({ name }: RecordedSpan): boolean => name.startsWith('file.')
const sha256 = (bytes: Buffer) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`

const tool = (name: string, path: string, sql = ''): Tool => ({
  id: `${name} ${path} ${sql}`,
  name,
  input: { path, sql },
})

/** Each message of a person is answered by its tools, at once. */
const asks =
  (tools: Readonly<Record<string, readonly Tool[]>>, afterTools: () => void = () => undefined) =>
  (request: ApiRequest): ApiAnswer => {
    const found = tools[lastText(request)]
    if (found !== undefined) return { tools: [...found] }
    afterTools()
    return { text: 'Done.' }
  }

/** `node:sqlite` warns on the console of Node 24. */
const env = { NODE_OPTIONS: '--disable-warning=ExperimentalWarning' }
const host = { program: 'native-host.ts', env, files: { 'seen.txt': 'seen\n' } }

/** The app, once it has looked at its workspace. */
async function startHost(answer: (request: ApiRequest) => ApiAnswer) {
  const chat = await startChat({ ...host, answer })
  await copied(chat.workspace.spool, ['seen\n'])
  return chat
}

/** The SQL that another program runs. */
function runElsewhere(database: string, sql: string): string {
  const program = `
    const { DatabaseSync } = require('node:sqlite')
    const database = new DatabaseSync(process.argv[1])
    console.log(JSON.stringify(database.prepare(process.argv[2]).all()))
    database.close()`
  const options = ['--disable-warning=ExperimentalWarning', '-e', program, database, sql]
  return execFileSync(process.execPath, options, { encoding: 'utf8', stdio: 'pipe' }).trim()
}

const parentOf = ({ spans }: Recorded, { parentSpanId }: RecordedSpan) =>
  String(
    spans.find(({ spanId }) => spanId === parentSpanId)?.attributes['gen_ai.tool.name'] ?? 'turn',
  )

function operationsOf(recorded: Recorded): string[] {
  return recorded.spans
    .filter(isFile)
    .toSorted((a, b) => a.startMs - b.startMs)
    .map((span) => {
      const { name, attributes } = span
      const shared = attributes[op('shared')] === true ? ' shared' : ''
      return `${name} ${attributes['file.path']} ${attributes[op('source')]} ${parentOf(recorded, span)}${shared}`
    })
}

test('a tool call that creates a database and edits another has an operation for each, with before and after', async () => {
  await using chat = await startHost(
    asks({
      make: [tool('query', 'a.db', "create table t (a); insert into t values ('first')")],
      edit: [tool('query', 'a.db', "insert into t values ('second')")],
    }),
  )
  const { folder, spool } = chat.workspace
  const states: string[] = []
  for (const message of ['make', 'edit']) {
    await chat.post(message)
    await operationsRecorded(spool, states.length + 1)
    const bytes = fs.readFileSync(path.join(folder, 'a.db'))
    await copied(spool, [bytes])
    states.push(sha256(bytes))
  }
  const recorded = await chat.recorded()
  expect(operationsOf(recorded)).toEqual([
    'file.create a.db process query',
    'file.edit a.db process query',
  ])
  const [created, edited] = recorded.spans.filter(isFile)
  expect(created?.attributes).toMatchObject({
    [op('after.sha256')]: states[0],
    [op('binary')]: true,
  })
  expect(edited?.attributes).toMatchObject({
    [op('before.sha256')]: states[0],
    [op('after.sha256')]: states[1],
  })
})

test('a database that was opened before the turn, and stays open, is recorded when the call has changed it', async () => {
  await using chat = await startHost(
    asks({
      open: [tool('change', 'a.db', 'create table t (a)')],
      edit: [tool('change', 'a.db', 'insert into t values (1)')],
    }),
  )
  const { folder, spool } = chat.workspace
  await chat.post('open')
  await operationsRecorded(spool, 1)
  await copied(spool, [fs.readFileSync(path.join(folder, 'a.db'))])
  await chat.post('edit')
  await operationsRecorded(spool, 2)
  expect(operationsOf(await chat.recorded())).toEqual([
    'file.create a.db process change',
    'file.edit a.db process change',
  ])
})

test('the call whose arguments name the database owns it, if several are open', async () => {
  await using chat = await startHost(
    asks({
      go: [
        tool('query', 'a.db', 'create table a (a)'),
        tool('change', 'b.db', 'create table b (b)'),
      ],
    }),
  )
  await chat.post('go')
  await operationsRecorded(chat.workspace.spool, 2)
  expect(operationsOf(await chat.recorded()).toSorted(inOrder)).toEqual([
    'file.create a.db process query',
    'file.create b.db process change',
  ])
})

test('a file that a person edits meanwhile is not recorded, and a file that the app itself writes is recorded once', async () => {
  let folder = ''
  await using chat = await startChat({
    ...host,
    answer: asks(
      { go: [tool('query', 'a.db', 'create table t (a)'), tool('write', 'app.txt')] },
      () => fs.writeFileSync(path.join(folder, 'seen.txt'), 'two\n'),
    ),
  })
  folder = chat.workspace.folder
  await copied(chat.workspace.spool, ['seen\n'])
  await chat.post('go')
  await operationsRecorded(chat.workspace.spool, 2)
  await copied(chat.workspace.spool, ['two\n'])
  expect(operationsOf(await chat.recorded()).toSorted(inOrder)).toEqual([
    'file.create a.db process query',
    'file.create app.txt fs write',
  ])
})

test('the files beside a database are neither recorded nor read', async () => {
  await using chat = await startHost(
    asks({
      go: [
        tool(
          'change',
          'a.db',
          'pragma journal_mode = wal; create table t (a); insert into t values (1)',
        ),
      ],
      close: [tool('close', 'a.db')],
    }),
  )
  const { folder, spool } = chat.workspace
  await chat.post('go')
  expect(fs.readdirSync(folder).sort()).toEqual(['a.db', 'a.db-shm', 'a.db-wal', 'seen.txt'])
  await operationsRecorded(spool, 1)
  await chat.post('close')
  await operationsRecorded(spool, 2)
  expect(operationsOf(await chat.recorded())).toEqual([
    'file.create a.db process change',
    'file.edit a.db process close',
  ])
})

/*
 * A process loses its locks on a file when it closes any descriptor of it. When the index of a write-ahead log had been read for
 * a copy, another program that closed the database deleted the log that the app was writing, and later commits were lost. When the
 * database had been read, another program could write into a transaction of the app.
 */
test('what the app commits to an open database is not lost when other programs use it', async () => {
  await using chat = await startHost(
    asks({
      open: [tool('change', 'a.db', 'pragma journal_mode = wal; create table t (a)')],
      one: [tool('change', 'a.db', 'insert into t values (1)')],
      two: [tool('change', 'a.db', 'insert into t values (2)')],
    }),
  )
  const { folder, spool } = chat.workspace
  const database = path.join(folder, 'a.db')
  await chat.post('open')
  await operationsRecorded(spool, 1)
  await copied(spool, [fs.readFileSync(database)])
  await chat.post('one')
  expect(runElsewhere(database, 'select a from t')).toBe('[{"a":1}]')
  await chat.post('two')
  expect(runElsewhere(database, 'select a from t')).toBe('[{"a":1},{"a":2}]')
})

test('a database that was read stays locked by the app’s transaction', async () => {
  const sql = 'create table t (a); begin immediate; insert into t values (1)'
  await using chat = await startHost(
    asks({
      begin: [tool('change', 'a.db', sql)],
      commit: [tool('change', 'a.db', 'commit')],
    }),
  )
  const { folder, spool } = chat.workspace
  const database = path.join(folder, 'a.db')
  await chat.post('begin')
  await operationsRecorded(spool, 1)
  await copied(spool, [fs.readFileSync(database)])
  expect(() => runElsewhere(database, 'insert into t values (2)')).toThrow('database is locked')
  await chat.post('commit')
  expect(runElsewhere(database, 'select a from t')).toBe('[{"a":1}]')
})
