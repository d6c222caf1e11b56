/**
 * Builds our Collector once, from `builder.yaml`, with the OpenTelemetry Collector Builder:
 *
 *   <cache>/<hash of manifest, builder and platform>/turnlog-collector    the program, moved here when it is complete
 *   <cache>/<hash>.lock                                                   locked by the process that builds it
 *   <cache>/<hash>.<random>/                                              the folder of a build
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { access, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { makeFolder } from '@turnlog/conventions/folders'
import { explainFolderErrors, prepareFolder } from '@turnlog/embedded-postgres/folder'
import { takeLock } from '@turnlog/embedded-postgres/lock'
import { findGo } from './go.ts'

const manifestPath = join(import.meta.dirname, 'builder.yaml')
const builderModule = 'go.opentelemetry.io/collector/cmd/builder'
const programName = 'turnlog-collector'

/** How many of its last lines are shown when a build fails. */
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

/** Returns the program, from the cache or built now. If another process is building it, waits for that. */
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
  using _lock = await lockBuild(join(cache, `${hash}.lock`), options)
  if (await exists(cached)) return { status: 'built', program: cached }

  await removeRemains(cache, hash)
  say(
    'Building the Collector, once: two to seven minutes, and 500 MB of Go modules are downloaded.',
  )
  const folder = await explainFolderErrors(cache, () => mkdtemp(join(cache, `${hash}.`)))
  try {
    const run = await runBuilder(builder, folder, options)
    signal.throwIfAborted()
    if (run.status === 'failed') return run
    makeFolder(join(cache, hash))
    await rename(join(folder, 'build', programName), cached)
    return { status: 'built', program: cached }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Deletes the folders of killed builds. The caller must hold the lock. */
async function removeRemains(cache: string, hash: string): Promise<void> {
  for (const name of await readdir(cache)) {
    if (!name.startsWith(`${hash}.`) || name === `${hash}.lock`) continue
    await rm(join(cache, name), { recursive: true, force: true })
  }
}

/** The builder has the same version as the Collector that it builds. */
function versionOf(manifest: string): string {
  const version = /^ {2}version: (\S+)$/m.exec(manifest)?.[1]
  if (version === undefined) throw new Error(`${manifestPath} names no version.`)
  return version
}

async function lockBuild(path: string, { say, signal }: BuildOptions): Promise<Disposable> {
  for (let tries = 0; ; tries += 1) {
    const lock = takeLock(path)
    if (lock.status === 'taken') return { [Symbol.dispose]: lock.release }
    if (tries === 0) say('The Collector is being built by another process: waiting for it.')
    await sleep(500, undefined, { signal })
  }
}

/** The manifest's `output_path` is relative to the working directory, so the builder runs in `folder`. */
async function runBuilder(
  builder: string,
  folder: string,
  { environment, signal }: BuildOptions,
): Promise<{ readonly status: 'ok' } | { readonly status: 'failed'; readonly reason: string }> {
  // GOWORK=off: a `go.work` above the cache must not take part.
  const child = spawn('go', ['run', builder, '--config', manifestPath], {
    cwd: folder,
    env: { ...environment, GOWORK: 'off' },
    stdio: ['ignore', 'pipe', 'pipe'],
    // A process group, so that stopping the builder also stops its compilers.
    detached: true,
  })
  const stop = () => {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
  }
  signal.addEventListener('abort', stop, { once: true })
  const { failure, output } = await untilEnd(child)
  signal.removeEventListener('abort', stop)
  if (failure === undefined) return { status: 'ok' }
  const last = output.trimEnd().split('\n').slice(-lastLinesMax)
  return {
    status: 'failed',
    reason: ['The Collector could not be built. The builder said last:', ...last].join('\n    '),
  }
}

/**
 * Resolves when a program has ended. `failure` says why it could not be run, or that it failed, with the end of its
 * output.
 */
export async function untilEnd(child: ChildProcessByStdio<null, Readable, Readable>) {
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-64 * 1024)
    })
  }
  const failure = await new Promise<Error | 'exit' | undefined>((resolve) => {
    child.once('error', resolve)
    child.once('close', (code) => resolve(code === 0 ? undefined : 'exit'))
  })
  return { failure, output }
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
