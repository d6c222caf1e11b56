/** Processes of this machine by their ids. /proc answers on Linux, `ps` elsewhere. */
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs'
import { basename } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/**
 * When a process began, which distinguishes it from a later process with the same id. `undefined` when no such process
 * runs. A zombie (ended, but not yet collected by its parent) counts as ended, although `kill(pid, 0)` still finds it.
 */
export function processStart(pid: number): string | undefined {
  return process.platform === 'linux' ? startFromProc(pid) : startFromPs(pid)
}

/** Resolves with whether the process ended within the time. */
export async function processEnded({
  pid,
  start,
  withinMs,
}: {
  pid: number
  start: string | undefined
  withinMs: number
}): Promise<boolean> {
  const deadline = performance.now() + withinMs
  while (start !== undefined && processStart(pid) === start) {
    if (performance.now() >= deadline) return false
    await sleep(25)
  }
  return true
}

/** Sends a signal to a process, or to a group when the id is negative. Never throws. */
export function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // The process has ended, or its id now belongs to another user: nothing to signal.
  }
}

/**
 * Ids of the live processes that run this program in this working folder; another program there, such as a shell, is not
 * one of them. Empty on systems without /proc.
 */
export function processesIn(folder: string, program: string): number[] {
  return processIds().filter((pid) => worksIn(pid, folder, program) && processStart(pid))
}

/** Every process id in /proc; empty on systems without /proc. */
export function processIds(): number[] {
  if (process.platform !== 'linux') return []
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
}

/** Whether this process runs this program in this folder, as PostgreSQL's processes do in their cluster. */
export function worksIn(pid: number, folder: string, program: string): boolean {
  if (process.platform !== 'linux') {
    const command = commandOf(pid)
    return command.includes(program) && command.includes(folder)
  }
  const file = readProcLink(pid, 'exe')?.replace(/ \(deleted\)$/, '') ?? ''
  return readProcLink(pid, 'cwd') === folder && basename(file) === program
}

/** The command line, for messages; empty when it cannot be read. */
export function commandOf(pid: number): string {
  try {
    if (process.platform === 'linux') {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()
    }
    return ps(pid, 'command=')
  } catch {
    return ''
  }
}

/** The user a process runs as; `undefined` when it cannot be read. */
export function ownerOf(pid: number): number | undefined {
  try {
    return statSync(`/proc/${pid}`).uid
  } catch {
    return undefined
  }
}

function readProcLink(pid: number, name: 'cwd' | 'exe'): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/${name}`)
  } catch {
    return undefined
  }
}

/** Fields of /proc/<pid>/stat after the name, which may contain blanks and brackets: state is the first, start the 20th. */
function startFromProc(pid: number): string | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19]
  } catch {
    return undefined
  }
}

function startFromPs(pid: number): string | undefined {
  try {
    const [state = '', ...start] = ps(pid, 'stat=,lstart=').split(/\s+/)
    return state === '' || state.startsWith('Z') ? undefined : start.join(' ')
  } catch {
    return undefined
  }
}

function ps(pid: number, columns: string): string {
  const options = ['-ww', '-o', columns, '-p', String(pid)]
  return execFileSync('ps', options, { encoding: 'utf8' }).trim()
}
