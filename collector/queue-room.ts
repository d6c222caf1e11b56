import { readdirSync, statfsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { queueBytesBounds } from './settings.ts'

/**
 * The queue is three files, each up to 2.5 times as large as its content. If each contains at most an eighth of the room, the
 * queue alone never fills the disk. It does not recover from a full disk without help.
 */
const shareOfRoom = 1 / 8

/** The bytes that the queue may use on its disk: those that are free, and those that it uses already. */
export function roomOf(queueDirectory: string): number {
  const { bavail, bsize } = statfsSync(queueDirectory)
  const taken = readdirSync(queueDirectory)
    .map((name) => statSync(join(queueDirectory, name), { throwIfNoEntry: false }))
    // Its files are sparse, so we count blocks and ignore the size.
    .reduce((sum, file) => sum + (file?.blocks ?? 0) * 512, 0)
  return bavail * bsize + taken
}

/** The queue's limit for each signal, in bytes. */
export function queueBytesFor(room: number): number {
  const { min, max } = queueBytesBounds
  return Math.min(max, Math.max(min, Math.floor(room * shareOfRoom)))
}

/** With less room than this the queue may fill its disk: its limit was set too high, or even the least limit is too high. */
export function safeRoom(queueBytesMax: number): number {
  return queueBytesMax / shareOfRoom
}
