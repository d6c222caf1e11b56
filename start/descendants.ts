import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { processStart, sendSignal } from '@turnlog/embedded-postgres/process'

/** A child of a process, a child's child, and so on; also one that leads its own process group, as an agent's commands do. */
export interface Descendant {
  readonly pid: number
  readonly start: string
}

export function descendantsOf(pid: number): Descendant[] {
  const childrenOf = process.platform === 'linux' ? childrenFromProc : childrenFromPs()
  const found: Descendant[] = []
  const visit = (parent: number): void => {
    for (const child of childrenOf(parent)) {
      const start = processStart(child)
      if (start !== undefined) found.push({ pid: child, start })
      visit(child)
    }
  }
  visit(pid)
  return found
}

/** Kills those that still run, each with the process group it leads, if any. */
export function endDescendants(descendants: Iterable<Descendant>): void {
  for (const { pid, start } of descendants) {
    if (processStart(pid) !== start) continue
    sendSignal(-pid, 'SIGKILL')
    sendSignal(pid, 'SIGKILL')
  }
}

function childrenFromProc(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
      readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8')
        .split(' ')
        .filter((text) => text !== '')
        .map(Number),
    )
  } catch {
    return []
  }
}

function childrenFromPs(): (pid: number) => number[] {
  const children = new Map<number, number[]>()
  try {
    const table = execFileSync('ps', ['-A', '-o', 'ppid=,pid='], { encoding: 'utf8' })
    for (const line of table.split('\n')) {
      const [parent = 0, pid = 0] = line.trim().split(/\s+/).map(Number)
      children.set(parent, [...(children.get(parent) ?? []), pid])
    }
  } catch {
    // Without `ps`, only the process's own group is known.
  }
  return (pid) => children.get(pid) ?? []
}
