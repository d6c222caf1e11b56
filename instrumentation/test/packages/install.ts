/** Packages from npm in the user's cache: each set in a folder of its own, so that versions do not meet. */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import * as path from 'node:path'
import { promisify } from 'node:util'
import { loaders, type PackageEntry } from './packages.ts'

export type Packages = Pick<PackageEntry, 'packages'>

const run = promisify(execFile)
const installs = new Map<string, Promise<void>>()

/** Loads a package by its name from the folder in which the file is. */
const loaderTexts = {
  [loaders.ESM]: 'export const load = (name) => import(name)\n',
  [loaders.CJS]: 'module.exports.load = async (name) => require(name)\n',
}

/** The program: what it finds of packages by its own file is what is in the folder. */
export const programFile = 'main.mjs'
const hostFile = new URL('host.ts', import.meta.url)

export function folderOf({ packages }: Packages): string {
  const base = process.env.XDG_CACHE_HOME || path.join(homedir(), '.cache')
  const specs = Object.entries(packages).map(([name, version]) => `${name}@${version}`)
  const hash = createHash('sha256').update(specs.join(' ')).digest('hex').slice(0, 8)
  const lead = (specs[0] ?? 'none').replaceAll('/', '+')
  return path.join(base, 'turnlog', 'packages', `${lead}-${hash}`)
}

export function isInstalled(entry: Packages): boolean {
  return existsSync(path.join(folderOf(entry), 'installed'))
}

/** Rejects with npm's words if they cannot be installed. Installs of one folder are made once. */
export function install(entry: Packages): Promise<void> {
  const folder = folderOf(entry)
  const promised =
    installs.get(folder) ?? (isInstalled(entry) ? Promise.resolve() : fill(folder, entry))
  const done = promised.then(() =>
    writeFileSync(path.join(folder, programFile), `import '${hostFile}'\n`),
  )
  installs.set(folder, done)
  return done
}

async function fill(folder: string, { packages }: Packages): Promise<void> {
  mkdirSync(folder, { recursive: true })
  writeFileSync(
    path.join(folder, 'package.json'),
    JSON.stringify({ private: true, dependencies: packages }),
  )
  for (const [name, text] of Object.entries(loaderTexts)) {
    writeFileSync(path.join(folder, name), text)
  }
  const flags = ['--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline']
  if (Object.keys(packages).length > 0) await run('npm', ['install', ...flags], { cwd: folder })
  writeFileSync(path.join(folder, 'installed'), '')
}
