/**
 * Whether a process that wrote something down is still there. Boot id, process start time and pid namespace prove it;
 * a recycled pid is not taken for the dead process's, and a sleeping process is not dead.
 */
import { execFileSync } from 'node:child_process'
import * as os from 'node:os'
import { type FileSystem, originalFs } from '../file-system.ts'

export interface Liveness {
  readonly pid: number
  readonly host: string
  /** Changes at each boot; empty where it cannot be had. */
  readonly boot: string
  /** The pid means something in this namespace only. */
  readonly pidNamespace: string
  /** When the process started, in the system's own terms. */
  readonly processStart: string
}

export function ownLiveness(fileSystem: FileSystem = originalFs): Liveness {
  return {
    pid: process.pid,
    host: os.hostname(),
    boot: bootId(fileSystem),
    pidNamespace: pidNamespace(fileSystem),
    processStart: processStart(fileSystem, process.pid) ?? '',
  }
}

/** `unknown`: it ran where we cannot look, and so is left alone. */
export function livenessOf(
  other: Liveness,
  fileSystem: FileSystem = originalFs,
): 'alive' | 'dead' | 'unknown' {
  if (other.host !== os.hostname() && other.boot !== bootId(fileSystem)) return 'unknown'
  if (other.boot !== bootId(fileSystem)) return 'dead'
  if (other.pidNamespace !== pidNamespace(fileSystem)) return 'unknown'
  const start = processStart(fileSystem, other.pid)
  if (start === undefined) return 'dead'
  return start === other.processStart ? 'alive' : 'dead'
}

export function parseLiveness(value: unknown): Liveness | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { pid, host, boot, pidNamespace, processStart } = value as Record<string, unknown>
  if (typeof pid !== 'number' || typeof host !== 'string' || typeof boot !== 'string') {
    return undefined
  }
  if (typeof pidNamespace !== 'string' || typeof processStart !== 'string') return undefined
  return { pid, host, boot, pidNamespace, processStart }
}

function bootId(fileSystem: FileSystem): string {
  const linux = read(fileSystem, '/proc/sys/kernel/random/boot_id')
  if (linux !== undefined) return linux.trim()
  // Elsewhere the boot time, to the minute: the clock may be adjusted.
  return String(Math.round((Date.now() / 1_000 - os.uptime()) / 60))
}

function pidNamespace(fileSystem: FileSystem): string {
  try {
    return fileSystem.readlinkSync('/proc/self/ns/pid')
  } catch {
    return ''
  }
}

/** proc_pid_stat(5): field 22, counted after the command's closing parenthesis. A zombie has ended. */
function processStart(fileSystem: FileSystem, pid: number): string | undefined {
  const stat = read(fileSystem, `/proc/${pid}/stat`)
  if (stat !== undefined) {
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19]
  }
  if (process.platform === 'linux') return undefined
  try {
    const started = execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim()
    return started === '' ? undefined : started
  } catch {
    return undefined
  }
}

function read(fileSystem: FileSystem, file: string): string | undefined {
  try {
    return fileSystem.readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}
