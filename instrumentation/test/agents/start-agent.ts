/** What is needed to start a command-line agent: its files, arguments and environment. */
import { mkdirSync, realpathSync, writeFileSync } from 'node:fs'
import * as path from 'node:path'
import { bareEnvironment } from '../../../test/support/bare-environment.ts'
import { folderOf } from '../packages/install.ts'
import type { Workspace } from '../support/workspace.ts'
import type { CommandLineAgent } from './agents.ts'

const register = new URL('../../src/register.js', import.meta.url).href

/** As `install` takes it. */
export function packagesOf({ package: name, version }: CommandLineAgent) {
  return { packages: { [name]: version } }
}

/** The environment and the arguments of Node with which the agent runs. */
export function commandOf(
  agent: CommandLineAgent,
  { api, prompt, workspace }: { api: string; prompt: string; workspace: Workspace },
) {
  const home = path.join(workspace.root, 'home')
  const surroundings = { api, prompt, home }
  for (const [name, text] of Object.entries(agent.home?.(surroundings) ?? {})) {
    mkdirSync(path.join(home, path.dirname(name)), { recursive: true })
    writeFileSync(path.join(home, name), text)
  }
  const program = path.join(folderOf(packagesOf(agent)), 'node_modules/.bin', agent.command)
  const env = { ...bareEnvironment(), HOME: home, NO_COLOR: '1', ...agent.env(surroundings) }
  return { args: [realpathSync(program), ...agent.args(surroundings)], env }
}

/**
 * As a user sets it: nothing else is known of the agent. The scripted model answers at once, so that an agent may have ended before a
 * busy machine has looked at the workspace: it waits for that.
 */
export function preloadOf({ spool }: Workspace): Record<string, string> {
  return {
    NODE_OPTIONS: `--import=${register}`,
    TELEMETRY_SPOOL_DIRECTORY: spool,
    TELEMETRY_PROCESS_WAIT_MS_MAX: '10000',
  }
}
