/**
 * The log of segments that were given up unconfirmed: an endpoint took them, but it was never learnt whether they have
 * landed; the receiver's ledger knows. Each is one line of JSON in `unconfirmed.jsonl` of the destination's folder;
 * several processes may append.
 *
 * At 1 MiB the file becomes `unconfirmed.1.jsonl`, in place of the file that had that name.
 */

import * as path from 'node:path'
import { parseObject } from '@turnlog/conventions/plain'
import { type FileSystem, readText, writeFully } from '../file-system.ts'
import { isRange, joinRanges, type SequenceRange } from '../sequence-ranges.ts'

export interface UnconfirmedEntry {
  /** When it was given up. */
  readonly at: number
  readonly recorder: string
  readonly segment: string
  readonly bytes: number
  readonly sequences: readonly SequenceRange[]
  readonly why: UnconfirmedReason
}

/** Which limit was reached: one of the settings, or the number of files. */
export type UnconfirmedReason = 'kept_days_max' | 'kept_bytes_max' | 'kept_segments_max'

const fileBytesMax = 1024 ** 2

export function logUnconfirmed(
  fileSystem: FileSystem,
  directory: string,
  entry: UnconfirmedEntry,
): void {
  const [file, older] = filesOf(directory)
  const size = fileSystem.statSync(file, { throwIfNoEntry: false })?.size ?? 0
  if (Number(size) >= fileBytesMax) fileSystem.renameSync(file, older)
  const descriptor = fileSystem.openSync(file, 'a', 0o600)
  try {
    writeFully(fileSystem, descriptor, Buffer.from(`${JSON.stringify(entry)}\n`))
    fileSystem.fdatasyncSync(descriptor)
  } finally {
    fileSystem.closeSync(descriptor)
  }
}

/** The sequences of a recorder that were given up. A line that a crash cut off does not count. */
export function unconfirmedSequences(
  fileSystem: FileSystem,
  directory: string,
  recorder: string,
): SequenceRange[] {
  const lines = filesOf(directory)
    .flatMap((file) => (readText(fileSystem, file) ?? '').split('\n'))
    .map((line) => parseObject(line))
  const own = lines.filter((line) => line?.recorder === recorder)
  const sequences = own.flatMap((line) => (Array.isArray(line?.sequences) ? line.sequences : []))
  return joinRanges(sequences.filter(isRange))
}

function filesOf(directory: string): readonly [current: string, older: string] {
  return [path.join(directory, 'unconfirmed.jsonl'), path.join(directory, 'unconfirmed.1.jsonl')]
}
