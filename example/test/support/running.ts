import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { eventually } from './patience.ts'

/** Uses `/proc`, so it works on Linux only; no other system is tested. */
export function childrenOf(pid: number | undefined): readonly number[] {
  const list = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
  return list.trim().split(' ').filter(Boolean).map(Number)
}

export function isRunning(pid: number): boolean {
  try {
    // A zombie has ended too; its parent has just not collected it yet.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}

/** A request for a command that writes its process id and runs longer than any test. */
export const longCommand = 'run echo $$ > pid.tmp; mv pid.tmp pid; sleep 600'

/** The process of that command, once it runs in this workspace. */
export async function longCommandOf(workspace: string): Promise<number> {
  const file = join(workspace, 'pid')
  await eventually(() => existsSync(file))
  return Number(readFileSync(file, 'utf8'))
}
