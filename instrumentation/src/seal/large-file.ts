/**
 * Hashes of files above the content limit. Their contents are not recorded, so this is the one place that reads a file of
 * the host after the operation: only its hash is kept, and only if the file is still the one that was seen. Reads in pieces.
 */
import { createHash } from 'node:crypto'
import type { ContentHash } from '@turnlog/conventions'
import { attempt, type FileSystem } from '../file-system.ts'

/**
 * The default limit for contents. A smaller file, which a lowered limit leaves out, could be a secret: its hash stays
 * here.
 */
const fileBytesMin = 16 * 1024 ** 2
/** Hashing this takes about 2 s; of a larger file no hash is recorded. */
const fileBytesMax = 2 * 1024 ** 3
const pieceBytes = 256 * 1024
const rememberedMax = 1_000

/**
 * The hash of a file that was seen at `path` with this `stamp` (see `observe/host-files.ts`); `undefined` when it has changed
 * since and its hash was not asked for before.
 */
export type LargeFileHash = (path: string, stamp: string) => ContentHash | undefined

export function largeFileHashes(fileSystem: FileSystem): LargeFileHash {
  /** By inode, size and time of change, which a rename keeps. */
  const remembered = new Map<string, ContentHash>()
  return (path, stamp) => {
    const key = contentKey(stamp)
    const found = remembered.get(key) ?? attempt(() => hashFile(fileSystem, path, key))
    if (found === undefined) return undefined
    remembered.delete(key)
    remembered.set(key, found)
    const oldest = remembered.size > rememberedMax ? remembered.keys().next() : undefined
    if (oldest?.value !== undefined) remembered.delete(oldest.value)
    return found
  }
}

function hashFile(fileSystem: FileSystem, path: string, key: string): ContentHash | undefined {
  const descriptor = fileSystem.openSync(path, 'r')
  try {
    const isSame = (): boolean => {
      const { ino, size, mtimeMs } = fileSystem.fstatSync(descriptor)
      return size > fileBytesMin && size <= fileBytesMax && `${ino} ${size} ${mtimeMs}` === key
    }
    if (!isSame()) return undefined
    const hash = createHash('sha256')
    const piece = Buffer.allocUnsafe(pieceBytes)
    for (;;) {
      const count = fileSystem.readSync(descriptor, piece, 0, pieceBytes, null)
      if (count === 0) break
      hash.update(piece.subarray(0, count))
    }
    return isSame() ? (`sha256:${hash.digest('hex')}` as ContentHash) : undefined
  } finally {
    fileSystem.closeSync(descriptor)
  }
}

/** The stamp without the time at which the name or the mode was last changed. */
function contentKey(stamp: string): string {
  return stamp.split(' ').slice(0, 3).join(' ')
}
