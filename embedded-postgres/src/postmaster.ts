/**
 * The postmaster: PostgreSQL's first process, the parent of its others.
 *
 * It deliberately outlives a process of ours that is killed: what was committed stays safe, and the next start finds the
 * postmaster by the cluster's `postmaster.pid`. That file may be stale after a crash or a reboot, and its process id may
 * belong to another process by then. So a process is taken for the postmaster only if it runs `postgres` in the cluster's
 * folder and belongs to the cluster's owner.
 */
import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Account } from './account.ts'
import { PostgresError } from './errors.ts'
import { ownerOf, processEnded, processesIn, processStart, sendSignal, worksIn } from './process.ts'
import { type ProgramExit, startProgram } from './program.ts'

/** A running postmaster. */
export interface Postmaster {
  readonly pid: number
  readonly start: string | undefined
  readonly port: number
  /** Resolves when it has ended. Waiting for it keeps no process alive. */
  readonly exited: Promise<ProgramExit>
  /** Resolves when it has ended, and keeps this process alive until then. */
  readonly waitForExit: () => Promise<unknown>
  /** What it wrote before its log began; empty for one that another process started. */
  readonly output: () => string
}

const programName = 'postgres'

/** Settings that must hold whatever postgresql.conf says, so they are given at each start. */
function fixedSettings(port: number): Record<string, string | number> {
  return {
    listen_addresses: '127.0.0.1',
    port,
    unix_socket_directories: '',
    // One log file for each hour of the day, emptied a day later. Statements and the details of errors contain what users
    // wrote, so they are not logged; the client receives them.
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

/** The children of a postmaster that was killed get this long to notice; they check about once a second. */
const orphansEndWithinMs = 5_000

/** Finds the running postmaster of this cluster, started by another process. */
export function findPostmaster(cluster: string): Postmaster | undefined {
  const { pid, port = 0 } = readPidFile(cluster)
  if (pid === undefined) return undefined
  const start = processStart(pid)
  if (start === undefined || !worksIn(pid, cluster, programName)) return undefined
  const owner = ownerOf(pid)
  if (owner !== undefined && owner !== statSync(cluster).uid) return undefined
  return { pid, start, port, output: () => '', ...watchForExit(pid, start) }
}

/** Polls, since the system reports the end of a process to its parent only. */
function watchForExit(pid: number, start: string) {
  const { promise, resolve } = Promise.withResolvers<ProgramExit>()
  const check = (): void => {
    if (processStart(pid) === start) return
    clearInterval(timer)
    resolve({ code: undefined, signal: undefined })
  }
  const timer = setInterval(check, 200).unref()
  return {
    exited: promise,
    async waitForExit(): Promise<void> {
      check()
    },
  }
}

/** Lines of postmaster.pid: process id, cluster, start time, port, socket folder, address, … */
function readPidFile(cluster: string): { pid?: number | undefined; port?: number | undefined } {
  try {
    const lines = readFileSync(join(cluster, 'postmaster.pid'), 'utf8').split('\n')
    return { pid: parsePositive(lines[0]), port: parsePositive(lines[3]) }
  } catch {
    return {}
  }
}

function parsePositive(text: string | undefined): number | undefined {
  const number = Number(text)
  return Number.isSafeInteger(number) && number > 0 ? number : undefined
}

/**
 * Cleans up after a postmaster that died: waits for its children, kills those that remain, and removes `postmaster.pid`.
 * While the file exists, PostgreSQL refuses to start if any process has the id that the file names.
 */
export async function cleanUpAfterCrash(cluster: string): Promise<void> {
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

/** Starts it, without waiting until it answers. It may end at once: `exited` and `output` say why. */
export async function startPostmaster({
  cluster,
  binaries,
  account,
  port,
}: {
  cluster: string
  binaries: string
  account: Account | undefined
  port: number
}): Promise<Postmaster> {
  const settings = Object.entries(fixedSettings(port)).flatMap(([name, value]) => [
    '-c',
    `${name}=${value}`,
  ])
  const program = join(binaries, 'bin', programName)
  const { child, pid, exited, output } = await startProgram(
    program,
    ['-D', cluster, ...settings],
    account,
  )
  // It must not keep a process alive that is otherwise done.
  child.unref()
  if ('unref' in child.stderr && typeof child.stderr.unref === 'function') child.stderr.unref()
  return {
    pid,
    start: processStart(pid),
    port,
    exited,
    output,
    waitForExit() {
      child.ref()
      return exited
    },
  }
}

interface StopOptions {
  readonly cluster: string
  readonly postmaster: Pick<Postmaster, 'pid' | 'start'>
  readonly withinMs: number
}

/** Stops it. Rejects with `TL_POSTGRES_STOP` if it does not end within about the given time. */
export async function stopPostmaster(options: StopOptions): Promise<void> {
  await endPostmaster(options)
  // The process that writes the log ends after all others.
  for (const pid of processesIn(options.cluster, programName)) {
    await processEnded({ pid, start: processStart(pid), withinMs: 500 })
  }
}

/**
 * Three ways, each with a share of the time: fast (connections are closed, open transactions rolled back), immediate (the
 * next start recovers from the log), SIGKILL.
 */
async function endPostmaster({ cluster, postmaster, withinMs }: StopOptions): Promise<void> {
  const { pid, start } = postmaster
  sendSignal(pid, 'SIGINT')
  if (await processEnded({ pid, start, withinMs: withinMs * 0.6 })) return
  sendSignal(pid, 'SIGQUIT')
  if (await processEnded({ pid, start, withinMs: withinMs * 0.3 })) return
  for (const each of [pid, ...processesIn(cluster, programName)]) sendSignal(each, 'SIGKILL')
  if (await processEnded({ pid, start, withinMs: withinMs * 0.1 + 500 })) return
  throw new PostgresError('TL_POSTGRES_STOP', `PostgreSQL (process ${pid}) does not end.`)
}

/** The last lines of the cluster's newest log, for messages. */
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
