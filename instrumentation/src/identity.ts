/** The identity of the recorder: app, user, machine, commit. Read once at the start, from small local files, without a child process. */

import { createHash } from 'node:crypto'
import * as os from 'node:os'
import * as path from 'node:path'
import { type AttributeName, type CaptureMode, schemaVersion } from '@turnlog/conventions'
import { parseObject } from '@turnlog/conventions/plain'
import { readRegularFile } from '@turnlog/conventions/regular-file'
import type { Config } from './config.ts'
import { attempt, originalFs } from './file-system.ts'

/** The largest of these files lists a repository's packed refs. */
const bytesMax = 4 * 1024 ** 2

type Attributes = { [Name in AttributeName]?: string | number }

/** The attributes that every record has. */
export function commonAttributes(sessionId: string, config: Config): Attributes {
  return {
    'session.id': sessionId,
    'user.id': config.userId,
    // Lets readers tell "not captured" from "lost".
    'turnlog.capture.mode': (config.contentBytesMax === 0
      ? 'metadata'
      : 'full') satisfies CaptureMode,
    'turnlog.schema.version': schemaVersion,
  }
}

export const distribution = { name: 'turnlog', version: '0.1.0' } as const

export function resourceAttributes(
  { sessionId, recorderId }: Readonly<Record<'sessionId' | 'recorderId', string>>,
  config: Config,
): Attributes {
  const app = findApp()
  return {
    'service.name': config.serviceName ?? app.name,
    ...(app.version === undefined ? {} : { 'service.version': app.version }),
    'service.instance.id': recorderId,
    ...commonAttributes(sessionId, config),
    ...hashedHostId(),
    'host.arch': process.arch === 'x64' ? 'amd64' : process.arch,
    'os.type': process.platform === 'win32' ? 'windows' : process.platform,
    'os.version': os.release(),
    'process.pid': process.pid,
    'process.runtime.name': 'nodejs',
    'process.runtime.version': process.versions.node,
    'telemetry.sdk.language': 'nodejs',
    'telemetry.sdk.name': 'opentelemetry',
    'telemetry.sdk.version': '3.1.0',
    'telemetry.distro.name': distribution.name,
    'telemetry.distro.version': distribution.version,
    ...gitHead(config.workspace),
  }
}

/**
 * The main script. pm2 starts a script of its own, which then loads the app's: in fork mode the environment names that one, in
 * cluster mode pm2's own settings in it.
 */
export function appScript(
  [, script]: readonly string[] = process.argv,
  { pm_exec_path: named, pm2_env: settings }: NodeJS.ProcessEnv = process.env,
): string | undefined {
  if (!/^ProcessContainer\w*\.js$/.test(path.basename(script ?? ''))) return script
  const given = named ?? parseObject(settings ?? '')?.pm_exec_path
  return typeof given === 'string' ? given : script
}

/** Whether it is a script of the user's, and not of an installed package, whose commands are links. */
export function isOwnScript(script: string | undefined): boolean {
  if (script === undefined) return false
  const file = attempt(() => originalFs.realpathSync(script)) ?? script
  return !/[\\/]node_modules[\\/]/.test(file)
}

/** The nearest package.json above the main script names the app. */
function findApp(): { name: string; version?: string } {
  const script = appScript()
  if (script === undefined) return { name: 'node' }
  for (let folder = path.dirname(script); ; folder = path.dirname(folder)) {
    const manifest = parseObject(readText(path.join(folder, 'package.json')) ?? '')
    if (typeof manifest?.name === 'string' && manifest.name !== '') {
      const version = manifest.version
      return { name: manifest.name, ...(typeof version === 'string' ? { version } : {}) }
    }
    if (folder === path.dirname(folder)) return { name: path.parse(script).name }
  }
}

/** A hash of the machine's id with a constant: machine-id(5) asks that the id itself is not exposed. */
function hashedHostId(): Attributes {
  for (const file of ['/etc/machine-id', '/var/lib/dbus/machine-id']) {
    const id = readText(file)?.trim()
    if (id !== undefined && id !== '') {
      return { 'host.id': createHash('sha256').update(`turnlog ${id}`).digest('hex').slice(0, 32) }
    }
  }
  return {}
}

/** gitrepository-layout(5): HEAD, loose and packed refs, and a worktree's `gitdir:` file. */
function gitHead(workspace: string): Attributes {
  const gitFolder = findGitFolder(workspace)
  if (gitFolder === undefined) return {}
  const head = readText(path.join(gitFolder, 'HEAD'))?.trim()
  if (head === undefined) return {}
  if (/^[0-9a-f]{40,64}$/.test(head)) return { 'vcs.ref.head.revision': head }
  const ref = /^ref: (refs\/\S+)$/.exec(head)?.[1]
  if (ref === undefined) return {}
  const revision = resolveRef(gitFolder, ref)
  return {
    'vcs.ref.head.name': ref.replace(/^refs\/heads\//, ''),
    ...(revision === undefined ? {} : { 'vcs.ref.head.revision': revision }),
  }
}

/** Like git, looks no further than the disk of the workspace: a look into an automounter's folder would mount. */
function findGitFolder(workspace: string): string | undefined {
  const device = deviceOf(workspace)
  for (let folder = workspace; deviceOf(folder) === device; folder = path.dirname(folder)) {
    const candidate = path.join(folder, '.git')
    const link = /^gitdir: (.+)$/m.exec(readText(candidate) ?? '')?.[1]
    if (link !== undefined) return path.resolve(folder, link.trim())
    if (originalFs.existsSync(path.join(candidate, 'HEAD'))) return candidate
    if (folder === path.dirname(folder)) return undefined
  }
  return undefined
}

function deviceOf(folder: string): number | undefined {
  return attempt(() => originalFs.statSync(folder).dev)
}

function resolveRef(gitFolder: string, ref: string): string | undefined {
  const common = readText(path.join(gitFolder, 'commondir'))?.trim()
  const folders = common === undefined ? [gitFolder] : [gitFolder, path.resolve(gitFolder, common)]
  for (const folder of folders) {
    const loose = readText(path.join(folder, ref))?.trim()
    if (loose !== undefined && /^[0-9a-f]{40,64}$/.test(loose)) return loose
    const packed = readText(path.join(folder, 'packed-refs'))
    const line = packed?.split('\n').find((entry) => entry.endsWith(` ${ref}`))
    const revision = line?.split(' ', 1)[0]
    if (revision !== undefined && /^[0-9a-f]{40,64}$/.test(revision)) return revision
  }
  return undefined
}

function readText(file: string): string | undefined {
  return readRegularFile(file, { bytesMax, fileSystem: originalFs })
}
