/** Finds renames among files that went away and files that appeared: the same file on disk, with the same content. Pure. */
import type { ChangeSide, FileChange } from './file-change.ts'
import type { FileStat } from './file-stat.ts'

/** A file that is gone from its path. */
export interface Moved {
  readonly difference: FileChange
  readonly stat: FileStat
}

/** A file system may give the number of a deleted file to a new one, so the time and the content must be the same too. */
export function pairRenames(gone: readonly Moved[]) {
  const left = new Map<number, Moved>(gone.map((each) => [each.stat.ino, each]))
  const deleted = new Set(gone)
  return {
    /** The deletion that is the other half of a rename to this path. */
    takeFor({ after }: FileChange, stat: FileStat | undefined): FileChange | undefined {
      const from = stat && left.get(stat.ino)
      if (stat === undefined || from === undefined || !deleted.has(from)) return undefined
      if (from.stat.size !== stat.size || from.stat.mtimeMs !== stat.mtimeMs) return undefined
      const [was, is] = [hashOf(from.difference.before), hashOf(after)]
      if (was !== undefined && is !== undefined && was !== is) return undefined
      deleted.delete(from)
      return from.difference
    },
    rest: (): FileChange[] => [...deleted].map(({ difference }) => difference),
  }
}

function hashOf(side: ChangeSide | undefined): string | undefined {
  return side !== undefined && 'sha256' in side ? side.sha256 : undefined
}
