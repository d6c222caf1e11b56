/**
 * Files that the host has opened for writing: descriptors, `FileHandle`s, and the streams on
 * them. The writes from the open, or from the first write, to the close are one operation; a write of the same file in
 * another way, a rename or a removal divides it. At the end of the turn it is recorded as it is then, marked `open`.
 */

import { constants } from 'node:fs'
import * as path from 'node:path'
import type { Context } from '@opentelemetry/api'
import { setBounded } from '../bounded-map.ts'
import type { FileOperationOwner } from './file-record.ts'
import type { FileLocation } from './host-files.ts'
import type { Writer } from './writer.ts'

/** Beyond this number the oldest files are not followed any more. */
const openFilesMax = 10_000

export interface OpenFile {
  /** Where the file is now; `undefined` once it has no name any more. */
  location: FileLocation | undefined
  /** `undefined`: it was opened outside of any turn, and its writes are only counted. */
  readonly owner: FileOperationOwner | undefined
  readonly active: Context
  /** The operation that its writes are part of. */
  writer: Writer | undefined
  /** The open has emptied the file: it is not complete before the descriptor is closed, or its name is changed. */
  isIncomplete: boolean
  /** A write that is not recorded was reported, and so what the file held before it. */
  isSeen: boolean
  /** Child processes that have the descriptor, too. */
  children: number
}

export class OpenFiles {
  readonly #byDescriptor = new Map<number, OpenFile>()

  get size(): number {
    return this.#byDescriptor.size
  }

  add(descriptor: number, file: OpenFile): void {
    setBounded(this.#byDescriptor, descriptor, file, openFilesMax)
  }

  get(descriptor: number): OpenFile | undefined {
    return this.#byDescriptor.get(descriptor)
  }

  /** The descriptor is closed, or another file has it now. */
  take(descriptor: number): OpenFile | undefined {
    const file = this.#byDescriptor.get(descriptor)
    if (file !== undefined) this.#byDescriptor.delete(descriptor)
    return file
  }

  at(absolute: string): OpenFile[] {
    return this.all().filter(({ location }) => location?.absolute === absolute)
  }

  all(): OpenFile[] {
    return [...this.#byDescriptor.values()]
  }

  /** A file or a folder has another name from now on, or none. */
  move(from: string, to: ((absolute: string) => FileLocation) | undefined): void {
    for (const file of this.#byDescriptor.values()) {
      const absolute = file.location?.absolute
      if (absolute === undefined || !(absolute === from || absolute.startsWith(from + path.sep)))
        continue
      file.location = to?.(absolute.slice(from.length))
    }
  }
}

/** How `open` treats the file; `undefined` when it is not opened for writing. Node's flags: a string or POSIX numbers. */
export function writingFlags(
  flags: unknown,
): { readonly isTruncated: boolean; readonly isCreated: boolean } | undefined {
  if (typeof flags === 'number') {
    const { O_WRONLY, O_RDWR, O_TRUNC, O_CREAT } = constants
    if ((flags & (O_WRONLY | O_RDWR)) === 0) return undefined
    return { isTruncated: (flags & O_TRUNC) !== 0, isCreated: (flags & O_CREAT) !== 0 }
  }
  if (typeof flags !== 'string') return undefined
  if (flags.includes('w')) return { isTruncated: true, isCreated: true }
  if (flags.includes('a')) return { isTruncated: false, isCreated: true }
  return flags.includes('+') ? { isTruncated: false, isCreated: false } : undefined
}
