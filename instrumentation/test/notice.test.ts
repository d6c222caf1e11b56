/**
 * The one line on standard error: printed only if there is something to record and nothing can be, or a setting cannot mean
 * what was meant; once for a process, its threads and its children. Otherwise an app prints what it prints without the preload.
 */
import { execFileSync } from 'node:child_process'
import * as fs from 'node:fs'
import * as path from 'node:path'
import { expect, test } from 'vitest'
import { type Outcome, runProgram } from './support/observed-program.ts'
import { makeWorkspace, type Workspace } from './support/workspace.ts'

const register = new URL('../src/register.js', import.meta.url).href

type Environment = Readonly<Record<string, string>>

interface Run {
  readonly program?: string
  readonly env?: Environment
  readonly node?: string
  readonly prepare?: (workspace: Workspace) => void
}

/** The lines that the app prints on standard error beyond those of a run without the preload. The rest must be equal. */
async function noticesOf({ program = 'prints.cjs', env = {}, node, prepare }: Run) {
  using bare = makeWorkspace()
  using workspace = makeWorkspace()
  prepare?.(workspace)
  const { NODE_OPTIONS: _, ...ownEnv } = env
  const without = await runProgram(program, { cwd: bare.folder, node, env: ownEnv })
  const observed = await runProgram(program, {
    cwd: workspace.folder,
    spool: workspace.spool,
    env,
    node,
  })
  const plain = ({ stdout, code, signal }: Outcome) => ({ stdout, code, signal })
  expect(plain(observed)).toEqual(plain(without))
  expect(without).toMatchObject({ stderr: expect.stringContaining('complains'), code: 0 })
  const lines = observed.stderr.split('\n')
  const printed = lines.filter((line) => line.startsWith('turnlog: '))
  const rest = lines.filter((line) => !line.startsWith('turnlog: ')).join('\n')
  expect(rest).toBe(without.stderr)
  return printed.map((line) => line.replaceAll(workspace.root, '<root>'))
}

const hides = '(TELEMETRY_QUIET=1 hides this line.)'
const spoolIsFile = ({ spool }: Workspace): void => fs.writeFileSync(spool, 'a file')
const unusable = `turnlog: Nothing is recorded: '<root>/spool' cannot be written (ENOTDIR). Name another folder in TELEMETRY_SPOOL_DIRECTORY. ${hides}`

test.for(['prints.cjs', 'starts-others.mjs'])('%s prints nothing but its own', async (program) => {
  expect(await noticesOf({ program })).toEqual([])
})

test.for(['prints.cjs', 'starts-others.mjs'])(
  'a spool that is a file is one line of %s, its threads, forks and children',
  async (program) => {
    expect(await noticesOf({ program, prepare: spoolIsFile })).toEqual([unusable])
  },
)

test('a child with the preload in NODE_OPTIONS does not repeat it, whatever is between', async () => {
  const env = { NODE_OPTIONS: `--import ${register}` }
  const program = 'starts-others.mjs'
  expect(await noticesOf({ program, env })).toEqual([])
  expect(await noticesOf({ program, env, prepare: spoolIsFile })).toEqual([unusable])
})

test.for<[string, string]>([
  ['TELEMETRY_ENDPOINT', 'localhost:4320'],
  ['TELEMETRY_ENDPOINT', 'http://'],
  ['TELEMETRY_ENDPOINT', 'https://me:secret@host'],
  ['TELEMETRY_RECEIVER', 'receiver'],
  ['TELEMETRY_EXPORTER', 'console'],
  ['TELEMETRY_INLINE_BYTES_MAX', '128k'],
  ['TELEMETRY_KEPT_DAYS_MAX', '-1'],
  ['TELEMETRY_ENABLED', 'perhaps'],
  ['TELEMETRY_QUIET', 'maybe'],
  ['TELEMETRY_ENDPONT', 'http://127.0.0.1:9'],
])('%s=%s is one line', async ([name, value]) => {
  const [line, ...others] = await noticesOf({ env: { [name]: value } })
  expect(others).toEqual([])
  expect(line).toContain(`turnlog: ${name}`)
  expect(line?.endsWith(`Correct or unset what is wrong. ${hides}`)).toBe(true)
  expect(line).not.toContain('secret')
})

test('a value that would steer a terminal, or fill it, does neither', async () => {
  const escapeSign = String.fromCharCode(27)
  const env = { TELEMETRY_PROCESS_FILES_MAX: `1${escapeSign}[31m\n${'x'.repeat(2_000)}` }
  const [line = '', ...others] = await noticesOf({ env })
  expect(others).toEqual([])
  expect(line).toContain("got '1 [31m xxx")
  expect(line).not.toContain(escapeSign)
  expect(line.length).toBeLessThan(400)
})

test('several faults are one line', async () => {
  const env = { TELEMETRY_RECIEVER: 'http://host', TELEMETRY_KEPT_DAYS_MAX: 'a week' }
  expect(await noticesOf({ env })).toEqual([
    `turnlog: TELEMETRY_KEPT_DAYS_MAX: expected a whole number from 0 to 365, got 'a week'. 7 is used. TELEMETRY_RECIEVER is no setting, TELEMETRY_RECEIVER is. Correct or unset what is wrong. ${hides}`,
  ])
  // The spool is needed later, by the first record.
  expect(await noticesOf({ env, prepare: spoolIsFile })).toHaveLength(1)
})

test.for<[string, Environment]>([
  ['TELEMETRY_QUIET=1', { TELEMETRY_QUIET: '1' }],
  ['TELEMETRY_ENABLED=0', { TELEMETRY_ENABLED: '0' }],
  ['OTEL_SDK_DISABLED=true', { OTEL_SDK_DISABLED: 'true' }],
])('with %s there is none', async ([, env]) => {
  const faults = { TELEMETRY_ENDPOINT: 'nowhere', ...env }
  expect(await noticesOf({ env: faults, prepare: spoolIsFile })).toEqual([])
})

test('settings of others, and a receiver that is away, are none', async () => {
  const env = {
    TELEMETRY_DISABLED: '1',
    TELEMETRY_TIER: 'x',
    NEXT_TELEMETRY_ENDPOINT: 'x',
    TELEMETRY_ENDPOINT: 'http://127.0.0.1:9',
  }
  expect(await noticesOf({ env })).toEqual([])
})

test('a package that is not there is one line', async () => {
  using workspace = makeWorkspace()
  const from = new URL('../src/', import.meta.url)
  const preload = `${workspace.root}/src/register.js`
  fs.mkdirSync(`${workspace.root}/src`)
  for (const name of ['register.js', 'notice.js', 'config.ts']) {
    fs.copyFileSync(new URL(name, from), `${workspace.root}/src/${name}`)
  }
  const { stderr, stdout, code } = await runProgram('prints.cjs', {
    cwd: workspace.folder,
    spool: workspace.spool,
    preload: new URL(`file://${preload}`).href,
  })
  expect([stdout, code]).toEqual(['prints\n', 0])
  const [line, ...others] = stderr.split('\n')
  expect(others).toEqual(['complains', ''])
  expect(line).toMatch(
    /^turnlog: Nothing is recorded: it could not start \(Cannot find .*\)\. Install .*hides this line\.\)$/,
  )
})

const oldNode = findOldNode()

/** A Node on the machine that cannot run this package. */
function findOldNode(): string | undefined {
  return (process.env.PATH ?? '')
    .split(':')
    .map((folder) => `${folder}/node`)
    .find((program) => {
      if (!fs.existsSync(program)) return false
      const [major = 0] = execFileSync(program, ['-p', 'process.versions.node'], {
        encoding: 'utf8',
      })
        .split('.')
        .map(Number)
      return major >= 20 && major < 22
    })
}

const withOldNode = test.skipIf(oldNode === undefined)

withOldNode.for<[string, Environment]>([
  ['asks-model.cjs', { CLIENT: 'fetch' }],
  ['asks-model.cjs', { CLIENT: 'http' }],
  ['serves-once.cjs', {}],
])(
  'on a Node that is too old, %s prints one line, its children none',
  async ([program, settings]) => {
    const node = oldNode ?? ''
    const inherited = { NODE_OPTIONS: `--import ${register}`, ...settings }
    const [line, ...others] = await noticesOf({ program, node, env: inherited })
    expect(others).toEqual([])
    expect(line).toMatch(
      /^turnlog: Nothing is recorded: Node 2\d\.\d+\.\d+ is older than 22\.18\. Run the app with a newer Node\. /,
    )
    for (const env of [{ TELEMETRY_ENABLED: 'off' }, { TELEMETRY_QUIET: 'yes' }]) {
      expect(await noticesOf({ program, node, env: { ...inherited, ...env } })).toEqual([])
    }
  },
)

withOldNode.for(['prints.cjs', 'starts-others.mjs'])(
  'on a Node that is too old, %s has nothing to record, and prints nothing but its own',
  async (program) => {
    expect(await noticesOf({ program, node: oldNode ?? '' })).toEqual([])
  },
)

const npm = findNpm()

/** The program of npm that is installed with a Node of the machine. */
function findNpm(): string | undefined {
  return (process.env.PATH ?? '')
    .split(':')
    .flatMap((folder) => [`${folder}/npm`, `${folder}/../lib/node_modules/npm/bin/npm-cli.js`])
    .find((program) => fs.existsSync(program) && fs.realpathSync(program).endsWith('npm-cli.js'))
}

test.skipIf(npm === undefined).for<[string, string | undefined, Environment]>([
  ['a Node that is too old', oldNode, {}],
  ['a wrong setting', process.execPath, { TELEMETRY_ENDPOINT: 'nowhere' }],
])('with %s npm prints nothing, and the app that it runs one line', async ([, node, faults]) => {
  if (node === undefined) return
  using workspace = makeWorkspace({
    'package.json': JSON.stringify({ scripts: { app: 'node serves-once.cjs' } }),
    'serves-once.cjs': fs.readFileSync(
      new URL('programs/serves-once.cjs', import.meta.url),
      'utf8',
    ),
  })
  const env = {
    PATH: `${path.dirname(node)}:${process.env.PATH}`,
    NODE_OPTIONS: `--import ${register}`,
    npm_config_update_notifier: 'false',
    ...faults,
  }
  const run = (...args: string[]) =>
    runProgram(npm ?? '', { cwd: workspace.folder, spool: workspace.spool, node, env, args })
  expect(await run('--version')).toMatchObject({ code: 0, stderr: '' })
  const { stderr, code } = await run('run', 'app')
  expect([code, stderr.match(/turnlog: /g)?.length]).toEqual([0, 1])
})
