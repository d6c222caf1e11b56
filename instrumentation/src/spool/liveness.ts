/**
 * Whether another process is still alive, proved by its boot id, start time and pid namespace. A new process with the same
 * pid is not mistaken for it, and a sleeping process is not dead.
 *
 * A process is `dead` only if this was seen. If it cannot be seen (another machine, another namespace, a system without
 * this information, no free file descriptor), the answer is `unknown` and nothing of that process may be touched.
 */

import { execFileSync } from 'node:child_process'
import * as os from 'node:os'
import { errorCode, isObject } from '@turnlog/conventions/plain'
import { attempt, type FileSystem, originalFs } from '../file-system.ts'

/** How long the host waits for the answer on systems without procfs. */
const psWithinMs = 2_000

/** Where a process id is valid. */
export interface ProcessPlace {
  readonly host: string
  /** Changes at each boot; empty where unknown. */
  readonly boot: string
  /** The pid is valid in this namespace only. */
  readonly pidNamespace: string
}

export interface Liveness extends ProcessPlace {
  readonly pid: number
  /** When the process started, as the system writes it; empty where unknown. */
  readonly processStart: string
}

export function ownPlace(fileSystem: FileSystem = originalFs): ProcessPlace {
  return {
    host: os.hostname(),
    boot: bootId(fileSystem) ?? '',
    pidNamespace: pidNamespace(fileSystem) ?? '',
  }
}

export function ownLiveness(fileSystem: FileSystem = originalFs): Liveness {
  return {
    pid: process.pid,
    ...ownPlace(fileSystem),
    processStart: startOf(process.pid, fileSystem) ?? '',
  }
}

export function livenessOf(
  other: Liveness,
  fileSystem: FileSystem = originalFs,
): 'alive' | 'dead' | 'unknown' {
  const boot = bootId(fileSystem) ?? ''
  const isSameHost = other.host === os.hostname()
  if (other.boot !== boot) {
    // An earlier boot of this machine has ended; nothing is known about another machine.
    return isSameHost && other.boot !== '' && boot !== '' ? 'dead' : 'unknown'
  }
  if (boot === '' && !isSameHost) return 'unknown'
  if (other.pidNamespace !== (pidNamespace(fileSystem) ?? '')) return 'unknown'
  const start = startOf(other.pid, fileSystem)
  if (start === undefined) return 'dead'
  if (start === '' || other.processStart === '') return 'unknown'
  return start === other.processStart ? 'alive' : 'dead'
}

export function parseLiveness(value: unknown): Liveness | undefined {
  if (!isObject(value)) return undefined
  const { pid, host, boot, pidNamespace, processStart } = value
  if (typeof pid !== 'number' || !Number.isSafeInteger(pid) || pid <= 0) return undefined
  if (typeof host !== 'string' || typeof boot !== 'string') return undefined
  if (typeof pidNamespace !== 'string' || typeof processStart !== 'string') return undefined
  return { pid, host, boot, pidNamespace, processStart }
}

/** Linux only. The boot time of other systems changes with the clock, so it is no replacement. */
function bootId(fileSystem: FileSystem): string | undefined {
  return attempt(() => fileSystem.readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim())
}

function pidNamespace(fileSystem: FileSystem): string | undefined {
  return attempt(() => fileSystem.readlinkSync('/proc/self/ns/pid'))
}

/** As the system writes it; empty if it is unknown, undefined if the process has ended. */
function startOf(pid: number, fileSystem: FileSystem): string | undefined {
  // Signal 0 succeeds for a living process, or is refused when another user owns it.
  if (!isThere(pid)) return undefined
  return process.platform === 'linux' ? startInProc(pid, fileSystem) : startByPs(pid)
}

/** A process has this pid. It need not be the one that had it before. */
export function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (cause) {
    return errorCode(cause) !== 'ESRCH'
  }
}

/** As `isThere`, but on Linux false for a process that has ended and that its parent has not asked about yet. */
export function isRunning(pid: number, fileSystem: FileSystem = originalFs): boolean {
  if (!isThere(pid)) return false
  return process.platform !== 'linux' || startInProc(pid, fileSystem) !== undefined
}

/** The process was stopped, as by Ctrl-Z or a debugger. Known on Linux only. */
export function isStopped(pid: number, fileSystem: FileSystem = originalFs): boolean {
  return /^[Tt]$/.test(statOf(pid, fileSystem)?.[0] ?? '')
}

/** Field 22. A zombie has ended. */
function startInProc(pid: number, fileSystem: FileSystem): string | undefined {
  const fields = statOf(pid, fileSystem)
  // The process ended since the signal, or the system has no /proc.
  if (fields === undefined) return ''
  return fields[0] === 'Z' || fields[0] === 'X' ? undefined : (fields[19] ?? '')
}

/** proc_pid_stat(5), from field 3 on: what comes after the closing parenthesis of the command. */
function statOf(pid: number, fileSystem: FileSystem): readonly string[] | undefined {
  const stat = attempt(() => fileSystem.readFileSync(`/proc/${pid}/stat`, 'utf8'))
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')
}

function startByPs(pid: number): string {
  const read = () =>
    execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], {
      encoding: 'utf8',
      env: { ...process.env, LC_ALL: 'C', TZ: 'UTC' },
      stdio: ['ignore', 'pipe', 'ignore'],
      timeout: psWithinMs,
      killSignal: 'SIGKILL',
    })
  return attempt(read)?.trim() ?? ''
}
