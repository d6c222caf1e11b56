import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs'
import { basename } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/**
 * What tells a process from a later one with the same id: when it began. `undefined` when there is none; one that
 * ended and was not yet collected by its parent (a zombie) counts as none, since `kill(pid, 0)` would still find it.
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

/** Sends a signal; a process (or group, when negative) that is gone is no trouble. */
export function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // Gone, or no longer ours: either way there is nothing left to signal.
  }
}

/**
 * Ids of the live processes of this program that work in this folder; somebody's shell may stand there, too. Known on
 * Linux only: elsewhere the list is empty.
 */
export function processesIn(folder: string, program: string): number[] {
  return processIds().filter((pid) => worksIn(pid, folder, program) && processStart(pid))
}

/** Every process id that /proc shows; empty where there is no /proc. */
export function processIds(): number[] {
  if (process.platform !== 'linux') return []
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
}

/** Whether this process runs this program in this folder, as PostgreSQL's do in its cluster. */
export function worksIn(pid: number, folder: string, program: string): boolean {
  if (process.platform !== 'linux') {
    const command = commandOf(pid)
    return command.includes(program) && command.includes(folder)
  }
  const file = linkOf(pid, 'exe')?.replace(/ \(deleted\)$/, '') ?? ''
  return linkOf(pid, 'cwd') === folder && basename(file) === program
}

/** The command line, for people; empty when it cannot be known. */
export function commandOf(pid: number): string {
  try {
    if (process.platform === 'linux') {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()
    }
    return execFileSync('ps', ['-ww', '-o', 'command=', '-p', String(pid)], {
      encoding: 'utf8',
    }).trim()
  } catch {
    return ''
  }
}

/** The user a process runs as; `undefined` when it cannot be known. */
export function ownerOf(pid: number): number | undefined {
  try {
    return statSync(`/proc/${pid}`).uid
  } catch {
    return undefined
  }
}

/** Read from /proc; `undefined` when there is none, or it is not ours to see. */
function linkOf(pid: number, name: 'cwd' | 'exe'): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/${name}`)
  } catch {
    return undefined
  }
}

/** Fields of /proc/<pid>/stat after the name, which may itself hold blanks and brackets: state first, start 20th. */
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
    const text = execFileSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], {
      encoding: 'utf8',
    })
    const [state = '', ...start] = text.trim().split(/\s+/)
    return state === '' || state.startsWith('Z') ? undefined : start.join(' ')
  } catch {
    return undefined
  }
}
