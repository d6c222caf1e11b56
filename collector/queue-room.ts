import { readdirSync, statfsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { queueBytesBounds } from './settings.ts'

/**
 * The queue is three files, of which each takes up to 2.5 times what it holds. Where each holds an eighth of the room at most,
 * the queue by itself never fills the disk; a full one is what it heals from only with help.
 */
const shareOfRoom = 1 / 8

/** What the queue may take of its disk: what is free, and what it has already. In bytes. */
export function roomOf(queueDirectory: string): number {
  const { bavail, bsize } = statfsSync(queueDirectory)
  const taken = readdirSync(queueDirectory)
    .map((name) => statSync(join(queueDirectory, name), { throwIfNoEntry: false }))
    // Its files have holes: the size says nothing.
    .reduce((sum, file) => sum + (file?.blocks ?? 0) * 512, 0)
  return bavail * bsize + taken
}

/** How much of each signal the queue shall hold. */
export function queueBytesFor(room: number): number {
  const { min, max } = queueBytesBounds
  return Math.min(max, Math.max(min, Math.floor(room * shareOfRoom)))
}

/** Where the disk has less for it, the queue may fill it: by its setting, or because the largest request has to fit. */
export function safeRoom(queueBytesMax: number): number {
  return queueBytesMax / shareOfRoom
}
