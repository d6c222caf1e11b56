/** Runs a command-line agent without and with the preload, and compares: first the two runs, then the records with the script. */
import { execFile } from 'node:child_process'
import * as path from 'node:path'
import { defined } from '@turnlog/conventions/plain'
import { ChangeStore } from '../../src/changes/store.ts'
import { install } from '../packages/install.ts'
import { startModelServer } from '../packages/server/server.ts'
import { readRecorded } from '../support/recorded.ts'
import { makeWorkspace, type Workspace } from '../support/workspace.ts'
import type { CommandLineAgent } from './agents.ts'
import { type AgentAspect, faultsOf } from './compare-agent.ts'
import { runSession } from './run-session.ts'
import { script, scriptedReply } from './script.ts'
import { commandOf, packagesOf, preloadOf } from './start-agent.ts'

/** Agents take between two and twenty seconds. */
const runMsMax = 120_000

export interface AgentOutcome {
  /** By aspect, the first thing that is not as it must be. Empty: the run is whole. */
  readonly notWhole: Readonly<Partial<Record<AgentAspect, string>>>
  /** What this agent does not have. */
  readonly missing: readonly AgentAspect[]
}

export async function runAgent(agent: CommandLineAgent): Promise<AgentOutcome> {
  await install(packagesOf(agent))
  using bareWorkspace = makeWorkspace()
  using workspace = makeWorkspace()
  const bare = await behaviour(agent, bareWorkspace, {})
  if (bare.exit !== '0' || !bare.stdout.includes(script.answer)) {
    const host = `the agent does not work without the preload: ${JSON.stringify(bare)}`
    return { notWhole: { host }, missing: [] }
  }
  const observed = await behaviour(agent, workspace, preloadOf(workspace))
  const host = differenceOf(bare, observed)
  const store = new ChangeStore({ directory: path.join(workspace.spool, 'changes') })
  const recorded = readRecorded(workspace.spool, store)
  const missing: readonly AgentAspect[] = [
    ...(observed.withoutUsage === 0 ? [] : ['tokens' as const]),
    ...(agent.session === undefined ? ['session' as const] : []),
  ]
  const expected = { calls: observed.answers, others: agent.ownTexts ?? [] }
  const ofRecords = faultsOf(recorded, store, expected)
  const session = agent.session && (await runSession(agent, agent.session))
  const faults = { ...defined({ host, session }), ...ofRecords }
  const notWhole = Object.entries(faults).filter(
    ([aspect]) => !missing.includes(aspect as AgentAspect),
  )
  return { notWhole: Object.fromEntries(notWhole), missing }
}

interface Behaviour {
  readonly stdout: string
  readonly stderr: string
  readonly exit: string
  readonly files: string
  readonly requests: string
  readonly answers: number
  readonly withoutUsage: number
}

async function behaviour(
  agent: CommandLineAgent,
  workspace: Workspace,
  preload: Readonly<Record<string, string>>,
): Promise<Behaviour> {
  await using api = await startModelServer(scriptedReply(workspace.folder))
  const [prompt] = script.prompts
  const { args, env } = commandOf(agent, { api: api.url, prompt, workspace })
  const { stdout, stderr, exit } = await run(args, {
    cwd: workspace.folder,
    env: { ...env, ...preload },
  })
  const plain = (text: string): string => withoutChance(text, workspace, agent)
  return {
    stdout: plain(stdout),
    stderr: plain(stderr),
    exit,
    files: workspace.files().join('\n'),
    requests: api.requests.join(', '),
    answers: api.answers.count,
    withoutUsage: api.without.usage,
  }
}

function run(args: readonly string[], { cwd, env }: { cwd: string; env: NodeJS.ProcessEnv }) {
  return new Promise<{ stdout: string; stderr: string; exit: string }>((resolve) => {
    const options = { cwd, env, timeout: runMsMax, killSignal: 'SIGKILL' } as const
    const child = execFile(process.execPath, args, options, (error, stdout, stderr) => {
      resolve({ stdout, stderr, exit: String(error?.signal ?? error?.code ?? 0) })
    })
    child.stdin?.end()
  })
}

/** What differs from run to run: the temporary folder, process ids, times, and what the agent says only sometimes. */
function withoutChance(text: string, { root }: Workspace, { chance }: CommandLineAgent): string {
  return text
    .replaceAll(chance ?? /$^/g, '')
    .replaceAll(root, '<root>')
    .replaceAll(/\(node:\d+\)/g, '(node)')
    .replaceAll(/\b\d+(?:\.\d+)? ?m?s\b/g, '<time>')
}

function differenceOf(bare: Behaviour, observed: Behaviour): string | undefined {
  for (const name of Object.keys(bare) as (keyof Behaviour)[]) {
    if (bare[name] === observed[name]) continue
    return `${name}: ${JSON.stringify(observed[name])} instead of ${JSON.stringify(bare[name])}`
  }
  return undefined
}
