/**
 * Reads a file as an operation finds or leaves it: regular files only (a FIFO would hang the host), synchronously (an
 * asynchronous read would reorder the host's writes), into one reused buffer.
 */
import { type FileSystem, originalFs } from '../file-system.ts'

const bufferBytes = 256 * 1024
/** A buffer that had to grow beyond this is given back. */
const bufferBytesKept = 4 * 1024 ** 2

/** What stood at a path. `bytes` is valid until the next call. */
export type FileContent =
  | { readonly state: 'absent' }
  | { readonly state: 'content'; readonly bytes: Uint8Array; readonly mode: number }
  | {
      readonly state: 'omitted'
      readonly reason: 'too_large' | 'unreadable' | 'not_a_file'
      readonly size?: number
      readonly mode?: number
      readonly isDirectory?: boolean
    }

export function createFileReader(contentBytesMax: number, fileSystem: FileSystem = originalFs) {
  let buffer = Buffer.allocUnsafeSlow(bufferBytes)

  /** Reads what `path` leads to; with `isLink` the link itself is meant, and is no file. Never throws. */
  return function readFile(path: string, { isLink = false } = {}): FileContent {
    let stat: ReturnType<FileSystem['statSync']> | undefined
    try {
      stat = isLink
        ? fileSystem.lstatSync(path, { throwIfNoEntry: false })
        : fileSystem.statSync(path, { throwIfNoEntry: false })
    } catch {
      return { state: 'omitted', reason: 'unreadable' }
    }
    if (stat === undefined) return { state: 'absent' }
    const mode = Number(stat.mode) & 0o7777
    if (!stat.isFile()) {
      return { state: 'omitted', reason: 'not_a_file', isDirectory: stat.isDirectory() }
    }
    const size = Number(stat.size)
    if (size > contentBytesMax) return { state: 'omitted', reason: 'too_large', size, mode }
    try {
      return readUpTo(path, size, mode)
    } catch {
      return { state: 'omitted', reason: 'unreadable', size, mode }
    }
  }

  function readUpTo(path: string, size: number, mode: number): FileContent {
    if (buffer.byteLength > bufferBytesKept) buffer = Buffer.allocUnsafeSlow(bufferBytes)
    // One byte more than the size tells whether the file has grown since.
    if (size + 1 > buffer.byteLength) buffer = Buffer.allocUnsafeSlow(size + 1)
    const descriptor = fileSystem.openSync(path, 'r')
    try {
      let read = 0
      while (read <= size) {
        const count = fileSystem.readSync(descriptor, buffer, read, size + 1 - read, read)
        if (count === 0) break
        read += count
      }
      return { state: 'content', bytes: buffer.subarray(0, Math.min(read, size)), mode }
    } finally {
      fileSystem.closeSync(descriptor)
    }
  }
}
