/** The examples of docs/API.md and of the README are type-checked, run unchanged under the preload, and found in PostgreSQL. */

import { execFile } from 'node:child_process'
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import * as path from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { startProgram } from '../instrumentation/test/support/observed-program.ts'
import { accounts } from './support/account.ts'
import { temporaryFolder } from './support/example.ts'
import type { TestDatabase } from './support/postgres.ts'
import { withReceiver } from './support/receiver.ts'

const execute = promisify(execFile)
const root = path.resolve(import.meta.dirname, '..')
const patience = { timeout: 60_000, interval: 100 }

/** The output of each example, and the rows in the views after its run. */
const expected: readonly {
  readonly prints: string
  readonly rows: Readonly<Record<string, readonly object[]>>
}[] = [
  {
    prints: '',
    rows: {
      turns: [
        {
          prompt: 'Say hello.',
          answer: 'Hello!',
          conversation_id: 'demo',
          transport: null,
          outcome: 'completed',
        },
      ],
    },
  },
  {
    prints: '5\nYou are welcome.\n',
    rows: {
      turns: [
        { prompt: 'what is 2 + 3?', answer: '5', agent: 'calculator', tool_calls: 1 },
        { prompt: 'thanks', answer: 'You are welcome.', tool_calls: 0 },
      ],
      tool_calls: [{ tool: 'add', arguments: '{"a":"2","b":"3"}', result: '5', error_type: null }],
    },
  },
  {
    prints: '',
    rows: {
      turns: [{ prompt: 'Write a note.', answer: 'wrote note.txt, unknown tool' }],
      tool_calls: [
        { tool: 'write_file', call_id: 'toolu_1', result: 'wrote note.txt', file_operations: 1 },
        { tool: 'fly', result: 'unknown tool', error_type: 'Error' },
      ],
      file_operations: [
        { type: 'create', path: 'note.txt', after: 'Remember the milk.\n', source: 'fs' },
      ],
      errors: [{ kind: 'tool_call', message: 'There is no tool fly.' }],
    },
  },
  {
    prints: '',
    rows: {
      turns: [{ prompt: 'Rename the greeting.', answer: 'Renamed.' }],
      tool_calls: [{ tool: 'apply_patch', file_operations: 1 }],
      file_operations: [
        {
          type: 'edit',
          path: 'src/greeting.ts',
          before: 'hi()\n',
          after: 'hello()\n',
          source: 'api',
          tool: 'apply_patch',
          decision: 'accept',
        },
      ],
      change_decisions: [{ decision: 'accept', source: 'policy', reason: 'the tests passed' }],
    },
  },
  {
    prints: 'one\ntwo\nthree\n',
    rows: { turns: [{ prompt: 'Count to three.', answer: 'one two three' }] },
  },
  {
    prints: '',
    rows: {
      turns: [{ prompt: 'What is 2 + 3?', answer: 'It is 5.' }],
      tool_calls: [{ tool: 'add', arguments: '{"a":2,"b":3}', result: '5' }],
    },
  },
]

const order: Readonly<Record<string, string>> = {
  errors: 'kind',
  tool_calls: 'started_at, call_id',
  change_decisions: 'decided_at',
}

function examples(): string[] {
  return ['docs/API.md', 'README.md'].flatMap((document) => {
    const text = readFileSync(path.join(root, document), 'utf8')
    return [...text.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code]) => code ?? '')
  })
}

/** A separate project, outside the repository, with the packages. */
function project(folder: string): void {
  symlinkSync(path.join(root, 'node_modules'), path.join(folder, 'node_modules'))
  writeFileSync(path.join(folder, 'package.json'), '{ "type": "module", "name": "docs" }')
  const options = { extends: path.join(root, 'tsconfig.json'), include: ['*.ts'], exclude: [] }
  writeFileSync(path.join(folder, 'tsconfig.json'), JSON.stringify(options))
  for (const [index, code] of examples().entries()) {
    writeFileSync(path.join(folder, `example-${index}.ts`), code)
  }
}

test('every example of docs/API.md and the README is type-checked', async () => {
  using folder = temporaryFolder()
  project(folder.path)
  expect(examples()).toHaveLength(expected.length)
  const bin = path.join(root, 'node_modules/.bin')
  const env = { ...process.env, PATH: `${bin}${path.delimiter}${process.env.PATH}` }
  const said = await execute('tsc', ['--project', folder.path], { env }).then(
    ({ stdout }) => stdout,
    (error) => error.stdout || String(error),
  )
  expect(said).toBe('')
})

test('every example ends in rows', async () => {
  await using stage = await openStage()
  const { database, folder, spool } = stage
  project(folder)
  for (const [index, { prints }] of expected.entries()) {
    const outcome = await run(path.join(folder, `example-${index}.ts`), stage)
    expect(outcome).toMatchObject({ stdout: prints, stderr: '', code: 0 })
  }
  sendWhatIsLeft(stage)
  const views = new Set(expected.flatMap(({ rows }) => Object.keys(rows)))
  for (const view of views) {
    const rows = expected.flatMap(({ rows }) => rows[view] ?? [])
    await expect.poll(() => rowsOf(database, view), patience).toMatchObject(rows)
  }
  await expect
    .poll(
      async () => (await accounts(spool, database)).map(({ unaccounted }) => unaccounted),
      patience,
    )
    .toEqual(Array(expected.length + 1).fill(0))
})

test('a change that the app reports is in the Changes list, and can be reverted', async () => {
  await using stage = await openStage()
  const { database, folder } = stage
  project(folder)
  mkdirSync(path.join(folder, 'src'))
  writeFileSync(path.join(folder, 'src/greeting.ts'), 'hello()\n')
  writeFileSync(
    path.join(folder, 'app.ts'),
    `import { fileOperation, turn } from '@turnlog/instrumentation'
     import { changesRoutes } from '@turnlog/instrumentation/changes'
     import fastify from 'fastify'
     const id = turn({}, () => fileOperation({ path: 'src/greeting.ts', before: 'hi()\\n', after: 'hello()\\n' }))
     const app = fastify()
     await app.register(changesRoutes)
     const address = await app.listen({ port: 0, host: '127.0.0.1' })
     const listed = await (await fetch(address + '/api/changes/recent')).json()
     const reverted = await fetch(address + '/api/changes/' + id + '/revert', { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' })
     console.log(JSON.stringify({ listed: listed.changes.map((change) => change.opId === id), status: reverted.status }))
     await app.close()
    `,
  )
  const { stdout } = await run(path.join(folder, 'app.ts'), stage)
  sendWhatIsLeft(stage)
  expect(JSON.parse(stdout)).toEqual({ listed: [true], status: 200 })
  expect(readFileSync(path.join(folder, 'src/greeting.ts'), 'utf8')).toBe('hi()\n')
  await expect
    .poll(() => rowsOf(database, 'change_decisions'), patience)
    .toMatchObject([{ decision: 'revert', outcome: 'restored', path: 'src/greeting.ts' }])
})

async function rowsOf(database: TestDatabase, view: string) {
  return database.query(`select * from ${view} order by ${order[view] ?? 'started_at'}`)
}

async function openStage() {
  const stack = new AsyncDisposableStack()
  const { database, receiver } = await withReceiver()
  const folder = stack.use(temporaryFolder()).path
  const spool = stack.use(temporaryFolder()).path
  return {
    database,
    receiver,
    folder,
    spool,
    stack,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

type Stage = Awaited<ReturnType<typeof openStage>>

/** Runs a program under the preload to its end. A short program leaves its records for the next start. */
async function run(file: string, stage: Stage) {
  await using program = startProgram(file, optionsOf(stage))
  return await program.ended()
}

function sendWhatIsLeft(stage: Stage): void {
  const file = path.join(stage.folder, 'waits.ts')
  writeFileSync(file, `import { createServer } from 'node:http'\ncreateServer().listen(0)\n`)
  stage.stack.use(startProgram(file, optionsOf(stage)))
}

function optionsOf({ folder, receiver, spool }: Stage) {
  const env = { TELEMETRY_ENDPOINT: receiver.url, TELEMETRY_TOKEN: receiver.token }
  return { cwd: folder, spool, env }
}
