import { rm } from 'node:fs/promises'
import { readRegularFile } from '@turnlog/conventions/regular-file'
import { replaceFile } from '@turnlog/embedded-postgres/folder'
import { processEnded, processStart, sendSignal } from '@turnlog/embedded-postgres/process'
import { descendantsOf, endDescendants } from './descendants.ts'
import type { Part } from './part.ts'

/**
 * The content of `start.json` in the data folder, written while `npm start` runs. People read it, a second start reads it to
 * name the first, and the next start reads it after a kill. The lock beside it, not this file, says whether the folder is in
 * use.
 */
export interface Running {
  readonly pid: number
  readonly startedAt: string
  readonly chat: string
  readonly receiver: string
  readonly isStopping: boolean
  readonly children: readonly Pick<Part, 'name' | 'pid' | 'start'>[]
}

export async function writeRunning(path: string, running: Running): Promise<void> {
  await replaceFile(path, `${JSON.stringify(running, null, 2)}\n`)
}

/** Undefined if the file is missing or invalid. */
export async function readRunning(path: string): Promise<Running | undefined> {
  try {
    const running: Partial<Running> = JSON.parse(readRegularFile(path) ?? '')
    const { pid, startedAt, chat, receiver, isStopping = false, children } = running
    if (typeof pid !== 'number' || !Array.isArray(children)) return undefined
    return {
      pid,
      startedAt: String(startedAt),
      chat: String(chat),
      receiver: String(receiver),
      isStopping,
      children,
    }
  } catch {
    return undefined
  }
}

/** Makes a start that comes meanwhile wait. A failure to write, on a full disk say, does not interrupt the stop. */
export async function markStopping(path: string): Promise<void> {
  const running = await readRunning(path)
  if (running === undefined) return
  await writeRunning(path, { ...running, isStopping: true }).catch(() => {})
}

/**
 * Waits for the processes that a killed `npm start` has left: its receiver and app end soon after it; the rest is killed.
 * The caller must hold the lock, which proves that the other start has ended.
 */
export async function clearRemains(
  path: string,
  { withinMs }: { withinMs: number },
): Promise<void> {
  const deadline = performance.now() + withinMs
  for (const { pid, start } of (await readRunning(path))?.children ?? []) {
    if (typeof pid !== 'number' || pid <= 1 || typeof start !== 'string') continue
    if (await processEnded({ pid, start, withinMs: Math.max(0, deadline - performance.now()) })) {
      continue
    }
    const descendants = descendantsOf(pid)
    if (processStart(pid) === start) sendSignal(-pid, 'SIGKILL')
    endDescendants(descendants)
    await processEnded({ pid, start, withinMs: 1_000 })
  }
  await rm(path, { force: true })
}
