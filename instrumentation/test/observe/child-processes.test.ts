/** The files that child processes change, each seen in a real app that runs real commands. */
import { execFileSync } from 'node:child_process'
import * as fs from 'node:fs'
import * as path from 'node:path'
import { applyPatch } from 'diff'
import { expect, test } from 'vitest'
import { decideChange } from '../../src/changes/decide-change.ts'
import { ChangeStore } from '../../src/changes/store.ts'
import { originalFs } from '../../src/file-system.ts'
import { startChat } from '../support/chat.ts'
import { type ApiAnswer, type ApiRequest, lastText } from '../support/messages-api.ts'
import { startProgram } from '../support/observed-program.ts'
import {
  type Attributes,
  type Recorded,
  type RecordedSpan,
  readRecorded,
} from '../support/recorded.ts'
import { copied, copiesIn, processesEnded, processesStarted } from '../support/workspace-copies.ts'

type Tools = NonNullable<ApiAnswer['tools']>

const isFile = ({ name }: RecordedSpan): boolean => name.startsWith('file.')
const op = (name: string) => `turnlog.file_operation.${name}`

/** Asks for the tools at the first message, then answers. */
const asks =
  (tools: Tools) =>
  (request: ApiRequest): ApiAnswer =>
    lastText(request) === '' ? { text: 'Done.' } : { tools }

const command = (text: string, name = 'exec', id = text): Tools[number] => ({
  id,
  name,
  input: { command: text },
})

interface Options {
  readonly files?: Readonly<Record<string, string>>
  readonly env?: Readonly<Record<string, string>>
  /** Prepares the workspace further, before the app starts. */
  readonly prepare?: (folder: string) => void
  /** Changes the workspace after the app's first look, before the turn. */
  readonly edit?: (folder: string) => void
  /** How many children the tools start. */
  readonly children?: number
}

/** One turn in which the tools run; everything recorded. */
async function turnWith(tools: Tools, options: Options = {}): Promise<Recorded> {
  const { files = {}, env, prepare, edit, children = tools.length } = options
  await using chat = await startChat({
    program: 'shell-host.ts',
    files,
    answer: asks(tools),
    ...(env === undefined ? {} : { env }),
    ...(prepare === undefined ? {} : { prepare }),
  })
  const { folder, spool } = chat.workspace
  await copied(spool, Object.values(files))
  edit?.(folder)
  await chat.post('go')
  await processesEnded(spool, children)
  return chat.recorded()
}

/** Kind, path and parent's name of each file operation, by path. */
function operationsOf({ spans }: Recorded): string[] {
  return spans
    .filter(isFile)
    .map(({ name, attributes, parentSpanId }) => {
      const parent = spans.find(({ spanId }) => spanId === parentSpanId)
      const tool = parent?.attributes['gen_ai.tool.name'] ?? 'turn'
      const shared = attributes[op('shared')] === true ? ' shared' : ''
      return `${name} ${String(attributes['file.path'])} ${String(tool)}${shared}`
    })
    .sort()
}

function attributesOf({ spans }: Recorded, file: string): Attributes | undefined {
  return spans.find((span) => isFile(span) && span.attributes['file.path'] === file)?.attributes
}

function endsOf({ logs }: Recorded): Attributes[] {
  return logs
    .filter(({ event }) => event === 'turnlog.process.ended')
    .map(({ attributes }) => attributes)
}

/** A state between two commands is known only if it was looked at, however busy the machine is. */
const waitsForLooks = { TELEMETRY_PROCESS_WAIT_MS_MAX: '10000' }

const everyWay = [
  'exec',
  'exec_file',
  'spawn',
  'spawn_shell',
  'exec_sync',
  'exec_file_sync',
  'spawn_sync',
  'terminal',
]

test.for(everyWay)(
  '%s: what a command edits, creates, deletes and moves is recorded',
  async (how) => {
    const files = { 'a.txt': 'one\ntwo\n', 'gone.txt': 'gone\n', 'old.txt': 'moved\n' }
    const recorded = await turnWith(
      [
        command(
          "sed -i 's/two/2/' a.txt; echo new > new.txt; rm gone.txt; mv old.txt moved.txt",
          how,
          'all',
        ),
      ],
      { files },
    )
    expect(operationsOf(recorded)).toEqual([
      `file.create new.txt ${how}`,
      `file.delete gone.txt ${how}`,
      `file.edit a.txt ${how}`,
      `file.rename moved.txt ${how}`,
    ])
    const edit = attributesOf(recorded, 'a.txt')
    expect(edit).toMatchObject({
      [op('source')]: 'process',
      [op('before')]: 'one\ntwo\n',
      [op('after')]: 'one\n2\n',
      [op('lines_added')]: 1,
      [op('lines_removed')]: 1,
    })
    expect(applyPatch('one\ntwo\n', String(edit?.[op('diff')]))).toBe('one\n2\n')
    expect(attributesOf(recorded, 'gone.txt')?.[op('before')]).toBe('gone\n')
    expect(attributesOf(recorded, 'moved.txt')?.[op('previous_path')]).toBe('old.txt')
    expect(endsOf(recorded)).toMatchObject([
      {
        'turnlog.process.files_changed': 4,
        'process.exit.code': 0,
        'turnlog.process.partial': false,
      },
    ])
  },
)

test('what a Node child with the preload has recorded itself is not recorded again', async () => {
  const recorded = await turnWith(
    [{ id: 'f', name: 'fork', input: { command: 'x', path: './writes.cjs' } }],
    {
      files: { 'writes.cjs': "require('node:fs').writeFileSync('made.txt', process.argv[2])" },
    },
  )
  expect(operationsOf(recorded)).toEqual(['file.create made.txt fork'])
  expect(attributesOf(recorded, 'made.txt')?.[op('source')]).toBe('fs')
})

test('the changes of a command that fails, is killed, or hits its timeout count', async () => {
  const recorded = await turnWith(
    [
      command('echo 1 > failed.txt; exit 3', 'exec_file'),
      command('echo 2 > killed.txt; kill -9 $$', 'spawn'),
      {
        id: 't',
        name: 'with_timeout',
        input: { command: 'echo 3 > slow.txt; exec sleep 60', timeoutMs: 300 },
      },
    ],
    { files: { 'a.txt': 'a' } },
  )
  expect(operationsOf(recorded)).toEqual([
    'file.create failed.txt exec_file',
    'file.create killed.txt spawn',
    'file.create slow.txt with_timeout',
  ])
  expect(
    endsOf(recorded).map((each) => [each['process.exit.code'], each['turnlog.process.signal']]),
  ).toEqual([
    [3, undefined],
    [undefined, 'SIGKILL'],
    [undefined, 'SIGKILL'],
  ])
})

/** Writes a file for each request, and one more when the app has seen the answer to the first. */
const rpcServer = `
const fs = require('node:fs')
require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, params } = JSON.parse(line)
  fs.writeFileSync(params.path, 'by the server')
  setTimeout(() => {
    process.stdout.write(JSON.stringify({ result: {}, jsonrpc: '2.0', id }) + '\\n')
    const idle = setInterval(() => {
      if (params.path !== 'one.txt' || !fs.existsSync('node_modules/rests')) return
      clearInterval(idle)
      fs.writeFileSync('idle-one.txt', 'unasked')
    }, 10)
  }, 100)
})
process.stdin.on('end', () => process.exit())
`

test('what a server over standard input does for a request is the asking call’s, and nothing else of it', async () => {
  const recorded = await turnWith(
    [
      { id: 'a', name: 'ask', input: { command: '', path: 'one.txt' } },
      { id: 'b', name: 'rest', input: { command: '', path: 'idle-one.txt' } },
      { id: 'c', name: 'ask', input: { command: '', path: 'two.txt' } },
    ],
    { files: { 'server.cjs': rpcServer }, env: { RPC_SERVER: 'server.cjs' }, children: 2 },
  )
  expect(operationsOf(recorded)).toEqual(['file.create one.txt ask', 'file.create two.txt ask'])
  expect(endsOf(recorded)).toMatchObject([
    { 'process.executable.name': 'node', 'turnlog.process.files_changed': 1 },
    { 'process.executable.name': 'node' },
  ])
})

/** The app, once it has looked at its workspace. `toolsFor`: what the model asks for in the turn of this text. */
async function startShells(toolsFor: (text: string) => ReturnType<typeof command>[]) {
  const files = { 'a.txt': 'a\n' }
  const chat = await startChat({
    program: 'shell-host.ts',
    files,
    answer: (request) => {
      const text = lastText(request)
      return text === '' ? { text: 'Done.' } : { tools: toolsFor(text) }
    },
  })
  await copied(chat.workspace.spool, Object.values(files))
  return chat
}

test.for(['session', 'terminal_session'])(
  '%s: the commands of a shell that the app keeps are those of the tool call that writes them, in each turn',
  async (how) => {
    await using chat = await startShells((text) =>
      ['one', 'two'].map((name) => command(`echo x > ${text}-${name}.txt`, how, `${text} ${name}`)),
    )
    const { spool } = chat.workspace
    await chat.post('first')
    await chat.post('second')
    await processesEnded(spool, 3)
    const recorded = await chat.recorded()
    const { spans } = recorded
    const owners = spans.filter(isFile).map(({ attributes, parentSpanId }) => {
      const parent = spans.find(({ spanId }) => spanId === parentSpanId)
      return [attributes['file.path'], parent?.attributes['gen_ai.tool.call.id']]
    })
    expect(owners.sort()).toEqual([
      ['first-one.txt', 'first one'],
      ['first-two.txt', 'first two'],
      ['second-one.txt', 'second one'],
      ['second-two.txt', 'second two'],
    ])
  },
)

test('a child that the app goes on to write to after its turn claims nothing of later tool calls', async () => {
  await using chat = await startShells((text) => [
    command(`sleep 0.2; echo x > ${text}.txt`, text === 'first' ? 'session_pings' : 'exec'),
  ])
  const { spool } = chat.workspace
  for (const turn of ['first', 'second', 'third']) await chat.post(turn)
  await processesEnded(spool, 2)
  expect(operationsOf(await chat.recorded())).toEqual([
    'file.create first.txt session_pings',
    'file.create second.txt exec',
    'file.create third.txt exec',
  ])
})

test('a program that does not exist is no child', async () => {
  const recorded = await turnWith([{ id: 'm', name: 'missing_program', input: {} }], {
    children: 0,
  })
  expect(recorded.logs.filter(({ event }) => event.startsWith('turnlog.process'))).toEqual([])
})

test('a command that changes nothing, or writes the same again, leaves no operation', async () => {
  const recorded = await turnWith(
    [
      command('cat a.txt; touch a.txt; chmod +x a.txt'),
      command('cp a.txt b && cat b > a.txt; rm b'),
    ],
    { files: { 'a.txt': 'same\n' } },
  )
  expect(operationsOf(recorded)).toEqual([])
  expect(endsOf(recorded)).toMatchObject([
    { 'turnlog.process.files_changed': 0, 'turnlog.process.files_compared': 1 },
    { 'turnlog.process.files_changed': 0 },
  ])
})

test('commands one after the other on one file give a chain of states', async () => {
  const recorded = await turnWith(
    [command('echo 2 >> a.txt'), command('echo 3 >> a.txt'), command('rm a.txt')],
    { files: { 'a.txt': '1\n' }, env: waitsForLooks },
  )
  expect(endsOf(recorded).map((ended) => ended['turnlog.process.look_age'])).toEqual([0, 0, 0])
  const sides = recorded.spans
    .filter(isFile)
    .map(({ attributes }) => [attributes[op('before')], attributes[op('after')]])
  expect(sides).toEqual([
    ['1\n', '1\n2\n'],
    ['1\n2\n', '1\n2\n3\n'],
    ['1\n2\n3\n', undefined],
  ])
})

test('a file that two commands at once could have made is shared, and belongs to the turn', async () => {
  // Each waits until the other runs, through files that are not compared.
  const after = (own: string, other: string) =>
    `mkdir -p node_modules; : > node_modules/${own}; while ! test -e node_modules/${other}; do sleep 0.02; done; sleep 0.2`
  const recorded = await turnWith(
    [
      command(`${after('a', 'b')}; echo 1 > first.txt; sleep 0.5`, 'exec', 'a'),
      command(`${after('b', 'a')}; echo 2 > second.txt; sleep 0.5`, 'spawn', 'b'),
    ],
    { env: { PARALLEL: '1' }, files: { 'a.txt': 'a' } },
  )
  expect(operationsOf(recorded)).toEqual([
    'file.create first.txt turn shared',
    'file.create second.txt turn shared',
  ])
})

test('a file that the app itself writes while a command runs is the app’s, once', async () => {
  const recorded = await turnWith(
    [
      {
        id: 'w',
        name: 'exec_then_write',
        input: { command: 'sleep 0.2; echo x > child.txt', path: 'app.txt' },
      },
    ],
    { files: { 'a.txt': 'a' } },
  )
  expect(operationsOf(recorded)).toEqual([
    'file.create app.txt exec_then_write',
    'file.create child.txt exec_then_write',
  ])
  expect(attributesOf(recorded, 'app.txt')?.[op('source')]).toBe('fs')
  expect(attributesOf(recorded, 'child.txt')?.[op('source')]).toBe('process')
})

test('a file that the app writes and a command then edits is two operations, with the state between', async () => {
  const recorded = await turnWith(
    [
      {
        id: 'w',
        name: 'write_then_exec',
        input: { command: "sed -i 's/app/child/' a.txt", path: 'a.txt' },
      },
    ],
    { files: { 'a.txt': 'old\n' }, env: waitsForLooks },
  )
  const sides = recorded.spans
    .filter(isFile)
    .map(({ attributes }) => [
      attributes[op('source')],
      attributes[op('before')],
      attributes[op('after')],
    ])
  expect(sides).toEqual([
    ['fs', 'old\n', 'by the app\n'],
    ['process', 'by the app\n', 'by the child\n'],
  ])
})

test('what somebody wrote before the command started is nobody’s operation', async () => {
  const recorded = await turnWith([command('sleep 0.1; echo x > child.txt')], {
    files: { 'a.txt': 'a\n', 'b.txt': 'b\n' },
    edit: (folder) => fs.writeFileSync(path.join(folder, 'b.txt'), 'by a person\n'),
  })
  expect(operationsOf(recorded)).toEqual(['file.create child.txt exec'])
})

test('a child in the background is compared when its turn ends, and again when it ends', async () => {
  await using chat = await startChat({
    program: 'shell-host.ts',
    files: { 'a.txt': 'a\n' },
    answer: (request) => {
      const text = lastText(request)
      if (text === 'start') {
        const script =
          'echo 1 > early.txt; while ! test -e go; do sleep 0.05; done; echo 2 > late.txt'
        return { tools: [command(script, 'background', 'b')] }
      }
      if (text === 'stop') return { tools: [{ id: 's', name: 'stop_background', input: {} }] }
      return { text: 'Done.' }
    },
  })
  const { folder, spool } = chat.workspace
  await copied(spool, ['a\n'])
  await chat.post('start')
  await copied(spool, ['1\n'])
  fs.writeFileSync(path.join(folder, 'go'), '')
  await expect.poll(() => fs.existsSync(path.join(folder, 'late.txt'))).toBe(true)
  await chat.post('stop')
  await processesEnded(spool, 1)
  const recorded = await chat.recorded()
  const operations = operationsOf(recorded)
  expect(operations.filter((each) => each.includes('early'))).toEqual([
    'file.create early.txt background',
  ])
  expect(operations.filter((each) => each.includes('late'))).toEqual([
    'file.create late.txt background shared',
  ])
})

test.runIf(process.platform === 'linux')(
  'what a shell has left in the background is compared until it has ended',
  async () => {
    const recorded = await turnWith([
      command('(until [ -e go ]; do sleep 0.1; done; echo late > late.txt) >/dev/null 2>&1 &'),
      command('echo > go', 'exec', 'second'),
    ])
    // What is left behind could have made either of them.
    expect(operationsOf(recorded)).toContain('file.create go exec shared')
    // The turn may be over when it writes: then others may have done it as well.
    const late = operationsOf(recorded).filter((each) => each.includes('late.txt'))
    expect(late).toEqual([expect.stringMatching(/^file\.create late\.txt exec(?: shared)?$/)])
    expect(attributesOf(recorded, 'late.txt')).toMatchObject({
      [op('source')]: 'process',
      [op('after')]: 'late\n',
    })
  },
)

test('links, ignored folders and ignored files are left out, and counted', async () => {
  const recorded = await turnWith(
    [
      command(
        [
          'ln -s package.json link.txt',
          'mkdir -p node_modules/x build src/build sub',
          'for f in node_modules/x/i.js build/o.js src/build/o.js debug.log keep.log .env sub/local.txt sub/s.txt; do echo 1 > $f; done',
        ].join('; '),
        'exec',
        'i',
      ),
    ],
    {
      files: {
        'package.json': '{}',
        '.gitignore': '*.log\n!keep.log\n.env\n',
        'sub/.gitignore': 'local.txt\n',
      },
    },
  )
  expect(operationsOf(recorded)).toEqual([
    'file.create keep.log exec',
    'file.create src/build/o.js exec',
    'file.create sub/s.txt exec',
  ])
  const [end] = endsOf(recorded)
  expect(JSON.parse(String(end?.['turnlog.process.not_compared']))).toEqual({
    gitignored: 3,
    not_a_file: 1,
  })
  expect(end?.['turnlog.process.excluded_folders']).toEqual(
    expect.arrayContaining(['build', 'node_modules']),
  )
})

test('a folder that is renamed is a rename of each file in it', async () => {
  const recorded = await turnWith([command('mv src lib && mkdir src && echo 1 > src/new.txt')], {
    files: { 'src/one.txt': 'one\n', 'src/deep/two.txt': 'two\n' },
  })
  expect(operationsOf(recorded)).toEqual([
    'file.create src/new.txt exec',
    'file.rename lib/deep/two.txt exec',
    'file.rename lib/one.txt exec',
  ])
})

test('binary, large, unreadable and strangely named files never become garbage', async () => {
  const large = 20 * 1024 ** 2
  const recorded = await turnWith(
    [
      command(
        [
          "printf '\\000\\001' > binary.bin",
          `head -c ${large} /dev/zero > large.bin`,
          'echo x > "$(printf \'bad\\377name\')"',
          'mkfifo pipe',
          'rm b.txt && mkdir b.txt && echo x > b.txt/inner',
        ].join('; '),
        'exec',
        'x',
      ),
    ],
    { files: { 'a.txt': 'a\n', 'b.txt': 'b\n' } },
  )
  expect(operationsOf(recorded)).toEqual([
    'file.create b.txt/inner exec',
    'file.create binary.bin exec',
    'file.create large.bin exec',
    'file.delete b.txt exec',
  ])
  expect(attributesOf(recorded, 'binary.bin')).toMatchObject({ [op('binary')]: true })
  expect(attributesOf(recorded, 'large.bin')).toMatchObject({
    [op('after.omitted')]: 'too_large',
    [op('after.size')]: large,
  })
  expect(attributesOf(recorded, 'b.txt')).toMatchObject({
    [op('before')]: 'b\n',
    [op('lines_removed')]: 1,
  })
  expect(attributesOf(recorded, 'b.txt')).not.toHaveProperty([op('after.omitted')])
  expect(JSON.parse(String(endsOf(recorded)[0]?.['turnlog.process.not_compared']))).toEqual({
    name_not_utf8: 1,
    not_a_file: 1,
  })
})

test('of a child that a worker thread starts the record says that it was not compared', async () => {
  const recorded = await turnWith([command('echo new > a.txt', 'in_worker_thread')])
  expect(operationsOf(recorded)).toEqual([])
  const [ended] = endsOf(recorded)
  expect(ended).toMatchObject({ 'turnlog.process.not_compared_reason': 'worker_thread' })
  expect(ended).not.toHaveProperty('turnlog.process.files_changed')
})

test('at the limits the record says what was left out', async () => {
  const recorded = await turnWith(
    [command('for i in 1 2 3 4 5 6 7 8; do echo $i > new$i.txt; done')],
    {
      files: { 'a.txt': 'a\n' },
      env: { TELEMETRY_PROCESS_CHANGES_MAX: '3' },
    },
  )
  expect(operationsOf(recorded)).toHaveLength(3)
  expect(endsOf(recorded)).toMatchObject([
    {
      'turnlog.process.files_changed': 3,
      'turnlog.process.files_not_compared': 5,
      'turnlog.process.not_compared': '{"changes_limit":5}',
      'turnlog.process.partial': true,
    },
  ])
})

test('a git checkout, an apply of a patch and a stash are the files that they changed', async () => {
  const recorded = await turnWith(
    [
      command('git checkout -q other', 'exec', 'g'),
      command('git apply change.patch', 'exec_file', 'p'),
      command('git stash -q', 'spawn', 's'),
    ],
    {
      env: waitsForLooks,
      files: {
        'a.txt': 'one\n',
        'only-main.txt': 'main\n',
        'change.patch':
          '--- a/a.txt\n+++ b/a.txt\n@@ -1 +1 @@\n-other\n+patched\n--- /dev/null\n+++ b/new.txt\n@@ -0,0 +1 @@\n+new\n',
      },
      prepare(folder) {
        git(folder, 'init -q -b main')
        git(folder, 'add a.txt only-main.txt')
        git(folder, 'commit -q -m main')
        git(folder, 'checkout -q -b other')
        fs.writeFileSync(path.join(folder, 'a.txt'), 'other\n')
        git(folder, 'rm -q only-main.txt')
        git(folder, 'commit -q -a -m other')
        git(folder, 'checkout -q main')
      },
    },
  )
  expect(operationsOf(recorded)).toEqual([
    'file.create new.txt exec_file',
    'file.delete only-main.txt exec',
    'file.edit a.txt exec',
    'file.edit a.txt exec_file',
    'file.edit a.txt spawn',
  ])
})

test('of a child whose app is killed the record says that it ran, and the next app removes the copies', async () => {
  await using chat = await startChat({
    program: 'shell-host.ts',
    files: { 'a.txt': 'a\n' },
    answer: asks([command('echo x > made.txt; exec sleep 60')]),
  })
  const { folder, spool } = chat.workspace
  await copied(spool, ['a\n'])
  const answered = chat.post('go').catch(() => undefined)
  await expect.poll(() => fs.existsSync(path.join(folder, 'made.txt'))).toBe(true)
  await processesStarted(spool, 1)
  chat.host.child.kill('SIGKILL')
  await answered
  await chat.host.ended()
  expect(copiesIn(spool)).not.toEqual([])
  await using next = startProgram('shell-host.ts', { cwd: folder, spool })
  await next.line('port')
  // Those of the next app itself.
  await expect.poll(() => foldersWithCopies(spool), { timeout: 15_000 }).toBe(1)
  await next.stop()
  const { logs } = readRecorded(spool)
  expect(
    logs.map(({ event }) => event).filter((event) => event.startsWith('turnlog.process')),
  ).toEqual(['turnlog.process.started'])
})

test('Revert undoes what a command created, edited, deleted and moved', async () => {
  const files = { 'a.txt': 'one\n', 'gone.txt': 'gone\n', 'old.txt': 'moved\n' }
  await using chat = await startChat({
    program: 'shell-host.ts',
    files,
    answer: asks([command('echo two > a.txt; rm gone.txt; mv old.txt new.txt; echo x > made.txt')]),
  })
  const { folder, spool } = chat.workspace
  await copied(spool, Object.values(files))
  await chat.post('go')
  await processesEnded(spool, 1)
  const store = new ChangeStore({ directory: path.join(spool, 'changes') })
  const recent = () => store.recent({ limit: 10 })
  await expect.poll(() => recent().length, { timeout: 15_000 }).toBe(4)
  for (const stored of recent()) {
    const decided = await decideChange({
      stored,
      type: 'revert',
      source: 'user',
      reason: undefined,
      store,
      fileSystem: originalFs,
      now: Date.now,
      emit: () => undefined,
    })
    expect(decided.status).toBe('decided')
  }
  const left = Object.keys(files).map((name) => [
    name,
    fs.readFileSync(path.join(folder, name), 'utf8'),
  ])
  expect(Object.fromEntries(left)).toEqual(files)
  expect(new Set(fs.readdirSync(folder))).toEqual(new Set(Object.keys(files)))
})

/** Recorders that have copies of the workspace. */
function foldersWithCopies(spool: string): number {
  const recorders = fs.globSync('*/*/workspace', { cwd: spool })
  return recorders.length
}

function git(folder: string, args: string): void {
  execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@t', ...args.split(' ')], {
    cwd: folder,
  })
}
