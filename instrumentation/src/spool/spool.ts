/**
 * The folder of one destination, as one process works on it: its own recorder's segments and those of dead recorders
 * it has adopted. Recorders take turns, so that a new session is not stuck behind a long backlog; within one recorder
 * the oldest goes first.
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

/** Without `unconfirmed`, every answer is taken for the receiver's. */
export function openSpool(fileSystem: FileSystem, unconfirmed?: UnconfirmedSegments) {
  /** Each with what was seen in it and is not sent: a long backlog is listed once, not once a segment. */
  const folders = new Map<string, SegmentName[]>()
  let current: SpooledSegment | undefined

  function find(): SpooledSegment | undefined {
    for (const [folder, seen] of [...folders]) {
      const listed =
        seen.length > 0
          ? seen
          : (quietly('list segments', () => listSegments(fileSystem, folder)) ?? [])
      // To the end of the row.
      folders.delete(folder)
      folders.set(folder, listed)
      for (let next = listed.shift(); next !== undefined; next = listed.shift()) {
        const found = describe(folder, next)
        if (found !== undefined) return found
      }
    }
    return undefined
  }

  /** Undefined when it has gone since it was listed, or was sent and could not be moved away. */
  function describe(folder: string, { name, signal }: SegmentName): SpooledSegment | undefined {
    const file = path.join(folder, name)
    if (unconfirmed?.isSentInQueue(file)) return undefined
    const stat = fileSystem.statSync(file, { throwIfNoEntry: false })
    return stat === undefined
      ? undefined
      : { path: file, signal, bytes: Number(stat.size), folder, name }
  }

  return {
    /** Segments of this recorder's folder are sent from now on. */
    add(folder: string): void {
      if (!folders.has(folder)) folders.set(folder, [])
      unconfirmed?.addFolder(folder)
    },
    /** The recorder's folder is gone, or not ours. */
    remove(folder: string): void {
      folders.delete(folder)
      unconfirmed?.removeFolder(folder)
    },
    /** The segment to send next; the same one until it is acknowledged, set aside or gone. */
    async next(): Promise<SpooledSegment | undefined> {
      if (current !== undefined && !fileSystem.existsSync(current.path)) current = undefined
      current ??= find()
      return current
    },
    /**
     * The endpoint has taken it. `isCommitted`: it has landed, and what of it was rejected stands in the receiver's
     * ledger. Otherwise it is kept until that ledger has it.
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
    /** The receiver will never take it: set aside whole, with the reason beside it, where the disk has room for that. */
    async quarantine(segment: SpooledSegment, reason: string): Promise<void> {
      setAside(fileSystem, { from: segment.path, into: quarantineFolder(segment.folder), reason })
      current = undefined
      unconfirmed?.forget(segment)
    },
  }
}
