import { spawn } from 'node:child_process'
import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Account } from './account.ts'
import { cannotRun } from './cluster.ts'
import { PostgresError } from './errors.ts'
import { ownerOf, processEnded, processesIn, processStart, sendSignal, worksIn } from './process.ts'

/**
 * The postmaster: PostgreSQL's first process, of which the others are children.
 *
 * It outlives us when we are killed, on purpose: what it was told is then safe, and the next start finds it by
 * `postmaster.pid`. That file may be stale (a crash, a reboot) and its process id may belong to somebody else by now,
 * so a process is believed to be the postmaster only if it is a `postgres` that works in the cluster and belongs to the
 * cluster's owner.
 */
export interface Postmaster {
  readonly pid: number
  readonly start: string
  readonly port: number
}

export interface Ended {
  readonly code: number | undefined
  readonly signal: NodeJS.Signals | undefined
}

const programName = 'postgres'

/** What must hold whatever postgresql.conf says, so it is told at each start. */
function settingsAlways(port: number): Record<string, string | number> {
  return {
    listen_addresses: '127.0.0.1',
    port,
    unix_socket_directories: '',
    // A file for each hour of the day, emptied when its hour comes again. Statements and the details of errors hold
    // what users wrote, so they are not logged: the client gets them.
    logging_collector: 'on',
    log_destination: 'stderr',
    log_directory: 'log',
    log_filename: 'postgresql-%H.log',
    log_rotation_age: 60,
    log_rotation_size: 0,
    log_truncate_on_rotation: 'on',
    log_min_messages: 'log',
    log_min_error_statement: 'panic',
    log_error_verbosity: 'terse',
    log_checkpoints: 'off',
  }
}

/** How much of what it says before its log begins is kept, for the message when it does not start. */
const earlyOutputMax = 4_096

/** How long orphans of a postmaster that was killed get to notice it; they look every second or so. */
const orphansEndWithinMs = 5_000

/** The live postmaster of this cluster, if there is one. */
export function findPostmaster(cluster: string): Postmaster | undefined {
  const { pid, port } = readPidFile(cluster)
  if (pid === undefined) return undefined
  const start = processStart(pid)
  if (start === undefined || !worksIn(pid, cluster, programName)) return undefined
  const owner = ownerOf(pid)
  if (owner !== undefined && owner !== statSync(cluster).uid) return undefined
  return { pid, start, port: port ?? 0 }
}

/** Lines of postmaster.pid: process id, cluster, start time, port, socket folder, address, … */
function readPidFile(cluster: string): { pid: number | undefined; port: number | undefined } {
  try {
    const lines = readFileSync(join(cluster, 'postmaster.pid'), 'utf8').split('\n')
    return { pid: positive(lines[0]), port: positive(lines[3]) }
  } catch {
    return { pid: undefined, port: undefined }
  }
}

function positive(text: string | undefined): number | undefined {
  const number = Number(text)
  return Number.isSafeInteger(number) && number > 0 ? number : undefined
}

/**
 * Clears what a postmaster that died left: waits for its orphans, then removes `postmaster.pid`, whose process id may
 * belong to somebody else by now, at which PostgreSQL would refuse to start for good.
 */
export async function clearRemains(cluster: string): Promise<void> {
  const deadline = performance.now() + orphansEndWithinMs
  for (const pid of processesIn(cluster, programName)) {
    const start = processStart(pid)
    const withinMs = Math.max(0, deadline - performance.now())
    if (await processEnded({ pid, start, withinMs })) continue
    sendSignal(pid, 'SIGKILL')
    await processEnded({ pid, start, withinMs: 1_000 })
  }
  rmSync(join(cluster, 'postmaster.pid'), { force: true })
}

/**
 * Starts it in a process group of its own, so that a terminal's Ctrl-C does not reach it, with nothing of our
 * environment. It may end at once: `exited` and `earlyOutput` tell.
 */
export function spawnPostmaster({
  cluster,
  binaries,
  account,
  port,
}: {
  cluster: string
  binaries: string
  account: Account | undefined
  port: number
}) {
  const program = join(binaries, 'bin', programName)
  const settings = Object.entries(settingsAlways(port)).flatMap(([name, value]) => [
    '-c',
    `${name}=${value}`,
  ])
  const child = spawn(program, ['-D', cluster, ...settings], {
    ...account,
    cwd: '/',
    detached: true,
    env: { PATH: process.env.PATH, LC_ALL: 'C' },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let earlyOutput = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    earlyOutput = (earlyOutput + text).slice(-earlyOutputMax)
  })
  // It must not keep a process alive that is otherwise done.
  child.unref()
  if ('unref' in child.stderr && typeof child.stderr.unref === 'function') child.stderr.unref()
  const exited = new Promise<Ended>((resolve, reject) => {
    child.once('error', (error) => reject(cannotRun(program, error)))
    child.once('exit', (code, signal) => {
      resolve({ code: code ?? undefined, signal: signal ?? undefined })
    })
  })
  return {
    pid: child.pid,
    start: child.pid === undefined ? undefined : processStart(child.pid),
    exited,
    seeExit(): Promise<unknown> {
      child.ref()
      return exited
    },
    earlyOutput: () => earlyOutput,
  }
}

/** Hears of the end of a process that is not our child. */
export function watchPostmaster({ pid, start }: Postmaster) {
  const { promise, resolve } = Promise.withResolvers<Ended>()
  const look = (): void => {
    if (processStart(pid) === start) return
    clearInterval(timer)
    resolve({ code: undefined, signal: undefined })
  }
  const timer = setInterval(look, 200).unref()
  return {
    exited: promise,
    async seeExit(): Promise<void> {
      look()
    },
  }
}

/**
 * Stops it: politely (connections are ended, work is rolled back), then at once (the next start recovers), then by
 * force. Each way gets its share of the time. Resolves with the way that did it.
 */
export async function stopPostmaster({
  cluster,
  pid,
  start,
  withinMs,
}: {
  cluster: string
  pid: number
  start: string | undefined
  withinMs: number
}): Promise<'fast' | 'immediate' | 'killed'> {
  const way = await endPostmaster({ cluster, pid, start, withinMs })
  // The process that writes the log ends last, once all others have.
  for (const each of processesIn(cluster, programName)) {
    await processEnded({ pid: each, start: processStart(each), withinMs: 500 })
  }
  return way
}

async function endPostmaster({
  cluster,
  pid,
  start,
  withinMs,
}: {
  cluster: string
  pid: number
  start: string | undefined
  withinMs: number
}): Promise<'fast' | 'immediate' | 'killed'> {
  sendSignal(pid, 'SIGINT')
  if (await processEnded({ pid, start, withinMs: withinMs * 0.6 })) return 'fast'
  sendSignal(pid, 'SIGQUIT')
  if (await processEnded({ pid, start, withinMs: withinMs * 0.3 })) return 'immediate'
  for (const each of [pid, ...processesIn(cluster, programName)]) sendSignal(each, 'SIGKILL')
  if (await processEnded({ pid, start, withinMs: withinMs * 0.1 + 500 })) return 'killed'
  throw new PostgresError('TL_POSTGRES_STOP', `PostgreSQL (process ${pid}) does not end.`)
}

/** The last lines of the cluster's newest log, for people. */
export function lastLogLines(cluster: string, count: number): string[] {
  try {
    const folder = join(cluster, 'log')
    const newest = readdirSync(folder)
      .map((name) => join(folder, name))
      .sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs)[0]
    if (newest === undefined) return []
    return readFileSync(newest, 'utf8').trimEnd().split('\n').slice(-count)
  } catch {
    return []
  }
}
