/** Runs an app without and with the preload, and compares: first the two runs, then the records with the scenario. */

import { once } from 'node:events'
import * as http from 'node:http'
import * as path from 'node:path'
import { ChangeStore } from '../../src/changes/store.ts'
import { startProgram } from '../support/observed-program.ts'
import { readRecorded } from '../support/recorded.ts'
import { makeWorkspace, type Workspace } from '../support/workspace.ts'
import { failureFaultsOf } from './compare-failures.ts'
import { type Aspect, faultsOf } from './compare-records.ts'
import { folderOf, install, programFile } from './install.ts'
import { loaders, type Run } from './packages.ts'
import { scenario } from './scenario.ts'
import { startModelServer } from './server/server.ts'
import { scriptOf } from './situations.ts'

/** A run of an app takes about two seconds. */
const runMsMax = 60_000

export interface RunNode {
  /** The Node program; default: the one that runs the test. */
  readonly node?: string
  /** The preload; default: the unbuilt one. */
  readonly preload?: string
}

export interface AppOutcome {
  /** By aspect, the first thing that is not as it must be. Empty: the run is whole. */
  readonly notWhole: Readonly<Partial<Record<Aspect, string>>>
  /** What this app does not have. */
  readonly missing: readonly Aspect[]
}

export async function runApp(run: Run, options: RunNode = {}): Promise<AppOutcome> {
  await install(run.entry)
  using bareWorkspace = makeWorkspace()
  using workspace = makeWorkspace()
  const bare = await behaviour(run, bareWorkspace, options, undefined)
  if (run.situation === 'tool' && bare.answer !== expectedAnswer) {
    const host = `the app does not work without the preload: ${bare.answer} ${bare.stderr}`
    return { notWhole: { host }, missing: [] }
  }
  const observed = await behaviour(run, workspace, options, workspace.spool)
  const host = differenceOf(bare, observed)
  const store = new ChangeStore({ directory: path.join(workspace.spool, 'changes') })
  const recorded = readRecorded(workspace.spool, store)
  const missing: readonly Aspect[] = observed.withoutUsage === '0' ? [] : ['tokens']
  const faults = {
    ...(host === undefined ? {} : { host }),
    ...(run.situation === 'tool'
      ? faultsOf(recorded, store, run.entry.tracing)
      : failureFaultsOf(recorded, run)),
  }
  const notWhole = Object.entries(faults).filter(([aspect]) => !missing.includes(aspect as Aspect))
  return { notWhole: Object.fromEntries(notWhole), missing }
}

const expectedAnswer = JSON.stringify({ answer: scenario.answer })

interface Behaviour {
  readonly stdout: string
  readonly stderr: string
  readonly exit: string
  readonly status: string
  readonly headers: string
  readonly answer: string
  readonly files: string
  /** Those that reached the model server. */
  readonly requests: string
  /** How many of their answers had no token counts. */
  readonly withoutUsage: string
}

export async function behaviour(
  { entry, loader, mode, situation }: Run,
  workspace: Workspace,
  options: RunNode,
  spool: string | undefined,
): Promise<Behaviour> {
  await using api = await startModelServer(scriptOf(situation))
  await using program = startProgram(path.join(folderOf(entry), programFile), {
    ...options,
    cwd: workspace.folder,
    spool,
    env: {
      APP: entry.app,
      FOLDER: folderOf(entry),
      LOADER: loaders[loader],
      API: api.url,
      HTTP2_API: api.http2Url,
      STREAMED: mode === 'stream' ? '1' : '0',
      SITUATION: situation,
      // What traces an app is loaded before its first request.
      ...(entry.tracing === undefined ? {} : { FIRST: Object.keys(entry.packages).join(' ') }),
    },
  })
  // Now nobody listens at its address.
  if (situation === 'no connection') await api[Symbol.asyncDispose]()
  const timer = setTimeout(() => program.child.kill('SIGKILL'), runMsMax)
  try {
    const port = await program.line('port')
    if (situation === 'abort') void api.isEndless.then(() => stop(port))
    const { status, headers, answer } = await post(port)
    const { stdout, stderr, code, signal } = await program.ended()
    return {
      stdout: stdout.replace(/^port \d+$/m, 'port'),
      stderr: withoutPorts(stderr, api.url),
      exit: String(code ?? signal),
      status: String(status),
      headers: JSON.stringify(headers),
      answer,
      files: workspace.files().join('\n'),
      requests: api.requests.join(', '),
      withoutUsage: String(api.without.usage),
    }
  } finally {
    clearTimeout(timer)
  }
}

/** An error that is printed whole has its process, the address of its request and its socket. */
function withoutPorts(stderr: string, url: string): string {
  return stderr
    .replaceAll(/\(node:\d+\)/g, '(node)')
    .replaceAll(url, 'http://model')
    .replaceAll(/\b(localPort|remotePort|port): \d+|(?<=127\.0\.0\.1:)\d+/g, '$1')
}

/** The user stops the model. */
async function stop(port: string): Promise<void> {
  const request = http.request({ host: '127.0.0.1', port, path: '/stop', agent: false })
  request.end()
  const [response]: [http.IncomingMessage] = (await once(request, 'response')) as never
  response.resume()
}

/** One turn. The client keeps no connection, so that the app can end. */
export async function post(port: string) {
  const request = http.request({
    host: '127.0.0.1',
    port,
    path: '/chat',
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    agent: false,
  })
  request.end(JSON.stringify({ message: scenario.prompt }))
  const [response]: [http.IncomingMessage] = (await once(request, 'response')) as never
  const { date: _, ...headers } = response.headers
  let answer = ''
  for await (const piece of response.setEncoding('utf8')) answer += piece
  return { status: response.statusCode, headers, answer }
}

function differenceOf(bare: Behaviour, observed: Behaviour): string | undefined {
  for (const name of Object.keys(bare) as (keyof Behaviour)[]) {
    if (bare[name] === observed[name]) continue
    return `${name}: ${JSON.stringify(observed[name])} instead of ${JSON.stringify(bare[name])}`
  }
  return undefined
}
