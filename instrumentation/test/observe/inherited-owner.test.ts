/**
 * File operations of worker threads and of Node children belong to the tool call or turn that they work for, and to nobody
 * else: a worker of a pool is older than the turn, takes jobs of several turns, and may get them while another one runs.
 */
import * as fs from 'node:fs'
import * as path from 'node:path'
import { expect, test } from 'vitest'
import { recordedByChildren } from '../../src/record/child-report.ts'
import { runProgram, startProgram } from '../support/observed-program.ts'
import { type RecordedSpan, readRecorded } from '../support/recorded.ts'
import { makeWorkspace } from '../support/workspace.ts'

/** Runs a scenario; gives its file operations, each with the names of the tool call or turn that it belongs to. */
async function run(scenario: string) {
  using workspace = makeWorkspace()
  const outcome = await runProgram('hands-over.ts', {
    cwd: workspace.folder,
    spool: workspace.spool,
    args: [scenario],
  })
  expect(outcome).toMatchObject({ stderr: '', code: 0 })
  const { spans } = readRecorded(workspace.spool)
  const left = path.join(workspace.spool, 'children')
  return {
    stdout: outcome.stdout,
    reports: fs.existsSync(left) ? fs.readdirSync(left) : [],
    operations: spans
      .filter(({ name }) => name.startsWith('file.'))
      .map((span) => `${span.name} ${span.attributes['file.path']} by ${ownerOf(span, spans)}`)
      .sort(),
  }
}

function ownerOf(span: RecordedSpan, spans: readonly RecordedSpan[]): string {
  const parents = spans.filter(
    ({ spanId, traceId }) => spanId === span.parentSpanId && traceId === span.traceId,
  )
  return parents.map(({ name }) => name.split(' ').slice(0, 3).join(' ')).join(' and ')
}

const written = (file: string, owner: string): string[] => [
  `file.create ${file} by ${owner}`,
  `file.edit ${file} by ${owner}`,
]
const created = (file: string, owner: string): string => `file.create ${file} by ${owner}`
const call = (name: string): string => `execute_tool ${name}`
const turn = 'invoke_agent @turnlog/instrumentation'
const oneAndTwo = [...written('one.txt', call('one')), ...written('two.txt', call('two'))]

const scenarios: readonly (readonly [string, readonly string[]])[] = [
  ['made in a call', [created('thread.txt', call('makes'))]],
  ['made in a turn', [created('thread.txt', turn)]],
  ['posted', oneAndTwo],
  ['posted before it is up', oneAndTwo],
  ['iterated', oneAndTwo],
  ['posted on a port', oneAndTwo],
  ['posted at once', ['one', 'two', 'three'].flatMap((name) => written(`${name}.txt`, call(name)))],
  ['queued', ['one', 'two', 'three'].flatMap((name) => written(`${name}.txt`, call(name)))],
  ['taken without an event', ['one', 'two'].map((name) => created(`${name}.txt`, call(name)))],
  // `bare.txt` is written with an empty `execArgv`, and so without the preload.
  [
    'of all kinds',
    ['eval', 'module', 'own-env', 'shared-env', 'strict'].map((name) =>
      created(`${name}.txt`, call('kinds')),
    ),
  ],
  ['deep', ['deep.txt', 'of-thread.txt'].map((file) => created(file, call('deep')))],
  [
    'terminated',
    Array.from({ length: 20 }, (_, number) => created(`busy-${number}.txt`, call('ends'))),
  ],
  ['child by NODE_OPTIONS', [created('sub/here.txt', call('options'))]],
  ['grandchild', ['child.txt', 'grandchild.txt'].map((file) => created(file, call('deep')))],
  // Its tool call has ended: what it does now it does not record itself. The comparison at its end does.
  ['stays too long', ['in-time.txt', 'too-late.txt'].map((file) => created(file, call('starts')))],
  [
    'children',
    [
      ...['exec', 'execFile', 'fork', 'spawn'].map((form) =>
        created(`${form}.txt`, call('asynchronous')),
      ),
      ...['execFileSync', 'execFileSync-options', 'execSync', 'spawnSync'].map((form) =>
        created(`${form}.txt`, call('synchronous')),
      ),
    ],
  ],
]

test.for(scenarios)(
  '%s: each file operation has its owner, and is recorded once',
  { timeout: 60_000 },
  async ([scenario, operations]) => {
    const found = await run(scenario)
    expect(found.operations).toEqual([...operations].sort())
    expect(found.reports).toEqual([])
  },
)

/** The real package: its workers are older than the turns, and take their tasks from a port, two of them at once. */
test('workers of piscina record for the turn that gave them the task', async () => {
  const { operations } = await run('piscina')
  const expected = ['sync', 'async', 'disabled'].flatMap((way) =>
    ['a', 'b', 'c', 'd'].flatMap((name) => written(`${way}-${name}.txt`, call(`${way} ${name}`))),
  )
  expect(operations).toEqual(expected.sort())
}, 60_000)

test('what threads and children have recorded is reported, with the state of each file', async () => {
  using workspace = makeWorkspace()
  const { stdout } = await runProgram('hands-over.ts', {
    cwd: workspace.folder,
    spool: workspace.spool,
    args: ['reported'],
  })
  const reports = path.join(workspace.root, 'reports')
  fs.mkdirSync(reports)
  fs.writeFileSync(path.join(reports, 'report.jsonl'), stdout)
  const expected = ['fork.txt', 'fork-2.txt', 'thread.txt'].map((name) => {
    const file = path.join(workspace.folder, name)
    const { size, mtimeNs, ino } = fs.statSync(file, { bigint: true })
    return [file, { size, mtimeNs, ino }] as const
  })
  expect(recordedByChildren(reports)).toEqual(new Map(expected))
}, 60_000)

/** Else a long-lived app would keep the records of ended threads back until it ends itself. */
test('records of a thread that was terminated, and of a child, are sealed while the app goes on', {
  timeout: 60_000,
}, async () => {
  using workspace = makeWorkspace()
  await using program = startProgram('hands-over.ts', {
    cwd: workspace.folder,
    spool: workspace.spool,
    args: ['ended while the app goes on'],
  })
  await program.line('goes')
  const sealed = (): number =>
    fs
      .readdirSync(workspace.spool, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.json.gz'))
      .map((name) => path.dirname(name))
      .filter((folder, index, all) => all.indexOf(folder) === index).length
  // The app's own recorder, the thread's and the child's.
  await expect.poll(sealed).toBe(3)
})

test('children get the ids of their tool call, outside a turn nothing, and what the host sets stays', async () => {
  const { stdout } = await run('environment')
  const shown = new Map(
    stdout.split('\n').map((line) => {
      const [name = '', ...rest] = line.split(' ')
      const values: string[] = JSON.parse(rest.join(' ') || '[]')
      return [name, values.map((value) => JSON.parse(value))] as const
    }),
  )
  const parent = expect.stringMatching(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/)
  const owner = expect.stringContaining('"name":"shows"')
  expect(shown.get('outside')).toEqual([{}, {}])
  expect(shown.get('inside')).toEqual([
    { TRACEPARENT: parent, TURNLOG_OWNER: owner },
    { TRACEPARENT: parent, TURNLOG_OWNER: owner },
  ])
  const own = { TRACEPARENT: 'set by the host', TURNLOG_OWNER: owner }
  expect(shown.get('own')).toEqual([own, own])
  // The preload has taken the private variable before the child's own code runs.
  expect(shown.get('preloaded')).toEqual([{ TRACEPARENT: parent }])
}, 60_000)
