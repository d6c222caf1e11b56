/** The processes that send what a program has left (`src/worker/sender.ts`), found in procfs: on Linux only. */
import * as fs from 'node:fs'
import { expect } from 'vitest'
import { attempt } from '../../src/file-system.ts'

/** For a program that may leave a sender. */
export const withSender = { TELEMETRY_SEND_AFTER_EXIT: '1' }

/** The ids of the senders that work in this spool, or are about to. */
export function sendersOf(spool: string): number[] {
  return fs.readdirSync('/proc').flatMap((name) => {
    const pid = Number(name)
    const read = (file: string): string[] =>
      attempt(() => fs.readFileSync(`/proc/${name}/${file}`, 'utf8'))?.split('\0') ?? []
    if (!(pid > 0) || !read('cmdline').some((each) => /worker\.[jt]s$/.test(each))) return []
    const given = read('environ').find((each) => each.startsWith('TURNLOG_SENDER='))
    return given?.includes(spool) === true ? [pid] : []
  })
}

/** Resolves when no sender works in this spool any more. */
export async function sendersEnded(spool: string): Promise<void> {
  await expect.poll(() => sendersOf(spool), { timeout: 60_000, interval: 20 }).toEqual([])
}
