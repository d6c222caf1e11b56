import { readFile, rm } from 'node:fs/promises'
import { replaceFile } from '@turnlog/embedded-postgres/folder'
import { processEnded, processStart, sendSignal } from '@turnlog/embedded-postgres/process'
import { descendantsOf, endDescendants } from './descendants.ts'

/**
 * Who runs here: `start.json` in the data folder, while `npm start` runs. It is there for people, for a second start
 * that has to name the first, and for the next start after one that was killed. Who holds the folder is told by the
 * lock beside it, not by this file.
 */
export interface Running {
  readonly pid: number
  readonly startedAt: string
  readonly chat: string
  readonly receiver: string
  readonly isStopping: boolean
  readonly children: readonly Child[]
}

interface Child {
  readonly name: string
  readonly pid: number
  readonly start: string
}

export async function writeRunning(path: string, running: Running): Promise<void> {
  await replaceFile(path, `${JSON.stringify(running, null, 2)}\n`)
}

/** `undefined` when there is none, or none that makes sense. */
export async function readRunning(path: string): Promise<Running | undefined> {
  try {
    const running: Partial<Running> = JSON.parse(await readFile(path, 'utf8'))
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

/** So that a start that comes meanwhile waits. That it cannot be written, on a full disk say, must not stop the stop. */
export async function markStopping(path: string): Promise<void> {
  const running = await readRunning(path)
  if (running === undefined) return
  await writeRunning(path, { ...running, isStopping: true }).catch(() => {})
}

/**
 * Waits for what a killed start left: its receiver and app end by themselves when it is gone; what does not is killed.
 * Only for the holder of the lock, who knows that the other start is dead.
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
