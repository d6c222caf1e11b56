/**
 * The queue of segments that one process sends to one destination: those of its own recorder and of the dead recorders that
 * it has adopted. Recorders take turns, so that a new session does not wait behind a long backlog; of one recorder the
 * oldest segment is first.
 */
import * as path from 'node:path'
import { type FileSystem, removeFile } from '../file-system.ts'
import { quietly } from '../health.ts'
import { listSegments, quarantineFolder } from './recorder-folder.ts'
import type { SegmentName, Signal } from './segment-name.ts'
import { setAside } from './sent-folder.ts'
import type { UnconfirmedSegments } from './unconfirmed-segments.ts'

export interface SpooledSegment {
  readonly path: string
  readonly signal: Signal
  readonly bytes: number
  readonly folder: string
  readonly name: string
}

export type Spool = ReturnType<typeof openSpool>

/** Without `unconfirmed`, every answer counts as the receiver's. */
export function openSpool(fileSystem: FileSystem, unconfirmed?: UnconfirmedSegments) {
  const queue = createQueue(fileSystem, unconfirmed)
  let current: SpooledSegment | undefined

  return {
    /** Sends the segments of this recorder's folder from now on. */
    add(folder: string): void {
      queue.add(folder)
      unconfirmed?.addFolder(folder)
    },
    /** The folder was removed, or belongs to somebody else. */
    remove(folder: string): void {
      queue.remove(folder)
      unconfirmed?.removeFolder(folder)
    },
    /** The segment to send next; the same one until it is acknowledged, quarantined or removed. */
    async next(): Promise<SpooledSegment | undefined> {
      if (current !== undefined && !fileSystem.existsSync(current.path)) current = undefined
      current ??= queue.take()
      return current
    },
    /**
     * The endpoint has taken it. `isCommitted`: the receiver has landed it, and its ledger has the rejected records.
     * Otherwise the segment moves to `sent/` until that ledger confirms it.
     */
    async acknowledge(
      segment: SpooledSegment,
      { isCommitted }: { readonly isCommitted: boolean },
    ): Promise<void> {
      current = undefined
      if (unconfirmed !== undefined && !isCommitted) {
        unconfirmed.add(segment)
        return
      }
      removeFile(fileSystem, segment.path)
      unconfirmed?.forget(segment)
    },
    /** It was refused for good: set aside whole, with the reason beside it. */
    async quarantine(segment: SpooledSegment, reason: string): Promise<void> {
      setAside(fileSystem, { from: segment.path, into: quarantineFolder(segment.folder), reason })
      current = undefined
      unconfirmed?.forget(segment)
    },
  }
}

/** The segments of several folders, of each folder one at a time. */
function createQueue(
  fileSystem: FileSystem,
  unconfirmed: Pick<UnconfirmedSegments, 'isSentInQueue'> | undefined,
) {
  /** For each folder the segments listed and not yet sent: a long backlog is listed once, not once a segment. */
  const folders = new Map<string, SegmentName[]>()

  /** Undefined if it was removed since it was listed, or was sent and could not be moved. */
  function describe(folder: string, { name, signal }: SegmentName): SpooledSegment | undefined {
    const file = path.join(folder, name)
    if (unconfirmed?.isSentInQueue(file)) return undefined
    const stat = fileSystem.statSync(file, { throwIfNoEntry: false })
    return stat === undefined
      ? undefined
      : { path: file, signal, bytes: Number(stat.size), folder, name }
  }

  return {
    add(folder: string): void {
      if (!folders.has(folder)) folders.set(folder, [])
    },
    remove(folder: string): void {
      folders.delete(folder)
    },
    take(): SpooledSegment | undefined {
      for (const [folder, seen] of [...folders]) {
        const listed =
          seen.length > 0
            ? seen
            : (quietly('list segments', () => listSegments(fileSystem, folder)) ?? [])
        // Its next turn comes after all others.
        folders.delete(folder)
        folders.set(folder, listed)
        for (let next = listed.shift(); next !== undefined; next = listed.shift()) {
          const found = describe(folder, next)
          if (found !== undefined) return found
        }
      }
      return undefined
    },
  }
}
