/**
 * The law of the package: an app behaves with the preload as without it. Each program of `programs/differential` is run
 * both ways; what it prints, how it ends and what it leaves on disk must be the same to the byte. Two things are set
 * aside: what differs from run to run (ports, process ids), and the lines of stack traces, where a frame of ours may
 * stand in the middle of the host's own.
 */
import { once } from 'node:events'
import * as fs from 'node:fs'
import * as http from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { type Outcome, runProgram } from '../support/observed-program.ts'
import { readRecorded } from '../support/recorded.ts'
import { makeWorkspace, type Workspace } from '../support/workspace.ts'

const folder = new URL('../programs/differential/', import.meta.url)
const programs = fs.readdirSync(folder).filter((name) => name !== 'in-turn.ts')

test.for(programs)('%s behaves the same with the preload', async (program) => {
  const [bare, observed] = await Promise.all([
    bareBehaviour(program),
    behaviour(program, { isObserved: true }),
  ])
  expect(observed).toEqual(bare)
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

test('the programs do run observed', async () => {
  using workspace = makeWorkspace()
  await runProgram('differential/files.ts', { cwd: workspace.folder, spool: workspace.spool })
  const { spans } = readRecorded(workspace.spool)
  expect(spans.filter(({ name }) => name.startsWith('file.')).length).toBeGreaterThan(50)
})

const programsAlive = ['fastify.ts', 'requests.ts', 'files.ts']

test.for(programsAlive)('%s is not bothered by a spool that cannot be', async (program) => {
  const [bare, observed] = await Promise.all([
    bareBehaviour(program),
    behaviour(program, { isObserved: true, isSpoolImpossible: true }),
  ])
  expect(observed).toEqual(bare)
})

test.for(programsAlive)('%s is not bothered by a receiver that is down', async (program) => {
  const [bare, observed] = await Promise.all([
    bareBehaviour(program),
    behaviour(program, { isObserved: true, env: { TELEMETRY_ENDPOINT: 'http://127.0.0.1:9' } }),
  ])
  expect(observed).toEqual(bare)
})

test.for(programsAlive)('%s is not bothered by a receiver that refuses', async (program) => {
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
      behaviour(program, { isObserved: true, env }),
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
    behaviour('exits.ts', { env }),
    behaviour('exits.ts', { isObserved: true, env }),
  ])
  expect(observed).toEqual(bare)
})

interface Run {
  readonly isObserved?: boolean
  readonly isSpoolImpossible?: boolean
  readonly env?: Readonly<Record<string, string>>
}

type Behaviour = ReturnType<typeof comparable> & { readonly files: readonly string[] }
const bareOnes = new Map<string, Promise<Behaviour>>()

/** Without the preload, once for each program. */
function bareBehaviour(program: string): Promise<Behaviour> {
  const known = bareOnes.get(program) ?? behaviour(program, {})
  bareOnes.set(program, known)
  return known
}

async function behaviour(program: string, run: Run): Promise<Behaviour> {
  using workspace = makeWorkspace()
  if (run.isSpoolImpossible === true) fs.writeFileSync(workspace.spool, 'a file, not a folder')
  const outcome = await runProgram(`differential/${program}`, {
    cwd: workspace.folder,
    spool: run.isObserved === true ? workspace.spool : undefined,
    env: run.env,
  })
  return { ...comparable(outcome, workspace), files: workspace.files() }
}

function comparable({ stdout, stderr, code, signal }: Outcome, { root }: Workspace) {
  const clean = (text: string): string =>
    text
      .replaceAll(root, '<root>')
      .replaceAll(/127\.0\.0\.1:\d+/g, '<address>')
      .replaceAll(/\(node:\d+\)/g, '(node:<pid>)')
      .replaceAll(/^\s+at .*\n/gm, '')
  return { stdout: clean(stdout), stderr: clean(stderr), code, signal }
}
