/** The identity of the recorder: app, user, machine, commit. Read once at the start, from small local files, without a child process. */

import { createHash } from 'node:crypto'
import * as os from 'node:os'
import * as path from 'node:path'
import { type AttributeName, type CaptureMode, schemaVersion } from '@turnlog/conventions'
import { parseObject } from '@turnlog/conventions/plain'
import type { Config } from './config.ts'
import { type FileSystem, originalFs } from './file-system.ts'

type Attributes = { [Name in AttributeName]?: string | number }

const distroVersion = '0.1.0'

/** The attributes that every record has. */
export function commonAttributes(sessionId: string, config: Config): Attributes {
  return {
    'session.id': sessionId,
    'user.id': config.userId,
    'turnlog.capture.mode': captureModeOf(config),
    'turnlog.schema.version': schemaVersion,
  }
}

/** Lets readers tell "not captured" from "lost". */
function captureModeOf({ contentBytesMax }: Config): CaptureMode {
  return contentBytesMax === 0 ? 'metadata' : 'full'
}

export function resourceAttributes(
  { config, sessionId, recorderId }: { config: Config; sessionId: string; recorderId: string },
  fileSystem: FileSystem = originalFs,
): Attributes {
  const app = findApp(fileSystem)
  return {
    'service.name': config.serviceName ?? app.name,
    ...(app.version === undefined ? {} : { 'service.version': app.version }),
    'service.instance.id': recorderId,
    ...commonAttributes(sessionId, config),
    ...hashedHostId(fileSystem),
    'host.arch': process.arch === 'x64' ? 'amd64' : process.arch,
    'os.type': process.platform === 'win32' ? 'windows' : process.platform,
    'os.version': os.release(),
    'process.pid': process.pid,
    'process.runtime.name': 'nodejs',
    'process.runtime.version': process.versions.node,
    'telemetry.sdk.language': 'nodejs',
    'telemetry.sdk.name': 'opentelemetry',
    'telemetry.sdk.version': '3.1.0',
    'telemetry.distro.name': 'turnlog',
    'telemetry.distro.version': distroVersion,
    ...gitHead(config.workspace, fileSystem),
  }
}

/** The nearest package.json above the main script names the app. */
function findApp(fileSystem: FileSystem): { name: string; version?: string } {
  const script = process.argv[1]
  if (script === undefined) return { name: 'node' }
  for (let folder = path.dirname(script); ; folder = path.dirname(folder)) {
    const manifest = parseObject(readText(fileSystem, path.join(folder, 'package.json')) ?? '')
    if (typeof manifest?.name === 'string' && manifest.name !== '') {
      const version = manifest.version
      return { name: manifest.name, ...(typeof version === 'string' ? { version } : {}) }
    }
    if (folder === path.dirname(folder)) return { name: path.parse(script).name }
  }
}

/** A hash of the machine's id with a constant: machine-id(5) asks that the id itself is not exposed. */
function hashedHostId(fileSystem: FileSystem): Attributes {
  for (const file of ['/etc/machine-id', '/var/lib/dbus/machine-id']) {
    const id = readText(fileSystem, file)?.trim()
    if (id !== undefined && id !== '') {
      return { 'host.id': createHash('sha256').update(`turnlog ${id}`).digest('hex').slice(0, 32) }
    }
  }
  return {}
}

/** gitrepository-layout(5): HEAD, loose and packed refs, and a worktree's `gitdir:` file. */
export function gitHead(workspace: string, fileSystem: FileSystem = originalFs): Attributes {
  const gitFolder = findGitFolder(workspace, fileSystem)
  if (gitFolder === undefined) return {}
  const head = readText(fileSystem, path.join(gitFolder, 'HEAD'))?.trim()
  if (head === undefined) return {}
  if (/^[0-9a-f]{40,64}$/.test(head)) return { 'vcs.ref.head.revision': head }
  const ref = /^ref: (refs\/\S+)$/.exec(head)?.[1]
  if (ref === undefined) return {}
  const revision = resolveRef(gitFolder, ref, fileSystem)
  return {
    'vcs.ref.head.name': ref.replace(/^refs\/heads\//, ''),
    ...(revision === undefined ? {} : { 'vcs.ref.head.revision': revision }),
  }
}

function findGitFolder(workspace: string, fileSystem: FileSystem): string | undefined {
  for (let folder = workspace; ; folder = path.dirname(folder)) {
    const candidate = path.join(folder, '.git')
    const link = /^gitdir: (.+)$/m.exec(readText(fileSystem, candidate) ?? '')?.[1]
    if (link !== undefined) return path.resolve(folder, link.trim())
    if (fileSystem.existsSync(path.join(candidate, 'HEAD'))) return candidate
    if (folder === path.dirname(folder)) return undefined
  }
}

function resolveRef(gitFolder: string, ref: string, fileSystem: FileSystem): string | undefined {
  const common = readText(fileSystem, path.join(gitFolder, 'commondir'))?.trim()
  const folders = common === undefined ? [gitFolder] : [gitFolder, path.resolve(gitFolder, common)]
  for (const folder of folders) {
    const loose = readText(fileSystem, path.join(folder, ref))?.trim()
    if (loose !== undefined && /^[0-9a-f]{40,64}$/.test(loose)) return loose
    const packed = readText(fileSystem, path.join(folder, 'packed-refs'))
    const line = packed?.split('\n').find((entry) => entry.endsWith(` ${ref}`))
    const revision = line?.split(' ', 1)[0]
    if (revision !== undefined && /^[0-9a-f]{40,64}$/.test(revision)) return revision
  }
  return undefined
}

function readText(fileSystem: FileSystem, file: string): string | undefined {
  try {
    return fileSystem.readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}
