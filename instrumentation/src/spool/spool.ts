/**
 * The folder of one destination, as one process works on it: its own recorder's segments and those of dead recorders
 * it has adopted. Recorders take turns, so that a new session is not stuck behind a long backlog; within one recorder
 * the oldest goes first.
 */
import * as path from 'node:path'
import { type FileSystem, makePrivateFolder, removeFile } from '../file-system.ts'
import { quietly } from '../health.ts'
import type { Signal } from './otlp-json.ts'
import { accountOf, type RecorderAccount } from './recorder-account.ts'
import { listSegments, quarantineFolder } from './recorder-folder.ts'
import type { SegmentName } from './segment.ts'

export interface SpooledSegment {
  readonly path: string
  readonly signal: Signal
  readonly bytes: number
  readonly folder: string
  readonly name: string
}

export type Spool = ReturnType<typeof openSpool>

export function openSpool(fileSystem: FileSystem) {
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

  /** Undefined when it has gone since it was listed. */
  function describe(folder: string, { name, signal }: SegmentName): SpooledSegment | undefined {
    const file = path.join(folder, name)
    const stat = fileSystem.statSync(file, { throwIfNoEntry: false })
    return stat === undefined
      ? undefined
      : { path: file, signal, bytes: Number(stat.size), folder, name }
  }

  return {
    /** Segments of this recorder's folder are sent from now on. */
    add(folder: string): void {
      if (!folders.has(folder)) folders.set(folder, [])
    },
    /** The recorder's folder is gone, or not ours. */
    remove(folder: string): void {
      folders.delete(folder)
    },
    /** The segment to send next; the same one until it is acknowledged, set aside or gone. */
    async next(): Promise<SpooledSegment | undefined> {
      if (current !== undefined && !fileSystem.existsSync(current.path)) current = undefined
      current ??= find()
      return current
    },
    /** It has landed; what of it was rejected stands in the receiver's ledger. */
    async acknowledge(segment: SpooledSegment): Promise<void> {
      removeFile(fileSystem, segment.path)
      current = undefined
    },
    /** The receiver will never take it: set aside whole, with the reason beside it, where the disk has room for that. */
    async quarantine(segment: SpooledSegment, reason: string): Promise<void> {
      const folder = quarantineFolder(segment.folder)
      makePrivateFolder(fileSystem, folder)
      const aside = path.join(folder, segment.name)
      fileSystem.renameSync(segment.path, aside)
      current = undefined
      quietly('write down why a segment was refused', () =>
        fileSystem.writeFileSync(`${aside}.reason`, `${reason}\n`, { mode: 0o600 }),
      )
    },
    account: (folder: string): RecorderAccount => accountOf(fileSystem, folder),
  }
}
