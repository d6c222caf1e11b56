/**
 * Reads small files that may be something else, such as a named pipe, from which a read need not return. Anything but a
 * regular file of at most `bytesMax` counts as absent.
 */
import * as fs from 'node:fs'

/** Enough for any file of settings, ids or names. */
const bytesMaxByDefault = 1024 ** 2

export interface ReadRegularFileOptions {
  readonly bytesMax?: number
  /** The calls to the disk; default: those of `node:fs`. */
  readonly fileSystem?: Pick<
    typeof fs,
    'closeSync' | 'fstatSync' | 'openSync' | 'readFileSync' | 'statSync'
  >
}

/** The text of the file. Undefined if it is missing, cannot be read, is too large, or is no regular file. */
export function readRegularFile(
  file: string,
  { bytesMax = bytesMaxByDefault, fileSystem = fs }: ReadRegularFileOptions = {},
): string | undefined {
  try {
    // A device is not even opened, since opening one can have effects.
    if (!fileSystem.statSync(file).isFile()) return undefined
    // If the file has become a named pipe since, the open does not wait for a writer. Windows has no such flag.
    const descriptor = fileSystem.openSync(
      file,
      fs.constants.O_RDONLY | (fs.constants.O_NONBLOCK ?? 0),
    )
    try {
      const stat = fileSystem.fstatSync(descriptor)
      if (!stat.isFile() || stat.size > bytesMax) return undefined
      return fileSystem.readFileSync(descriptor, 'utf8')
    } finally {
      fileSystem.closeSync(descriptor)
    }
  } catch {
    return undefined
  }
}
