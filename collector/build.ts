/**
 * Our own Collector, built by the OpenTelemetry Collector Builder from `builder.yaml`, once:
 *
 *   <cache>/<hash of manifest, builder and platform>/turnlog-collector    the program; there whole or not at all
 *   <cache>/<hash>.lock                                                   held by who builds it
 *   <cache>/<hash>.<random>/                                              where it is being built
 */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { access, mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { explainFolderErrors, prepareFolder } from '@turnlog/embedded-postgres/folder'
import { takeLock } from '@turnlog/embedded-postgres/lock'
import { findGo } from './go.ts'

const manifestPath = join(import.meta.dirname, 'builder.yaml')
const builderModule = 'go.opentelemetry.io/collector/cmd/builder'
const programName = 'turnlog-collector'

/** Of a build that fails this much of what it said last is shown. */
const lastLinesMax = 12

export interface BuildOptions {
  readonly cacheDirectory: string
  readonly environment: NodeJS.ProcessEnv
  readonly say: (line: string) => void
  readonly signal: AbortSignal
}

export type Built =
  | { readonly status: 'built'; readonly program: string }
  | { readonly status: 'failed'; readonly reason: string }

/** The program, from the cache or built now. One who finds somebody building it waits for that. */
export async function buildCollector(options: BuildOptions): Promise<Built> {
  const { environment, say, signal } = options
  const manifest = await readFile(manifestPath, 'utf8')
  const builder = `${builderModule}@v${versionOf(manifest)}`
  const hash = createHash('sha256')
    .update([manifest, builder, process.platform, process.arch].join('\n'))
    .digest('hex')
    .slice(0, 16)
  const cached = join(options.cacheDirectory, hash, programName)
  if (await exists(cached)) return { status: 'built', program: cached }

  const go = await findGo(environment)
  if (go.status === 'missing') return { status: 'failed', reason: go.reason }
  const cache = await prepareFolder(options.cacheDirectory)
  using _lock = await lockBuild(join(cache, `${hash}.lock`), { say, signal })
  if (await exists(cached)) return { status: 'built', program: cached }

  await removeRemains(cache, hash)
  say(
    'Building the Collector, once: two to seven minutes, and 500 MB of Go modules are downloaded.',
  )
  const folder = await explainFolderErrors(cache, () => mkdtemp(join(cache, `${hash}.`)))
  try {
    const run = await runBuilder({ builder, folder, environment, signal })
    signal.throwIfAborted()
    if (run.status === 'failed') return run
    await mkdir(join(cache, hash), { recursive: true })
    await rename(join(folder, 'build', programName), cached)
    return { status: 'built', program: cached }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** What a build that was killed has left. Only for the holder of the lock. */
async function removeRemains(cache: string, hash: string): Promise<void> {
  for (const name of await readdir(cache)) {
    if (!name.startsWith(`${hash}.`) || name === `${hash}.lock`) continue
    await rm(join(cache, name), { recursive: true, force: true })
  }
}

/** The builder's version is that of what it builds. */
function versionOf(manifest: string): string {
  const version = /^ {2}version: (\S+)$/m.exec(manifest)?.[1]
  if (version === undefined) throw new Error(`${manifestPath} names no version.`)
  return version
}

async function lockBuild(
  path: string,
  { say, signal }: Pick<BuildOptions, 'say' | 'signal'>,
): Promise<Disposable> {
  for (let tries = 0; ; tries += 1) {
    const lock = takeLock(path)
    if (lock.status === 'taken') return { [Symbol.dispose]: lock.release }
    if (tries === 0) say('The Collector is being built by another process: waiting for it.')
    await sleep(500, undefined, { signal })
  }
}

/** The manifest's `output_path` is taken from the working directory. */
async function runBuilder({
  builder,
  folder,
  environment,
  signal,
}: {
  readonly builder: string
  readonly folder: string
  readonly environment: NodeJS.ProcessEnv
  readonly signal: AbortSignal
}): Promise<{ readonly status: 'ok' } | { readonly status: 'failed'; readonly reason: string }> {
  // A `go.work` above the cache has no say in this.
  const child = spawn('go', ['run', builder, '--config', manifestPath], {
    cwd: folder,
    env: { ...environment, GOWORK: 'off' },
    stdio: ['ignore', 'pipe', 'pipe'],
    // Whoever stops it stops the compilers as well.
    detached: true,
  })
  const stop = () => {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
  }
  signal.addEventListener('abort', stop, { once: true })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-64 * 1024)
    })
  }
  const code = await new Promise<number | null>((resolve) => {
    child.once('error', () => resolve(null))
    child.once('close', resolve)
  })
  signal.removeEventListener('abort', stop)
  if (code === 0) return { status: 'ok' }
  const last = said.trimEnd().split('\n').slice(-lastLinesMax)
  return {
    status: 'failed',
    reason: ['The Collector could not be built. The builder said last:', ...last].join('\n    '),
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
