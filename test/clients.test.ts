/** Runs the commands, the programs, the events and the query of docs/CLIENTS.md unchanged. */
import { execFile, execFileSync } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import * as path from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { definitions } from '../receiver/src/events/definitions.ts'
import { sendEvents } from './support/plain-events.ts'
import { withReceiver } from './support/receiver.ts'

const root = path.resolve(import.meta.dirname, '..')
const run = promisify(execFile)

const { database, receiver } = await withReceiver()
let folder: string
let blocks: readonly { readonly language: string; readonly text: string }[]

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'turnlog-clients-'))
  const document = await readFile(path.join(root, 'docs/CLIENTS.md'), 'utf8')
  blocks = [...document.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].map(
    ([, language = '', text = '']) => ({ language, text }),
  )
})
afterAll(() => rm(folder, { recursive: true }))

const python = findPython()
if (python === undefined) console.log('Skipped: Python 3.10 or newer is not here (python3).')

function findPython(): string | undefined {
  try {
    const test = 'import sys; sys.exit(sys.version_info < (3, 10))'
    execFileSync('python3', ['-c', test], { stdio: 'ignore' })
    return 'python3'
  } catch {
    return undefined
  }
}

function textsOf(language: string): readonly string[] {
  const texts = blocks.filter((block) => block.language === language).map(({ text }) => text)
  expect(texts.length).toBeGreaterThan(0)
  return texts
}

/** Runs a program with the two variables that the document names. */
function execute(command: string, parameters: readonly string[]) {
  const { url, token } = receiver
  return run(command, parameters, {
    cwd: folder,
    env: { ...process.env, TURNLOG_RECEIVER: url, TURNLOG_TOKEN: token },
  })
}

test.skipIf(!has('curl'))('the commands land their events', async () => {
  for (const text of textsOf('sh')) {
    const { stdout } = await execute('sh', ['-e', '-c', text])
    expect(JSON.parse(stdout)).toMatchObject({ landed: 1 })
  }
  expect(await database.query(`select prompt from turns where session_id = 'docs-curl'`)).toEqual([
    { prompt: 'What is 2 + 2?' },
  ])
})

function has(command: string): boolean {
  try {
    execFileSync(command, ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    console.log(`Skipped: ${command} is not here.`)
    return false
  }
}

test.skipIf(python === undefined)('the Python runs', async () => {
  for (const text of textsOf('python')) await execute(python ?? '', ['-c', text])
  const errors = await database.query(`select message from errors where session_id = 'docs-python'`)
  expect(errors).toEqual([{ message: 'no such file' }])
})

test('the JavaScript runs', async () => {
  for (const text of textsOf('js')) {
    const file = path.join(folder, 'example.mjs')
    await writeFile(file, text)
    await execute(process.execPath, [file])
  }
  const [operation] = await database.query<{ after: string }>(
    `select after from file_operations where session_id = 'docs-js'`,
  )
  expect(operation?.after).toBe('a line\n'.repeat(100_000))
})

test('the events land, and the query finds them', async () => {
  const arrays = textsOf('json').map((text): unknown => JSON.parse(text))
  const events = arrays.filter(Array.isArray).flat()
  expect(new Set(events.map(({ type }) => type))).toEqual(new Set(Object.keys(definitions)))
  // Their day is past: all are moved to today, with the same distances.
  const last = Math.max(...events.map(({ timestamp }) => Date.parse(timestamp)))
  const current = events.map((event) => ({
    ...event,
    timestamp: Date.now() - (last - Date.parse(event.timestamp)),
  }))
  expect(await sendEvents(receiver, current)).toMatchObject({ landed: events.length })
  const [query = ''] = textsOf('sql')
  expect(await database.query(query)).toEqual([
    {
      prompt: 'Rename foo to bar.',
      path: 'src/foo.ts',
      type: 'edit',
      lines_added: 1,
      tool: 'edit_file',
      decision: 'revert',
    },
  ])
})

test.skipIf(python === undefined)(
  'the client of the standard library lands a whole turn',
  async () => {
    const client = path.join(root, 'example/python/plain_client.py')
    const { stdout, stderr } = await execute(python ?? '', [client])
    expect(stderr).toBe('')
    const traceId = /\/turns\/([0-9a-f]{32})\n$/.exec(stdout)?.[1]
    const [turn] = await database.query(
      `select t.prompt, t.answer, t.tool_calls, t.agent, f.path, f.after, f.tool, f.decision
       from turns t
       join file_operations f using (team_id, trace_id)
      where t.trace_id = $1`,
      [traceId],
    )
    expect(turn).toEqual({
      prompt: 'write a greeting to hello.txt',
      answer: 'Done. 👋',
      tool_calls: 1,
      agent: 'plain-client',
      path: 'hello.txt',
      after: 'hello\n',
      tool: 'write_file',
      decision: 'accept',
    })
  },
)
