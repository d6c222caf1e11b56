/**
 * The points from which sealing can go on, should this process die: one after each journal file. A point is noted in
 * `state.json` once everything sealed up to it is safe, or known to be lost; then the files that only those before it
 * needed go. Points are noted in their order, so what is on disk never runs ahead of what is safe.
 */
import { type FileSystem, removeFile, syncFile, syncFolder } from '../file-system.ts'
import { quietly } from '../health.ts'
import { journalPath } from '../journal/journal.ts'
import { listJournalFiles } from '../spool/recorder-folder.ts'
import { type SealState, writeState } from './seal-state.ts'
import { type MissingRange, withMissing } from './sequences.ts'

export interface Checkpoint {
  readonly state: SealState
  /** Numbers of the journal files that whoever goes on from here has to read. */
  readonly needed: ReadonlySet<number>
}

export function createCheckpoints(fileSystem: FileSystem, folder: string) {
  /** What was lost before a point, and was not yet known to be when it was made, is added here. */
  const waiting: { readonly point: Checkpoint; lost: MissingRange[]; isSafe: boolean }[] = []

  /** After this, what was sealed up to the point is not sealed again. */
  function note({ state, needed }: Checkpoint, lost: readonly MissingRange[]): void {
    writeState(fileSystem, folder, { ...state, undeclared: withMissing(state.undeclared, lost) })
    syncFolder(fileSystem, folder)
    // What stays is as safe as what is sealed.
    if (needed.has(state.readThrough)) {
      const path = journalPath(folder, state.readThrough)
      quietly('sync a journal file', () => syncFile(fileSystem, path))
    }
    for (const number of listJournalFiles(fileSystem, folder)) {
      if (number <= state.readThrough && !needed.has(number)) {
        removeFile(fileSystem, journalPath(folder, number))
      }
    }
  }

  return {
    add(point: Checkpoint): void {
      waiting.push({ point, lost: [], isSafe: false })
    },
    /** Everything up to the point is safe, but for what is lost. Throws what the disk throws. */
    settle(settled: Checkpoint, lost: readonly MissingRange[]): void {
      const index = waiting.findIndex(({ point }) => point === settled)
      for (const later of waiting.slice(index)) later.lost.push(...lost)
      const own = waiting[index]
      if (own !== undefined) own.isSafe = true
      for (let next = waiting[0]; next?.isSafe === true; next = waiting[0]) {
        note(next.point, next.lost)
        waiting.shift()
      }
    },
  }
}
