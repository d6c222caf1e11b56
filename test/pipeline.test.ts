/** One real turn, end to end: app, preload, spool, receiver, PostgreSQL, views. */

import { readFileSync, writeFileSync } from 'node:fs'
import * as path from 'node:path'
import { expect, test } from 'vitest'
import { accounts } from './support/account.ts'
import { startExample, temporaryFolder } from './support/example.ts'
import { withReceiver } from './support/receiver.ts'

const patience = { timeout: 60_000, interval: 100 }

async function openPipeline() {
  const stack = new AsyncDisposableStack()
  const { database, receiver } = await withReceiver()
  const spool = stack.use(temporaryFolder()).path
  const workspace = stack.use(temporaryFolder()).path
  const options = { spool, workspace, endpoint: receiver.url, token: receiver.token }
  const app = stack.use(await startExample(options))
  return {
    database,
    app,
    spool,
    restart: () => startExample(options),
    file: (name: string) => path.join(workspace, name),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

test('a chat turn is a row in every view, with prompt, answer, tool calls, before, after and diff', async () => {
  await using pipeline = await openPipeline()
  const { app, database, file } = pipeline
  writeFileSync(file('hello.txt'), 'Hello.\n')
  const { answer, conversation_id } = await app.chat('add a greeting to hello.txt')
  await expect.poll(() => database.query('select * from turns'), patience).toHaveLength(1)

  const [turn] = await database.query('select * from turns')
  expect(turn).toMatchObject({
    prompt: 'add a greeting to hello.txt',
    answer,
    conversation_id,
    transport: 'rest',
    outcome: 'completed',
    user_id: 'mara',
    model_calls: 3,
    tool_calls: 2,
    file_operations: 1,
  })
  const calls = await database.query('select * from model_calls order by started_at')
  expect(calls).toHaveLength(3)
  expect(String(calls[0]?.input_messages)).toContain('add a greeting to hello.txt')
  expect(String(calls[2]?.output_messages)).toContain('hello.txt')
  const tools = await database.query('select * from tool_calls order by started_at')
  expect(tools).toMatchObject([
    { tool: 'read_file', arguments: '{"path":"hello.txt"}', result: 'Hello.\n', inferred: true },
    { tool: 'edit_file', error_type: null },
  ])
  const after = readFileSync(file('hello.txt'), 'utf8')
  const [operation] = await database.query('select * from file_operations')
  expect(operation).toMatchObject({
    type: 'edit',
    path: 'hello.txt',
    before: 'Hello.\n',
    after,
    lines_added: 1,
    lines_removed: 0,
    tool: 'edit_file',
    decision: null,
  })
  expect(String(operation?.diff)).toContain('--- a/hello.txt')
  expect(await database.query('select * from sessions')).toMatchObject([{ turns: 1 }])
  expect(await database.query('select * from errors')).toEqual([])
  expect(await database.query('select * from self_checks where at_start')).toMatchObject([
    { not_bound: null },
  ])
  expect(await database.query('select unseen from session_completeness')).toEqual([{ unseen: 0 }])
  expect(await database.query('select * from unseen_work')).toEqual([])
})

test('a revert restores the file, and the decision joins its operation', async () => {
  await using pipeline = await openPipeline()
  const { app, database, file } = pipeline
  await app.chat('create notes.txt with Buy milk')
  const { changes } = (await (await fetch(`${app.url}/api/changes/recent`)).json()) as {
    changes: { opId: string; path: string; opType: string }[]
  }
  expect(changes).toMatchObject([{ path: 'notes.txt', opType: 'create' }])
  const reverted = await fetch(`${app.url}/api/changes/${changes[0]?.opId}/revert`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{}',
  })
  expect(reverted.status).toBe(200)
  expect(() => readFileSync(file('notes.txt'))).toThrow('ENOENT')

  await expect
    .poll(() => database.query('select * from change_decisions'), patience)
    .toMatchObject([{ decision: 'revert', source: 'user', outcome: 'restored', path: 'notes.txt' }])
  const rows = await database.query(
    'select f.decision from file_operations f join change_decisions d using (operation_id, trace_id)',
  )
  expect(rows).toEqual([{ decision: 'revert' }])
})

test('a turn on the WebSocket lands like one over REST, and two simultaneous turns are not mixed', async () => {
  await using pipeline = await openPipeline()
  const { app, database } = pipeline
  await Promise.all([
    app.chatOnSocket('create a.txt with first'),
    app.chatOnSocket('create b.txt with second'),
  ])
  const together = `select t.prompt, t.transport, t.outcome, f.path, f.after
                      from file_operations f join turns t using (trace_id) order by f.path`
  await expect.poll(() => database.query(together), patience).toHaveLength(2)
  expect(await database.query(together)).toMatchObject([
    { prompt: 'create a.txt with first', path: 'a.txt', transport: 'websocket' },
    { prompt: 'create b.txt with second', path: 'b.txt', outcome: 'completed' },
  ])
})

test('a failed tool is an error of its call, and the turn continues', async () => {
  await using pipeline = await openPipeline()
  const { app, database } = pipeline
  const { answer } = await app.chat('read missing.txt')
  await expect.poll(() => database.query('select * from turns'), patience).toHaveLength(1)
  expect(await database.query('select tool, error_type from tool_calls')).toEqual([
    { tool: 'read_file', error_type: 'tool_error' },
  ])
  expect(await database.query('select outcome, answer from turns')).toEqual([
    { outcome: 'completed', answer },
  ])
})

test('every record is accounted for, also after an orderly end of the session', async () => {
  await using pipeline = await openPipeline()
  const { app, database, spool, restart } = pipeline
  await app.chat('list files')
  await app.stop()
  // The next start sends records that the end has left behind, and landed records whose answer was not received.
  await using _next = await restart()
  await expect
    .poll(() => database.query('select * from sessions where ended_at is not null'), patience)
    .toMatchObject([{ exit_code: 0, abandoned: false }])
  await expect
    .poll(
      async () => (await accounts(spool, database)).map(({ unaccounted }) => unaccounted),
      patience,
    )
    .toEqual([0, 0])
})
