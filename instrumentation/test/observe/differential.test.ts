/**
 * The law of the package: an app behaves with the preload as without it. Each program of `programs/differential` runs
 * both ways; its output, its exit and the files it leaves must be equal to the byte. Two things are not compared: values
 * that differ from run to run (ports, process ids), and the lines of stack traces, where a frame of ours may appear
 * between the host's.
 *
 * A preload that fails silently would change nothing, so each observed run also has to leave records: a session start
 * of that very process, and the records that `expectedRecords` names. Runs with a broken preload show that this
 * check fails when it should, and that nothing stays patched.
 */
import { once } from 'node:events'
import * as fs from 'node:fs'
import * as http from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { type FinishedProgram, runProgram } from '../support/observed-program.ts'
import { readRecorded } from '../support/recorded.ts'
import { makeWorkspace, type Workspace } from '../support/workspace.ts'

const folder = new URL('../programs/differential/', import.meta.url)
const sessionStart = 'session.start'
const turn = 'invoke_agent @turnlog/instrumentation'
const uncaught = 'exception uncaught_exception'
const rejected = 'exception unhandled_rejection'

/**
 * The records that each program leaves beside its session start: names of spans, or events with their origin. What a main
 * module throws, Node reports as a rejection.
 */
const expectedRecords: Readonly<Record<string, readonly string[]>> = {
  'children.ts': [],
  'exits-at-once.ts': [],
  'exits-hard.ts': [],
  'exits.ts': [],
  'fails-to-write-later.ts': [rejected],
  'fails-to-write.ts': [rejected],
  'fastify.ts': [turn, 'chat m', 'exception framework'],
  'files.ts': [turn, 'chat m', 'file.create', 'file.edit', 'file.write', 'file.delete'],
  'handles-errors.ts': [turn, 'chat m', uncaught, rejected],
  'http-server.ts': [turn, 'chat m'],
  'kills-itself.ts': [],
  'own-telemetry.ts': [turn, 'chat m'],
  'rejects-value.ts': [rejected],
  'rejects.ts': [rejected],
  'requests.ts': [turn, 'anthropic.messages.create', 'chat plain', 'chat broken', 'chat gzip'],
  'sdk-with-own-telemetry.ts': [turn, 'chat m'],
  'threads.ts': [turn, 'chat m'],
  'throws-in-handler.ts': [uncaught],
  'throws-in-listener.ts': [uncaught],
  'throws-in-request.ts': [uncaught],
  'throws.cjs': [rejected],
  'throws.ts': [rejected],
  'websocket.ts': [rejected],
}
const programs = fs.readdirSync(folder).filter((name) => name !== 'in-turn.ts')

test.for(programs)('%s behaves the same with the preload, and is recorded', async (program) => {
  const [bare, observed] = await Promise.all([bareBehaviour(program), observedBehaviour(program)])
  expect(observed).toEqual(bare)
})

test('files.ts leaves more than fifty file operations', async () => {
  using workspace = makeWorkspace()
  await runProgram('differential/files.ts', { cwd: workspace.folder, spool: workspace.spool })
  const { spans } = readRecorded(workspace.spool)
  expect(spans.filter(({ name }) => name.startsWith('file.')).length).toBeGreaterThan(50)
})

const breaksPreload = new URL('../programs/breaks-preload.ts', import.meta.url).href

// Two make the preload's start throw before it records the session: where its handle is published, after all observers,
// and in the middle of the observers. The host has to have its own functions back then.
test.for([
  ['is switched off', { TELEMETRY_ENABLED: '0' }],
  ['throws at its handle', { NODE_OPTIONS: `--import ${breaksPreload}?at=handle` }],
  ['throws at an observer', { NODE_OPTIONS: `--import ${breaksPreload}?at=observer` }],
] as const)('a preload that %s is noticed', async ([how, env]) => {
  using workspace = makeWorkspace()
  const outcome = await run('throws.ts', workspace, { isObserved: true, env })
  expect(outcome.stderr).toContain('thrown at the top')
  expect(missingRecords('throws.ts', outcome, workspace)).toContain(sessionStart)
  if (how !== 'is switched off') {
    expect(outcome.stdout).toMatch(/^left replaced: \[\]$/m)
    expect(outcome.stdout).toMatch(/^was replaced: \[.*writeFileSync.*\]$/m)
  }
})

test('what an uncaught error prints names no file of ours', async () => {
  using workspace = makeWorkspace()
  const { stderr } = await runProgram('differential/throws-in-handler.ts', {
    cwd: workspace.folder,
    spool: workspace.spool,
  })
  expect(stderr).toContain('thrown after the body')
  expect(stderr).not.toContain('instrumentation/src/')
})

test('what an app prints of a refused file names no file of ours', async () => {
  using workspace = makeWorkspace()
  const { stdout } = await runProgram('prints-refusals.ts', {
    cwd: workspace.folder,
    spool: workspace.spool,
  })
  expect(stdout.match(/code: '\w+'/g)).toEqual([
    "code: 'ENOENT'",
    "code: 'ENOENT'",
    "code: 'ERR_INVALID_ARG_TYPE'",
    "code: 'ERR_INVALID_ARG_VALUE'",
  ])
  expect(stdout).not.toContain('instrumentation/src/')
})

const programsAlive = ['fastify.ts', 'requests.ts', 'files.ts']

test.for(programsAlive)('%s behaves the same with a spool that cannot be made', async (program) => {
  using workspace = makeWorkspace()
  fs.writeFileSync(workspace.spool, 'a file, not a folder')
  // Nothing is recorded, so this run proves by the preload's handle that it was observed.
  const proof = `import{writeFileSync as w}from'fs';process.on('exit',()=>Symbol.for('turnlog.instrumentation')in globalThis&&w('${workspace.root}/observed',''))`
  const env = {
    NODE_OPTIONS: `--import "data:text/javascript,${proof}"`,
    TELEMETRY_QUIET: '1',
  }
  const [bare, observed] = await Promise.all([
    bareBehaviour(program),
    behaviour(program, workspace, { isObserved: true, env }),
  ])
  expect(observed).toEqual(bare)
  expect(fs.existsSync(`${workspace.root}/observed`)).toBe(true)
})

test.for(programsAlive)('%s behaves the same with a receiver that is down', async (program) => {
  const [bare, observed] = await Promise.all([
    bareBehaviour(program),
    observedBehaviour(program, { TELEMETRY_ENDPOINT: 'http://127.0.0.1:9' }),
  ])
  expect(observed).toEqual(bare)
})

test.for(programsAlive)('%s behaves the same with a receiver that refuses', async (program) => {
  const receiver = http.createServer((request, response) => {
    request.resume().on('end', () => response.writeHead(401).end())
  })
  receiver.listen(0, '127.0.0.1')
  await once(receiver, 'listening')
  const { port } = receiver.address() as AddressInfo
  try {
    const env = { TELEMETRY_ENDPOINT: `http://127.0.0.1:${port}`, TELEMETRY_TOKEN: 'wrong' }
    const [bare, observed] = await Promise.all([
      bareBehaviour(program),
      observedBehaviour(program, env),
    ])
    expect(observed).toEqual(bare)
  } finally {
    receiver.closeAllConnections()
    receiver.close()
  }
})

test('OTEL_ settings of the host neither print nor change anything', async () => {
  const env = { OTEL_LOG_LEVEL: 'verbose', OTEL_TRACES_SAMPLER: 'always_off' }
  const [bare, observed] = await Promise.all([
    bareBehaviour('exits.ts', env),
    observedBehaviour('exits.ts', env),
  ])
  expect(observed).toEqual(bare)
})

type Environment = Readonly<Record<string, string>>

interface Run {
  readonly isObserved: boolean
  readonly env?: Environment | undefined
}

type Behaviour = ReturnType<typeof comparable> & { readonly files: readonly string[] }
const bareOnes = new Map<string, Promise<Behaviour>>()

/** Without the preload, once for each program and environment. */
function bareBehaviour(program: string, env: Environment = {}): Promise<Behaviour> {
  const key = JSON.stringify([program, env])
  const known = bareOnes.get(key) ?? bareRun(program, env)
  bareOnes.set(key, known)
  return known
}

async function bareRun(program: string, env: Environment): Promise<Behaviour> {
  using workspace = makeWorkspace()
  return await behaviour(program, workspace, { isObserved: false, env })
}

/** With the preload; the run has to leave its records. */
async function observedBehaviour(program: string, env?: Environment): Promise<Behaviour> {
  using workspace = makeWorkspace()
  const outcome = await run(program, workspace, { isObserved: true, env })
  const files = workspace.files()
  expect(missingRecords(program, outcome, workspace)).toEqual([])
  return { ...comparable(outcome, workspace), files }
}

async function behaviour(program: string, workspace: Workspace, how: Run): Promise<Behaviour> {
  const outcome = await run(program, workspace, how)
  return { ...comparable(outcome, workspace), files: workspace.files() }
}

function run(
  program: string,
  workspace: Workspace,
  { isObserved, env }: Run,
): Promise<FinishedProgram> {
  return runProgram(`differential/${program}`, {
    cwd: workspace.folder,
    spool: isObserved ? workspace.spool : undefined,
    env,
  })
}

/** The records that the run should have left and has not. */
function missingRecords(program: string, { pid }: FinishedProgram, { spool }: Workspace): string[] {
  const { spans, logs } = readRecorded(spool)
  const found = new Set(spans.map(({ name }) => name))
  for (const { event, attributes, pid: recordedBy } of logs) {
    if (recordedBy !== pid) continue
    found.add([event, attributes['turnlog.error.origin'] ?? []].flat().join(' '))
  }
  const own = expectedRecords[program] ?? ['a line in expectedRecords']
  // Without anything to record there is no session.
  const expected = own.length === 0 ? [] : [sessionStart, ...own]
  return expected.filter((name) => !found.has(name))
}

function comparable({ stdout, stderr, code, signal }: FinishedProgram, { root }: Workspace) {
  const clean = (text: string): string =>
    text
      .replaceAll(root, '<root>')
      .replaceAll(/127\.0\.0\.1:\d+/g, '<address>')
      .replaceAll(/\(node:\d+\)/g, '(node:<pid>)')
      .replaceAll(/^\s+at .*\n/gm, '')
  return { stdout: clean(stdout), stderr: clean(stderr), code, signal }
}
